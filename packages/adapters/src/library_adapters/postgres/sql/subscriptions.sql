-- subscriptions: what Payment last told of each.

-- name: of
-- One of them.
SELECT user_id, subscription_id, status, games, expires_at, event_time, event_id, named, named_at
  FROM subscriptions
 WHERE user_id = %(user_id)s AND subscription_id = %(subscription_id)s

-- name: put
-- The state in the place of the one before; the mutex is held, so what comes here was compared.
INSERT INTO subscriptions (
    user_id, subscription_id, status, games, expires_at, event_time, event_id, named, named_at, revision, created_at,
    updated_at
)
VALUES (
    %(user_id)s, %(subscription_id)s, %(status)s, %(games)s, %(expires_at)s, %(event_time)s, %(event_id)s, %(named)s,
    %(named_at)s, %(revision)s, %(now)s, %(now)s
)
    ON CONFLICT (user_id, subscription_id) DO UPDATE
   SET status = excluded.status,
       games = excluded.games,
       expires_at = excluded.expires_at,
       event_time = excluded.event_time,
       event_id = excluded.event_id,
       named = excluded.named,
       named_at = excluded.named_at,
       revision = excluded.revision,
       updated_at = excluded.updated_at
