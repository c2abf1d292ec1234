-- Reads of playtime: one user's rows, out of the partitions of the time that is asked for (contract 2, details 3.8). Names
-- are looked up one by one, for no more games than are shown: a join might read the whole catalog for them.

-- fragment: all
true

-- fragment: one
played.game_id = %(game_id)s

-- fragment: asked
-- The sessions that are asked for; a statement that reads them says in which order.
FROM playtime_sessions AS played
         WHERE played.user_id = %(user_id)s
           AND played.start_time >= %(start)s
           AND played.start_time < %(end)s
           AND {{games}}

-- fragment: ended
-- What is shown of the session `shown`.
shown.id, shown.user_id, shown.game_id,
       (SELECT game.name FROM catalog.games AS game WHERE game.game_id = shown.game_id) AS game_name,
       shown.owner_id, shown.start_time, shown.end_time, shown.duration AS duration_seconds,
       shown.duration AS played_seconds, shown.afk_seconds, shown.suspended_seconds, shown.device_id, shown.platform,
       shown.game_version, false AS is_active, 'completed' AS status, shown.end_reason, shown.last_heartbeat_at,
       shown.created_at, shown.updated_at

-- name: history
-- The newest of the ended sessions, or those after an offset.
-- where {games} is all, one
SELECT {ended}
  FROM (
        SELECT played.*
          {asked}
         ORDER BY played.start_time DESC, played.id DESC
         LIMIT %(limit)s OFFSET %(offset)s
       ) AS shown
 ORDER BY shown.start_time DESC, shown.id DESC

-- name: history_after
-- The ended sessions behind one. The first condition on it says nothing new, but which partitions are to be left out.
-- where {games} is all, one
SELECT {ended}
  FROM (
        SELECT played.*
          {asked}
           AND played.start_time <= %(after_start)s
           AND (played.start_time, played.id) < (%(after_start)s, %(after_id)s)
         ORDER BY played.start_time DESC, played.id DESC
         LIMIT %(limit)s
       ) AS shown
 ORDER BY shown.start_time DESC, shown.id DESC

-- name: history_total
-- How many sessions all pages have together.
-- where {games} is all, one
SELECT count(*) AS total
          {asked}

-- name: running
-- What the user plays now, the newest first.
SELECT running.*, running.session_id AS id,
       (SELECT game.name FROM catalog.games AS game WHERE game.game_id = running.game_id) AS game_name
  FROM active_sessions AS running
 WHERE running.user_id = %(user_id)s
 ORDER BY running.start_time DESC, running.session_id DESC

-- fragment: sums
-- The sums of the rows `part`.
coalesce(sum(part.total_playtime), 0)::bigint AS total_playtime_seconds,
       coalesce(sum(part.sessions_count), 0)::bigint AS sessions_count,
       coalesce(max(part.longest_session_seconds), 0) AS longest_session_seconds,
       max(part.last_played_at) AS last_played_at

-- fragment: of_days
-- What was played on the days asked for.
FROM playtime_stats_daily AS played
     WHERE played.user_id = %(user_id)s AND played.date >= %(first)s AND played.date < %(end)s

-- fragment: named
-- The games of the rows `shown` as a document, those played longest first; of equals the greatest id.
SELECT coalesce(
               jsonb_agg(
                   jsonb_build_object(
                       'game_id', shown.game_id,
                       'name', (SELECT game.name FROM catalog.games AS game WHERE game.game_id = shown.game_id),
                       'total_playtime_seconds', shown.total_playtime_seconds,
                       'sessions_count', shown.sessions_count,
                       'longest_session_seconds', shown.longest_session_seconds,
                       'last_played_at', shown.last_played_at
                   )
                   ORDER BY shown.total_playtime_seconds DESC, shown.game_id DESC
               ),
               '[]'
           )

-- name: stats
-- The sums of some days: of all of them, by game and by period. Days, weeks and months begin as ISO has it.
-- where {games} is all, one
WITH daily AS MATERIALIZED (
    SELECT date_trunc(%(step)s::text, played.date::timestamp)::date AS began, played.game_id,
           sum(played.total_playtime)::bigint AS total_playtime, sum(played.sessions_count) AS sessions_count,
           max(played.longest_session_seconds) AS longest_session_seconds, max(played.last_played_at) AS last_played_at
      {of_days}
       AND {{games}}
     GROUP BY began, played.game_id
),
by_game AS MATERIALIZED (
    SELECT part.game_id, {sums}
      FROM daily AS part
     GROUP BY part.game_id
)
SELECT {sums}, count(DISTINCT part.game_id) AS games_count,
       (
           {named}
             FROM (
                      SELECT *
                        FROM by_game
                       ORDER BY total_playtime_seconds DESC, game_id DESC
                       LIMIT %(games_max)s
                  ) AS shown
       ) AS games,
       (
           SELECT coalesce(
                      jsonb_agg(
                          jsonb_build_object(
                              'period', period.began,
                              'total_playtime_seconds', period.total_playtime,
                              'sessions_count', period.sessions_count,
                              'games_played', period.games_played
                          )
                          ORDER BY period.began
                      ),
                      '[]'
                  )
             FROM (
                      SELECT daily.began, sum(daily.total_playtime) AS total_playtime,
                             sum(daily.sessions_count) AS sessions_count,
                             array_agg(daily.game_id ORDER BY daily.total_playtime DESC, daily.game_id DESC)
                                 AS games_played
                        FROM daily
                       GROUP BY daily.began
                  ) AS period
       ) AS periods
  FROM daily AS part

