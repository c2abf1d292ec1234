-- Who of these users owns what, whatever shows it: to load only what is not there yet.
  SELECT user_id, game_id
    FROM user_libraries
   WHERE user_id = ANY(%s)
     AND origin = 'own'
