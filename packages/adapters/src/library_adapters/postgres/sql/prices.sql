-- catalog.prices and catalog.price_history: what games cost and cost before (data 22).

-- name: remember_price
-- What an event told, once.
INSERT INTO catalog.price_history (
    game_id, currency, valid_from, event_id, amount, original_amount, discount_percent, valid_until, event_at
)
VALUES (
    %(game_id)s, %(currency)s, %(valid_from)s, %(event_id)s, %(amount)s, %(original_amount)s, %(discount_percent)s,
    %(valid_until)s, %(event_at)s
)
    ON CONFLICT (game_id, currency, valid_from, event_id) DO NOTHING

-- name: set_price
-- A newer price replaces an older one (details 3.1).
INSERT INTO catalog.prices AS stored (
    game_id, currency, amount, original_amount, discount_percent, valid_from, valid_until, event_at, event_id
)
VALUES (
    %(game_id)s, %(currency)s, %(amount)s, %(original_amount)s, %(discount_percent)s, %(valid_from)s, %(valid_until)s,
    %(event_at)s, %(event_id)s
)
    ON CONFLICT (game_id, currency) DO UPDATE
   SET amount = excluded.amount,
       original_amount = excluded.original_amount,
       discount_percent = excluded.discount_percent,
       valid_from = excluded.valid_from,
       valid_until = excluded.valid_until,
       event_at = excluded.event_at,
       event_id = excluded.event_id
 WHERE (stored.event_at, stored.event_id) < (excluded.event_at, excluded.event_id)
