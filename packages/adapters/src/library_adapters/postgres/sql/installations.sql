-- user_installations, and what user_libraries shows of it.

-- name: is_in_library
-- Whether there is an entry to show an installation in; the mutex is held, so no row lock.
SELECT 1 AS one
  FROM user_libraries
 WHERE user_id = %(user_id)s AND game_id = %(game_id)s

-- name: devices
-- Every device that ever reported on the game.
SELECT device_id, status, platform, failed_reason, event_at, event_id, files_are_there, files_platform, install_path,
       installed_version, size_installed, size_total, files_event_at, files_event_id
  FROM user_installations
 WHERE user_id = %(user_id)s AND game_id = %(game_id)s

-- name: put_device
-- What is known of a device now. Where nobody can see a difference the revision stays: nobody needs to ask again.
INSERT INTO user_installations AS stored (
    user_id, game_id, device_id, status, platform, failed_reason, event_at, event_id, files_are_there, files_platform,
    install_path, installed_version, size_installed, size_total, files_event_at, files_event_id, revision
)
VALUES (
    %(user_id)s, %(game_id)s, %(device_id)s, %(status)s, %(platform)s, %(failed_reason)s, %(event_at)s, %(event_id)s,
    %(files_are_there)s, %(files_platform)s, %(install_path)s, %(installed_version)s, %(size_installed)s, %(size_total)s,
    %(files_event_at)s, %(files_event_id)s, %(revision)s
)
    ON CONFLICT (user_id, game_id, device_id) DO UPDATE
   SET status = excluded.status,
       platform = excluded.platform,
       failed_reason = excluded.failed_reason,
       event_at = excluded.event_at,
       event_id = excluded.event_id,
       files_are_there = excluded.files_are_there,
       files_platform = excluded.files_platform,
       install_path = excluded.install_path,
       installed_version = excluded.installed_version,
       size_installed = excluded.size_installed,
       size_total = excluded.size_total,
       files_event_at = excluded.files_event_at,
       files_event_id = excluded.files_event_id,
       revision = CASE WHEN %(is_seen)s THEN excluded.revision ELSE stored.revision END

-- name: show
-- What the item shows of its devices.
UPDATE user_libraries
   SET installation_status = %(installation_status)s,
       install_device_id = %(install_device_id)s,
       platform = %(platform)s,
       install_event_at = %(install_event_at)s,
       revision = %(revision)s,
       updated_at = %(now)s
 WHERE user_id = %(user_id)s AND game_id = %(game_id)s
