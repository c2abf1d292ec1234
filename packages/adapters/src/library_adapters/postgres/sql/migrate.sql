-- What the migration job needs beside the migrations.

-- name: wait_for_lock
-- How long one migrator waits for another.
SELECT set_config('lock_timeout', %(timeout)s, false)

-- name: migration_lock
-- One migrator at a time; the lock dies with the connection ("MIGR").
SELECT pg_advisory_lock(1296647506)

-- name: ensure_partitions
-- Partitions from this month or quarter on.
SELECT ensure_partitions(%(parent)s, %(step)s, %(since)s, %(months)s) AS made
