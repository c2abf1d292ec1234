-- Whole libraries, read beside what they are made of.

-- name: users
-- The next ones; who was erased has no library any more.
-- citus: many users, no locks: a list.
SELECT user_id
  FROM user_revisions
 WHERE erased_at IS NULL AND (%(after)s::uuid IS NULL OR user_id > %(after)s)
 ORDER BY user_id
 LIMIT %(limit)s

-- name: revision
-- What the user's rows are at most stamped with.
SELECT revision
  FROM user_revisions
 WHERE user_id = %(user_id)s

-- name: shown
-- What each entry shows beside its rights.
SELECT owned.game_id, owned.revision, coalesce(game.product_type, owned.product_type) AS kind,
       owned.installation_status, owned.install_device_id, owned.platform, owned.install_event_at
  FROM user_libraries AS owned
  LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
 WHERE owned.user_id = %(user_id)s

-- name: granted
-- Products that there is any right to.
SELECT DISTINCT game_id
  FROM library_grants
 WHERE user_id = %(user_id)s

-- name: devices
-- Every device that ever reported on any game.
SELECT game_id, device_id, status, platform, failed_reason, event_at, event_id, files_are_there, files_platform,
       install_path, installed_version, size_installed, size_total, files_event_at, files_event_id
  FROM user_installations
 WHERE user_id = %(user_id)s
