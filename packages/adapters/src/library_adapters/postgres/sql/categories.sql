-- user_game_categories as the rules see them: all of one user's, with the mutex held.

-- name: categories
-- At most 200.
SELECT id, user_id, name, color, created_at, updated_at
  FROM user_game_categories
 WHERE user_id = %(user_id)s

-- name: save_category
-- A new category, or another name or colour.
INSERT INTO user_game_categories (id, user_id, name, name_key, color, revision, created_at, updated_at)
VALUES (
    %(id)s, %(user_id)s, %(name)s, %(name_key)s, %(color)s, %(revision)s, %(created_at)s, %(updated_at)s
)
    ON CONFLICT (user_id, id) DO UPDATE
   SET name = excluded.name,
       name_key = excluded.name_key,
       color = excluded.color,
       revision = excluded.revision,
       updated_at = excluded.updated_at

-- name: delete_categories
-- Their games stay; what filed them goes with the category.
DELETE FROM user_game_categories
 WHERE user_id = %(user_id)s AND id = ANY(%(ids)s::uuid[])
