-- A sign of life; and old records, found without locks and deleted by their keys (data 27).

-- name: ping
-- Is anybody there?
SELECT 1 AS alive

-- name: inbox_candidates
-- Claims of events that no topic keeps any more.
-- citus: many users, no locks: candidates only.
SELECT user_id, consumer, event_id
  FROM inbox
 WHERE at < %(before)s
 ORDER BY at
 LIMIT %(limit)s

-- name: inbox_purge
-- One of them.
DELETE FROM inbox
 WHERE user_id = %(user_id)s AND consumer = %(consumer)s AND event_id = %(event_id)s

-- name: idempotency_candidates
-- Answers that count as absent (data 11).
-- citus: many users, no locks: candidates only.
SELECT user_id, operation, key, created_at
  FROM idempotency_keys
 WHERE created_at < %(before)s
 ORDER BY created_at
 LIMIT %(limit)s

-- name: idempotency_purge
-- One of them, unless its key was taken again meanwhile.
DELETE FROM idempotency_keys
 WHERE user_id = %(user_id)s AND operation = %(operation)s AND key = %(key)s AND created_at = %(created_at)s

-- name: parked_candidates
-- Events that nobody came for.
-- citus: many users, no locks: candidates only.
SELECT user_id, revision, n
  FROM outbox_parked
 WHERE parked_at < %(before)s
 ORDER BY parked_at
 LIMIT %(limit)s

-- name: parked_purge
-- One of them.
DELETE FROM outbox_parked
 WHERE user_id = %(user_id)s AND revision = %(revision)s AND n = %(n)s

-- name: refunds_candidates
-- Refunds whose purchase does not come any more.
-- citus: many users, no locks: candidates only.
SELECT user_id, transaction_id, game_id, created_at
  FROM refunds
 WHERE created_at < %(before)s
 ORDER BY created_at
 LIMIT %(limit)s

-- name: refunds_purge
-- One of them.
DELETE FROM refunds
 WHERE user_id = %(user_id)s AND transaction_id = %(transaction_id)s AND game_id = %(game_id)s
   AND created_at = %(created_at)s

-- name: failed_jobs_candidates
-- Jobs that were given up and that nobody asked for since.
SELECT kind, key, updated_at
  FROM jobs
 WHERE state = 'failed' AND updated_at < %(before)s
 ORDER BY updated_at
 LIMIT %(limit)s

-- name: failed_jobs_purge
-- One of them, unless somebody asked for it meanwhile.
DELETE FROM jobs
 WHERE kind = %(kind)s AND key = %(key)s AND state = 'failed' AND updated_at = %(updated_at)s

-- name: forgotten_stubs
-- Games without a name that no job asks after.
SELECT stub.game_id
  FROM catalog.games AS stub
 WHERE stub.is_stub
   AND NOT EXISTS (
           SELECT
             FROM jobs
            WHERE jobs.kind = %(kind)s AND jobs.key = stub.game_id::text
       )
 ORDER BY stub.game_id
 LIMIT %(limit)s

-- name: partitions_ahead
-- How many months from now on every partitioned table is ready for; a quarter is three of them.
SELECT coalesce(min(ahead.months), 0) AS months
  FROM unnest(%(parents)s::text[]) AS parent
 CROSS JOIN LATERAL (
           SELECT count(*) AS months
             FROM pg_inherits
             JOIN pg_class AS child ON child.oid = inhrelid
            CROSS JOIN LATERAL (
                      SELECT substring(child.relname FROM '_y([0-9]{4})[mq][0-9]+$')::integer AS year,
                             substring(child.relname FROM 'm([0-9]{2})$')::integer AS month,
                             substring(child.relname FROM 'q([1-4])$')::integer AS quarter
                  ) AS named
            CROSS JOIN LATERAL generate_series(coalesce(month, quarter * 3 - 2), coalesce(month, quarter * 3)) AS held
            WHERE inhparent = to_regclass(parent) AND NOT inhdetachpending
              AND make_date(year, held, 1) > %(today)s::date
       ) AS ahead

-- name: retention_lock
-- One sweeper at a time drops partitions; the lock dies with the connection ("RETN").
SELECT pg_try_advisory_lock(1380275278) AS is_ours

-- name: retention_unlock
-- Let the next one.
SELECT pg_advisory_unlock(1380275278) AS was_ours

-- name: old_partitions
-- Partitions whose last day is over, attached or not (a killed sweeper leaves them in any state), and the statements that
-- end them. Detaching concurrently stops no writer. Only months are ever dropped.
WITH old AS (
    SELECT child.oid, child.relname, parent
      FROM unnest(%(parents)s::text[], %(befores)s::timestamptz[]) AS kept (parent, before)
      JOIN pg_class AS child
        ON child.relnamespace = 'public'::regnamespace
       AND child.relkind = 'r'
       AND child.relname LIKE parent || '\_y%%'
       -- Of another name nothing is cut out: the comparison is not true.
       AND to_date(substring(child.relname FROM '_y([0-9]{4}m[0-9]{2})$'), 'YYYY"m"MM') + interval '1 month'
           <= before
)
SELECT old.relname AS name,
       CASE
           WHEN link.inhdetachpending
           THEN format('ALTER TABLE %%I DETACH PARTITION %%I FINALIZE', old.parent, old.relname)
           WHEN link.inhrelid IS NOT NULL
           THEN format('ALTER TABLE %%I DETACH PARTITION %%I CONCURRENTLY', old.parent, old.relname)
       END AS detach,
       format('DROP TABLE IF EXISTS %%I', old.relname) AS remove
  FROM old
  LEFT JOIN pg_inherits AS link ON link.inhrelid = old.oid
 ORDER BY old.relname
 LIMIT %(limit)s
