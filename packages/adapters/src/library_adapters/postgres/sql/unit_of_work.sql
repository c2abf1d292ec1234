-- What every transaction does around a use case (data 9 to 12).

-- name: lock_user
-- Take the user's mutex. The revision rises only when something was recorded, so a replay changes nothing.
SELECT revision, changed_at, erased_at
  FROM user_revisions
 WHERE user_id = %(user_id)s
   FOR UPDATE

-- name: lock_user_if_free
-- The same, unless somebody holds it: then no row.
SELECT revision, changed_at, erased_at
  FROM user_revisions
 WHERE user_id = %(user_id)s
   FOR UPDATE SKIP LOCKED

-- name: open_user
-- The first time that we hear of this user.
INSERT INTO user_revisions (user_id, revision, changed_at)
VALUES (%(user_id)s, 0, %(now)s)
    ON CONFLICT (user_id) DO NOTHING

-- name: raise_revision
-- Stamp the change; the mutex is held.
UPDATE user_revisions
   SET revision = %(revision)s, changed_at = %(changed_at)s
 WHERE user_id = %(user_id)s

-- name: audit
-- Who did what. Who only looked did not change the revision, and holds no mutex: the row keeps the one that they saw.
INSERT INTO library_audit_log (
    id, user_id, game_id, action, details, actor_id, actor_role, ip_address, user_agent, request_id, revision, created_at
)
VALUES (
    %(id)s, %(user_id)s, %(game_id)s, %(action)s, %(details)s::text::jsonb, %(actor_id)s, %(actor_role)s,
    %(ip_address)s, %(user_agent)s, %(request_id)s,
    coalesce(%(revision)s::bigint, (SELECT revision FROM user_revisions WHERE user_id = %(user_id)s), 0),
    %(created_at)s
)

-- name: publish
-- An event for the relay.
INSERT INTO outbox (user_id, revision, n, id, aggregatetype, type, payload, headers, shard, written_at)
VALUES (
    %(user_id)s, %(revision)s, %(n)s, %(id)s, %(topic)s, %(type)s, %(payload)s::text::json, %(headers)s, %(shard)s,
    %(written_at)s
)

-- name: claim_event
-- The effect of an event happens once per consumer. Waits for another transaction that claims the same.
INSERT INTO inbox (user_id, consumer, event_id, at)
VALUES (%(user_id)s, %(consumer)s, %(event_id)s, %(now)s)
    ON CONFLICT (user_id, consumer, event_id) DO NOTHING
RETURNING event_id

-- name: claim_request
-- The effect of a keyed request happens once. Waits for another transaction that claims the same; a row older than
-- a day counts as absent.
INSERT INTO idempotency_keys AS stored (user_id, operation, key, request_sha256, created_at)
VALUES (%(user_id)s, %(operation)s, %(key)s, %(request_sha256)s, %(now)s)
    ON CONFLICT (user_id, operation, key) DO UPDATE
   SET request_sha256 = excluded.request_sha256,
       created_at = excluded.created_at,
       status = NULL,
       headers = '[]',
       body = NULL
 WHERE stored.created_at <= %(expired)s
RETURNING key

-- name: stored_answer
-- What the first request was answered.
SELECT request_sha256, status, headers, body
  FROM idempotency_keys
 WHERE user_id = %(user_id)s AND operation = %(operation)s AND key = %(key)s

-- name: keep_answer
-- The answer, in the transaction of its effect.
UPDATE idempotency_keys
   SET status = %(status)s, headers = %(headers)s, body = %(body)s
 WHERE user_id = %(user_id)s AND operation = %(operation)s AND key = %(key)s

-- name: release_request
-- A refusal stores nothing: the key is free again.
DELETE FROM idempotency_keys
 WHERE user_id = %(user_id)s AND operation = %(operation)s AND key = %(key)s
