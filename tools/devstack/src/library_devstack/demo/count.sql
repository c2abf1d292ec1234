-- How many rows these users have together: how far the load has come.
  SELECT count(*)
    FROM user_libraries
   WHERE user_id = ANY(%s)
     AND origin = 'own'
