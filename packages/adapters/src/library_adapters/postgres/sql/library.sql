-- user_libraries and library_grants as the rules see them.

-- name: entries
-- The user's entries for some games; the mutex is held, so no row lock.
SELECT id, user_id, game_id, product_type, acquisition_type, acquisition_date, access_expires_at, revoked_at,
       revoke_reason, created_at
  FROM user_libraries
 WHERE user_id = %(user_id)s AND game_id = ANY(%(game_ids)s::uuid[])

-- name: grants
-- All rights of the user to some games, dead ones too.
SELECT game_id, acquisition_type, source_id, granted_at, event_time, event_id, transaction_id, purchase_type,
       price_amount, price_currency, gifted_by, expires_at, revoked_at, revoke_reason
  FROM library_grants
 WHERE user_id = %(user_id)s AND game_id = ANY(%(game_ids)s::uuid[])

-- name: insert_entry
-- A product that the user never had.
INSERT INTO user_libraries (
    id, user_id, game_id, product_type, acquisition_type, acquisition_date, access_expires_at, revoked_at,
    revoke_reason, revision, created_at, updated_at
)
VALUES (
    %(id)s, %(user_id)s, %(game_id)s, %(product_type)s, %(acquisition_type)s, %(acquisition_date)s,
    %(access_expires_at)s, %(revoked_at)s, %(revoke_reason)s, %(revision)s, %(created_at)s, %(now)s
)

-- name: update_entry
-- What the entry shows of its rights.
UPDATE user_libraries
   SET acquisition_type = %(acquisition_type)s,
       acquisition_date = %(acquisition_date)s,
       access_expires_at = %(access_expires_at)s,
       revoked_at = %(revoked_at)s,
       revoke_reason = %(revoke_reason)s,
       revision = %(revision)s,
       updated_at = %(now)s
 WHERE user_id = %(user_id)s AND id = %(id)s

-- name: insert_grant
-- One right from one source.
INSERT INTO library_grants (
    user_id, game_id, acquisition_type, source_id, transaction_id, purchase_type, price_amount, price_currency,
    gifted_by, granted_at, expires_at, revoked_at, revoke_reason, event_time, event_id, revision, created_at
)
VALUES (
    %(user_id)s, %(game_id)s, %(acquisition_type)s, %(source_id)s, %(transaction_id)s, %(purchase_type)s,
    %(price_amount)s, %(price_currency)s, %(gifted_by)s, %(granted_at)s, %(expires_at)s, %(revoked_at)s,
    %(revoke_reason)s, %(event_time)s, %(event_id)s, %(revision)s, %(now)s
)
