-- user_libraries and library_grants as the rules see them.

-- name: entries
-- The user's entries for some games; the mutex is held, so no row lock.
SELECT owned.id, owned.user_id, owned.game_id, owned.product_type, owned.acquisition_type, owned.acquisition_date,
       owned.access_expires_at, owned.shown_until, owned.revoked_at, owned.revoke_reason, owned.is_hidden,
       owned.is_favorite, owned.notes, owned.last_played_at, owned.created_at,
       ARRAY(
           SELECT filed.category_id
             FROM user_game_category_items AS filed
            WHERE filed.user_id = owned.user_id AND filed.library_item_id = owned.id
       ) AS category_ids
  FROM user_libraries AS owned
 WHERE owned.user_id = %(user_id)s AND owned.game_id = ANY(%(game_ids)s::uuid[])

-- name: grants
-- All rights of the user to some games, dead ones too.
SELECT game_id, acquisition_type, source_id, granted_at, event_time, event_id, transaction_id, purchase_type,
       price_amount, price_currency, gifted_by, expires_at, revoked_at, revoke_reason
  FROM library_grants
 WHERE user_id = %(user_id)s AND game_id = ANY(%(game_ids)s::uuid[])

-- name: games_of
-- What one transaction gave a right to.
SELECT DISTINCT game_id
  FROM library_grants
 WHERE user_id = %(user_id)s AND transaction_id = %(transaction_id)s
 ORDER BY game_id

-- name: held_from
-- Every right that one subscription gave, and until when the game's entry shows what it shows.
SELECT held.game_id, held.granted_at, held.expires_at, owned.shown_until
  FROM library_grants AS held
  JOIN user_libraries AS owned ON owned.user_id = held.user_id AND owned.game_id = held.game_id
 WHERE held.user_id = %(user_id)s AND held.acquisition_type = 'subscription' AND held.source_id = %(source_id)s

-- name: outdated
-- Entries that show a right which ran out. Nobody may write those of an erased user, who is being deleted.
-- citus: many users, no locks: candidates only.
SELECT owned.user_id, owned.game_id
  FROM user_libraries AS owned
  JOIN user_revisions AS revised ON revised.user_id = owned.user_id
 WHERE owned.shown_until <= %(now)s AND revised.erased_at IS NULL
 ORDER BY owned.shown_until
 LIMIT %(limit)s

-- name: insert_entry
-- A product that the user never had.
INSERT INTO user_libraries (
    id, user_id, game_id, product_type, acquisition_type, acquisition_date, access_expires_at, shown_until,
    revoked_at, revoke_reason, revision, created_at, updated_at
)
VALUES (
    %(id)s, %(user_id)s, %(game_id)s, %(product_type)s, %(acquisition_type)s, %(acquisition_date)s,
    %(access_expires_at)s, %(shown_until)s, %(revoked_at)s, %(revoke_reason)s, %(revision)s, %(created_at)s, %(now)s
)

-- name: update_entry
-- What the entry shows of its rights, and what the user makes of it.
UPDATE user_libraries
   SET acquisition_type = %(acquisition_type)s,
       acquisition_date = %(acquisition_date)s,
       access_expires_at = %(access_expires_at)s,
       shown_until = %(shown_until)s,
       revoked_at = %(revoked_at)s,
       revoke_reason = %(revoke_reason)s,
       is_hidden = %(is_hidden)s,
       is_favorite = %(is_favorite)s,
       notes = %(notes)s,
       revision = %(revision)s,
       updated_at = %(now)s
 WHERE user_id = %(user_id)s AND id = %(id)s

-- name: unfile
-- Take the entry out of the categories that it is no longer in.
DELETE FROM user_game_category_items
 WHERE user_id = %(user_id)s AND library_item_id = %(id)s AND category_id <> ALL(%(category_ids)s::uuid[])

-- name: file
-- Put the entry into the categories that it is not in yet.
INSERT INTO user_game_category_items (user_id, category_id, library_item_id, created_at)
SELECT %(user_id)s, category_id, %(id)s, %(now)s
  FROM unnest(%(category_ids)s::uuid[]) AS category_id
    ON CONFLICT (user_id, category_id, library_item_id) DO NOTHING

-- name: put_grant
-- One right from one source, as the event with the most authority describes it (ADR 0002); a revoked one stays revoked.
INSERT INTO library_grants (
    user_id, game_id, acquisition_type, source_id, transaction_id, purchase_type, price_amount, price_currency,
    gifted_by, granted_at, expires_at, revoked_at, revoke_reason, event_time, event_id, revision, created_at
)
VALUES (
    %(user_id)s, %(game_id)s, %(acquisition_type)s, %(source_id)s, %(transaction_id)s, %(purchase_type)s,
    %(price_amount)s, %(price_currency)s, %(gifted_by)s, %(granted_at)s, %(expires_at)s, %(revoked_at)s,
    %(revoke_reason)s, %(event_time)s, %(event_id)s, %(revision)s, %(now)s
)
ON CONFLICT (user_id, game_id, acquisition_type, source_id) DO UPDATE
   SET transaction_id = excluded.transaction_id,
       purchase_type = excluded.purchase_type,
       price_amount = excluded.price_amount,
       price_currency = excluded.price_currency,
       gifted_by = excluded.gifted_by,
       granted_at = excluded.granted_at,
       expires_at = excluded.expires_at,
       revoked_at = coalesce(excluded.revoked_at, library_grants.revoked_at),
       revoke_reason = coalesce(excluded.revoke_reason, library_grants.revoke_reason),
       event_time = excluded.event_time,
       event_id = excluded.event_id,
       revision = excluded.revision
 WHERE (
           library_grants.price_amount IS NOT NULL, library_grants.event_time,
           coalesce(library_grants.event_id, '00000000-0000-0000-0000-000000000000'::uuid)
       ) <= (
           excluded.price_amount IS NOT NULL, excluded.event_time,
           coalesce(excluded.event_id, '00000000-0000-0000-0000-000000000000'::uuid)
       )

-- name: redate_grant
-- A newer event said the same: remembered for the next comparison, and no change of anything.
UPDATE library_grants
   SET event_time = %(event_time)s,
       event_id = %(event_id)s
 WHERE user_id = %(user_id)s AND game_id = %(game_id)s AND acquisition_type = %(acquisition_type)s
   AND source_id = %(source_id)s
   AND (event_time, coalesce(event_id, '00000000-0000-0000-0000-000000000000'::uuid))
       < (%(event_time)s, coalesce(%(event_id)s, '00000000-0000-0000-0000-000000000000'::uuid))
