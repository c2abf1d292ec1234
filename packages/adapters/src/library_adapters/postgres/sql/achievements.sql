-- catalog.game_achievements: what games offer to achieve.

-- name: save_achievement
-- A newer state replaces an older one (details 3.1).
INSERT INTO catalog.game_achievements AS stored (
    game_id, achievement_id, name, description, icon_url, is_hidden, server_granted, min_playtime_seconds, is_deleted,
    event_at, event_id, updated_at
)
VALUES (
    %(game_id)s, %(achievement_id)s, %(name)s, %(description)s, %(icon_url)s, %(is_hidden)s, %(server_granted)s,
    %(min_playtime_seconds)s, %(is_deleted)s, %(event_at)s, %(event_id)s, %(now)s
)
    ON CONFLICT (game_id, achievement_id) DO UPDATE
   SET name = excluded.name,
       description = excluded.description,
       icon_url = excluded.icon_url,
       is_hidden = excluded.is_hidden,
       server_granted = excluded.server_granted,
       min_playtime_seconds = excluded.min_playtime_seconds,
       is_deleted = excluded.is_deleted,
       event_at = excluded.event_at,
       event_id = excluded.event_id,
       updated_at = excluded.updated_at
 WHERE (stored.event_at, stored.event_id) < (excluded.event_at, excluded.event_id)
