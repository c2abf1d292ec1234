-- refunds: what was taken back of a transaction. The zero UUID stands for everything of it.

-- name: of
-- What is known to be refunded of one transaction.
SELECT nullif(game_id, '00000000-0000-0000-0000-000000000000'::uuid) AS game_id, event_time, event_id
  FROM refunds
 WHERE user_id = %(user_id)s AND transaction_id = %(transaction_id)s

-- name: put
-- The earliest refund of a product counts; the mutex is held, so what comes here was compared.
INSERT INTO refunds (user_id, transaction_id, game_id, event_time, event_id, revision, created_at)
VALUES (
    %(user_id)s, %(transaction_id)s, coalesce(%(game_id)s::uuid, '00000000-0000-0000-0000-000000000000'::uuid),
    %(event_time)s, %(event_id)s, %(revision)s, %(now)s
)
    ON CONFLICT (user_id, transaction_id, game_id) DO UPDATE
   SET event_time = excluded.event_time,
       event_id = excluded.event_id,
       revision = excluded.revision
