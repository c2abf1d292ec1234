-- One game of a player with everything that exists of it, accessible or not.
SELECT shown.id, shown.user_id, shown.game_id, shown.name, shown.product_type,
       nullif(shown.acquisition_type, 'family') AS acquisition_type, shown.acquisition_date, shown.is_hidden,
       shown.is_favorite, shown.last_played_at, shown.total_playtime AS total_playtime_seconds,
       shown.installation_status, shown.installation_status IN ('installed', 'updating') AS installed,
       best.size_installed, shown.platform, shown.platforms, category.categories, dlc.dlc,
       shown.acquisition_type = 'family' AS family_shared, lender.owner_id, shown.notes, shown.cover_url,
       shown.created_at, shown.updated_at, best.install_path,
       shown.size_required, coalesce(best.installed_version, shown.version) AS version, shown.developer,
       shown.launch_options, device.devices, session.playtime_sessions, to_jsonb(access) AS access
  FROM (
           SELECT owned.id, owned.user_id, owned.game_id, owned.acquisition_type, owned.acquisition_date,
                  owned.is_hidden, owned.is_favorite, owned.last_played_at, owned.total_playtime,
                  owned.installation_status, owned.install_device_id, owned.platform, owned.notes, owned.created_at,
                  owned.updated_at,
                  coalesce(game.product_type, owned.product_type) AS product_type, game.name,
                  coalesce(game.platforms, '{}') AS platforms, game.cover_url, game.size_required, game.version,
                  game.developer, coalesce(game.launch_options, '[]') AS launch_options
             FROM user_libraries AS owned
             LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
            WHERE owned.user_id = :user_id AND owned.game_id = :game_id
       ) AS shown
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      jsonb_agg(
                          jsonb_build_object(
                              'device_id', device.device_id,
                              'platform', coalesce(device.platform, device.files_platform),
                              'status', device.status,
                              'failed_reason', device.failed_reason,
                              'install_path', device.install_path,
                              'installed_version', device.installed_version,
                              'size_installed', device.size_installed,
                              'size_total', device.size_total,
                              'installed_at', CASE WHEN device.files_are_there THEN device.files_event_at END
                          )
                          ORDER BY CASE WHEN device.files_are_there THEN device.files_event_at END DESC NULLS LAST,
                                   device.device_id ASC
                      ),
                      '[]'
                  ) AS devices
             FROM user_installations AS device
            WHERE device.user_id = shown.user_id
              AND device.game_id = shown.game_id
              AND device.status <> 'not_installed'
       ) AS device
  LEFT JOIN user_installations AS best
         ON best.user_id = shown.user_id AND best.game_id = shown.game_id AND best.device_id = shown.install_device_id
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      jsonb_agg(
                          jsonb_build_object(
                              'id', played.id,
                              'start_time', played.start_time,
                              'end_time', played.end_time,
                              'duration_seconds', played.duration
                          )
                          ORDER BY played.start_time DESC, played.id DESC
                      ),
                      '[]'
                  ) AS playtime_sessions
             FROM (
                      SELECT id, start_time, end_time, duration
                        FROM playtime_sessions
                       WHERE user_id = shown.user_id AND game_id = shown.game_id
                       ORDER BY start_time DESC, id DESC
                       LIMIT 10
                  ) AS played
       ) AS session
 CROSS JOIN LATERAL (
           SELECT coalesce(array_agg(named.name ORDER BY named.name_key), '{}') AS categories
             FROM user_game_category_items AS filed
             JOIN user_game_categories AS named
               ON named.user_id = filed.user_id AND named.id = filed.category_id
            WHERE filed.user_id = shown.user_id AND filed.library_item_id = shown.id
       ) AS category
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      jsonb_agg(
                          jsonb_build_object(
                              'dlc_id', part.game_id,
                              'name', part.name,
                              'installed', owned.installation_status IN ('installed', 'updating'),
                              'size_installed', device.size_installed,
                              'size_required', part.size_required
                          )
                          ORDER BY part.sort_name ASC NULLS LAST, part.game_id ASC
                      ),
                      '[]'
                  ) AS dlc
             FROM catalog.games AS part
             JOIN user_libraries AS owned ON owned.user_id = :user_id AND owned.game_id = part.game_id
             LEFT JOIN user_installations AS device
               ON device.user_id = owned.user_id
              AND device.game_id = owned.game_id
              AND device.device_id = owned.install_device_id
            WHERE part.parent_game_id = shown.game_id
              AND part.product_type = 'dlc'
              AND owned.revoked_at IS NULL
              AND (owned.access_expires_at IS NULL OR owned.access_expires_at > now())
       ) AS dlc
  LEFT JOIN LATERAL (
           SELECT lent.source_id::uuid AS owner_id
             FROM library_grants AS lent
            WHERE shown.acquisition_type = 'family'
              AND lent.user_id = shown.user_id
              AND lent.game_id = shown.game_id
              AND lent.acquisition_type = 'family'
              AND lent.revoked_at IS NULL
            ORDER BY lent.granted_at
            LIMIT 1
       ) AS lender ON true
 CROSS JOIN ({access}) AS access
