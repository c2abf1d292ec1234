-- A session begins, of a game that the player may play.
INSERT INTO active_sessions (
    user_id, session_id, game_id, library_item_id, owner_id, device_id, platform, start_time, last_heartbeat_at,
    last_input_at, revision
)
SELECT owned.user_id, :session_id, owned.game_id, owned.id, owned.user_id, 'pc', 'windows', date_trunc('second', now()),
       date_trunc('second', now()), date_trunc('second', now()), 2
  FROM user_libraries AS owned
 WHERE owned.user_id = :user_id AND owned.game_id = :game_id AND owned.revoked_at IS NULL
    ON CONFLICT (user_id, game_id) DO UPDATE SET revision = active_sessions.revision
RETURNING session_id, start_time