-- name: lifetime
-- The sums of all time, and a page of the games: the first of them, those after an offset, or those behind one.
-- where {games} is all, one
WITH part AS MATERIALIZED (
    SELECT played.*
      FROM playtime_stats AS played
     WHERE played.user_id = %(user_id)s AND {{games}}
)
SELECT {sums},
       (
           {named}
             FROM (
                      SELECT part.game_id, part.total_playtime AS total_playtime_seconds, part.sessions_count,
                             part.longest_session_seconds, part.last_played_at
                        FROM part
                       WHERE %(after_seconds)s::bigint IS NULL
                          OR (part.total_playtime, part.game_id) < (%(after_seconds)s, %(after_id)s::uuid)
                       ORDER BY part.total_playtime DESC, part.game_id DESC
                       LIMIT %(limit)s OFFSET %(offset)s
                  ) AS shown
       ) AS games
  FROM part

-- name: report
-- The sums of a year or a month, the days of play, and what stands out. A day of play is one that has a row: a session
-- began on it, or time of one fell on it.
WITH part AS MATERIALIZED (
    SELECT played.*
      {of_days}
)
SELECT {sums}, count(DISTINCT part.game_id) AS games_count,
       coalesce(array_agg(DISTINCT part.date ORDER BY part.date), '{}') AS days,
       (
           SELECT extract(ISODOW FROM part.date)::integer AS weekday
             FROM part
            GROUP BY weekday
           HAVING sum(part.total_playtime) > 0
            ORDER BY sum(part.total_playtime) DESC, weekday ASC
            LIMIT 1
       ) AS busiest_weekday,
       (
           {named}
             FROM (
                      SELECT part.game_id, {sums}
                        FROM part
                       GROUP BY part.game_id
                       ORDER BY total_playtime_seconds DESC, part.game_id DESC
                       LIMIT %(games_max)s
                  ) AS shown
       ) AS top_games
  FROM part

-- name: busiest_hour
-- The hour of the day that most of the play fell into, the time of each session being spread evenly from its start to its
-- end: up to a moment, the share of its length that has passed by then, in whole seconds. No session is longer than a day,
-- so that those which began before %(since)s have nothing to do with the time asked for.
SELECT extract(HOUR FROM slot.began AT TIME ZONE 'UTC')::integer AS hour
  FROM (
           SELECT played.start_time, played.end_time, played.duration,
                  extract(EPOCH FROM played.end_time - played.start_time)::bigint AS length
             FROM playtime_sessions AS played
            WHERE played.user_id = %(user_id)s
              AND played.start_time >= %(since)s
              AND played.start_time < %(end)s
              AND played.duration > 0
       ) AS played
 CROSS JOIN LATERAL generate_series(
           date_trunc('hour', greatest(played.start_time, %(start)s)), least(played.end_time, %(end)s), interval '1 hour'
       ) AS slot (began)
 CROSS JOIN LATERAL (
           SELECT extract(EPOCH FROM greatest(slot.began, played.start_time) - played.start_time)::bigint AS first,
                  extract(EPOCH FROM least(slot.began + interval '1 hour', played.end_time) - played.start_time)::bigint
                      AS last
       ) AS share
 WHERE slot.began < %(end)s
 GROUP BY hour
HAVING sum(played.duration * share.last / played.length - played.duration * share.first / played.length) > 0
 ORDER BY sum(played.duration * share.last / played.length - played.duration * share.first / played.length) DESC, hour ASC
 LIMIT 1

-- name: new_games
-- The games that came into the library, the latest of them first. What was given back is not new, DLC stand under their
-- games.
WITH owned AS MATERIALIZED (
    SELECT item.game_id, item.acquisition_date
      FROM user_libraries AS item
     WHERE item.user_id = %(user_id)s
       AND item.acquisition_date >= %(start)s
       AND item.acquisition_date < %(end)s
       AND item.revoke_reason IS DISTINCT FROM 'refunded'
       AND coalesce(
               (SELECT game.product_type FROM catalog.games AS game WHERE game.game_id = item.game_id), item.product_type
           ) <> 'dlc'
)
SELECT count(*) AS new_games_count,
       (
           SELECT coalesce(
                      jsonb_agg(
                          jsonb_build_object(
                              'game_id', shown.game_id,
                              'name', (SELECT game.name FROM catalog.games AS game WHERE game.game_id = shown.game_id),
                              'acquisition_date', shown.acquisition_date
                          )
                          ORDER BY shown.acquisition_date DESC, shown.game_id DESC
                      ),
                      '[]'
                  )
             FROM (
                      SELECT *
                        FROM owned
                       ORDER BY acquisition_date DESC, game_id DESC
                       LIMIT %(games_max)s
                  ) AS shown
       ) AS new_games
  FROM owned
