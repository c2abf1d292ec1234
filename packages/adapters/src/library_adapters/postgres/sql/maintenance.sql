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
