-- A sign of life of a running session: what went by since the last one counts as played.
UPDATE active_sessions
   SET active_first_day = active_first_day + extract(EPOCH FROM date_trunc('second', now()) - last_heartbeat_at)::integer,
       last_heartbeat_at = date_trunc('second', now()),
       last_input_at = date_trunc('second', now())
 WHERE user_id = :user_id AND session_id = :session_id
RETURNING active_first_day AS played_seconds
