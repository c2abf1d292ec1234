-- What a session is told about itself.

-- name: allow
-- How long its statements may run from now on, in milliseconds.
SELECT set_config('statement_timeout', %(milliseconds)s::text, false)
