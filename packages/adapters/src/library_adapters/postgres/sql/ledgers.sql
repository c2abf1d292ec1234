-- Whole users' playtime, read beside what it is made of.

-- name: kept_since
-- The first day of which there are records.
SELECT min(make_date(
           substring(child.relname FROM '_y([0-9]{4})m')::integer,
           substring(child.relname FROM 'm([0-9]{2})$')::integer,
           1
       )) AS day
  FROM pg_inherits
  JOIN pg_class AS child ON child.oid = inhrelid
 WHERE inhparent = to_regclass('playtime_sessions') AND NOT inhdetachpending

-- name: sessions
-- Every record of the user's.
SELECT game_id, start_time, end_time, duration, active_first_day
  FROM playtime_sessions
 WHERE user_id = %(user_id)s
 ORDER BY start_time, end_time

-- name: days
-- The sums of days.
SELECT game_id, date, total_playtime, sessions_count, longest_session_seconds, last_played_at
  FROM playtime_stats_daily
 WHERE user_id = %(user_id)s

-- name: months
-- The sums of months.
SELECT game_id, year, month, total_playtime, sessions_count, longest_session_seconds, last_played_at
  FROM playtime_stats_monthly
 WHERE user_id = %(user_id)s

-- name: items
-- What the library shows.
SELECT game_id, total_playtime, last_played_at
  FROM user_libraries
 WHERE user_id = %(user_id)s

-- name: recent
-- What each item shows of its last sessions, in that order.
SELECT recent.game_id, (session.shown ->> 'start_time')::timestamptz AS start_time,
       (session.shown ->> 'end_time')::timestamptz AS end_time,
       (session.shown ->> 'duration_seconds')::bigint AS duration
  FROM recent_sessions AS recent
 CROSS JOIN LATERAL jsonb_array_elements(recent.sessions) WITH ORDINALITY AS session (shown, place)
 WHERE recent.user_id = %(user_id)s
 ORDER BY recent.game_id, session.place

-- name: running
-- What runs.
SELECT session_id, game_id, owner_id, start_time
  FROM active_sessions
 WHERE user_id = %(user_id)s

-- name: lent
-- Who plays the user's copies.
SELECT game_id, session_id, player_id
  FROM copy_leases
 WHERE user_id = %(user_id)s
