-- outbox and outbox_parked as the relay uses them (data 18). A shard is one relay's while it holds the advisory lock,
-- so nothing here locks rows.

-- name: claim_shards
-- Take the shards that nobody holds; the number is ours ("LIBR").
SELECT shard
  FROM unnest(%(shards)s::int[]) AS shard
 WHERE pg_try_advisory_lock(1279869522, shard)

-- name: listen
-- Be woken by writers.
LISTEN library_outbox

-- name: pending
-- The oldest messages of each held shard. written_at is monotone per user, so a user's messages come in order.
-- citus: many users, no locks: read by shard.
SELECT waiting.*
  FROM unnest(%(shards)s::int[]) AS held (shard)
 CROSS JOIN LATERAL (
           SELECT message.user_id, message.revision, message.n, message.id, message.aggregatetype, message.type,
                  message.payload::text AS payload, message.headers, message.written_at
             FROM outbox AS message
            WHERE message.shard = held.shard
            ORDER BY message.written_at, message.user_id, message.revision, message.n
            LIMIT %(each)s
       ) AS waiting
 ORDER BY waiting.written_at, waiting.user_id, waiting.revision, waiting.n

-- name: oldest
-- How long the relay lags behind.
-- citus: many users, no locks: read by shard.
SELECT waiting.written_at
  FROM unnest(%(shards)s::int[]) AS held (shard)
 CROSS JOIN LATERAL (
           SELECT message.written_at
             FROM outbox AS message
            WHERE message.shard = held.shard
            ORDER BY message.written_at
            LIMIT 1
       ) AS waiting
 ORDER BY waiting.written_at
 LIMIT 1

-- name: remove
-- Messages that the broker acknowledged.
-- citus: many users, no locks: each row by its key.
DELETE FROM outbox AS message
 USING unnest(%(user_ids)s::uuid[], %(revisions)s::bigint[], %(ns)s::int[]) AS sent (user_id, revision, n)
 WHERE message.user_id = sent.user_id AND message.revision = sent.revision AND message.n = sent.n

-- name: park
-- A message that the broker refuses for good.
WITH refused AS (
    DELETE FROM outbox
     WHERE user_id = %(user_id)s AND revision = %(revision)s AND n = %(n)s
    RETURNING *
)
INSERT INTO outbox_parked (
    user_id, revision, n, id, aggregatetype, type, payload, headers, shard, written_at, reason, parked_at
)
SELECT user_id, revision, n, id, aggregatetype, type, payload, headers, shard, written_at, %(reason)s, %(now)s
  FROM refused

-- name: count_parked
-- Each is an alert for a person.
-- citus: many users, no locks: a count.
SELECT count(*) AS parked
  FROM outbox_parked

-- name: oldest_parked
-- For a person to look at.
-- citus: many users, no locks: a list.
SELECT user_id, revision, n, id, aggregatetype, type, payload::text AS payload, headers, written_at, reason, parked_at
  FROM outbox_parked
 ORDER BY parked_at, user_id, revision, n
 LIMIT %(limit)s

-- name: put_back
-- One that may be tried again.
WITH pardoned AS (
    DELETE FROM outbox_parked
     WHERE user_id = %(user_id)s AND revision = %(revision)s AND n = %(n)s
    RETURNING *
)
INSERT INTO outbox (user_id, revision, n, id, aggregatetype, type, payload, headers, shard, written_at)
SELECT user_id, revision, n, id, aggregatetype, type, payload, headers, shard, written_at
  FROM pardoned
RETURNING id
