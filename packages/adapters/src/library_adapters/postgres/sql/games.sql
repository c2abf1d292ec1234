-- catalog.games: what Catalog says of each product.

-- name: known_games
-- The games that we have a row for, stubs included.
SELECT game_id, event_at, event_id, name, product_type, parent_game_id, platforms, size_required, version, sharing_allowed,
       cloud_saves_supported, launch_options, achievements_total, cover_url, developer, is_deleted
  FROM catalog.games
 WHERE game_id = ANY(%(game_ids)s::uuid[])

-- name: save_game
-- A newer state replaces an older one and any state replaces a stub; a stub replaces only one that tells less
-- (Game.replaces).
INSERT INTO catalog.games AS stored (
    game_id, name, sort_name, product_type, parent_game_id, platforms, size_required, version, sharing_allowed,
    cloud_saves_supported, launch_options, achievements_total, cover_url, developer, is_deleted, is_stub, event_at,
    event_id, updated_at
)
VALUES (
    %(game_id)s, %(name)s, %(sort_name)s, %(product_type)s, %(parent_game_id)s, %(platforms)s, %(size_required)s,
    %(version)s, %(sharing_allowed)s, %(cloud_saves_supported)s, %(launch_options)s::text::jsonb,
    %(achievements_total)s, %(cover_url)s, %(developer)s, %(is_deleted)s, %(is_stub)s, %(event_at)s,
    %(event_id)s, %(now)s
)
    ON CONFLICT (game_id) DO UPDATE
   SET name = excluded.name,
       sort_name = excluded.sort_name,
       product_type = excluded.product_type,
       parent_game_id = excluded.parent_game_id,
       platforms = excluded.platforms,
       size_required = excluded.size_required,
       version = excluded.version,
       sharing_allowed = excluded.sharing_allowed,
       cloud_saves_supported = excluded.cloud_saves_supported,
       launch_options = excluded.launch_options,
       achievements_total = excluded.achievements_total,
       cover_url = excluded.cover_url,
       developer = excluded.developer,
       is_deleted = excluded.is_deleted,
       is_stub = excluded.is_stub,
       event_at = excluded.event_at,
       event_id = excluded.event_id,
       updated_at = excluded.updated_at
 WHERE CASE
           WHEN NOT excluded.is_stub
           THEN stored.is_stub OR (stored.event_at, stored.event_id) < (excluded.event_at, excluded.event_id)
           WHEN NOT stored.is_stub THEN false
           WHEN excluded.product_type <> stored.product_type
           THEN excluded.product_type = 'dlc' OR stored.product_type = 'game'
           ELSE coalesce(excluded.parent_game_id < stored.parent_game_id,
                         stored.parent_game_id IS NULL AND excluded.parent_game_id IS NOT NULL)
       END
