-- Reads of the library. A page is one user's rows, found by the index on (user_id, game_id). What a product is, Catalog
-- says, or all purchases together until it does: the entry only knows what its own purchase said.

-- name: page
-- Games that the user may play now and has not hidden, by name; DLC stand under their games.
WITH shown AS MATERIALIZED (
    SELECT owned.*, coalesce(game.product_type, owned.product_type) AS kind, game.name, game.sort_name, game.platforms, game.cover_url
      FROM user_libraries AS owned
      LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
     WHERE owned.user_id = %(user_id)s
       AND coalesce(game.product_type, owned.product_type) <> 'dlc'
       AND NOT owned.is_hidden
       AND owned.revoked_at IS NULL
       AND (owned.access_expires_at IS NULL OR owned.access_expires_at > %(now)s)
     ORDER BY game.sort_name ASC NULLS LAST, owned.game_id ASC
     LIMIT %(limit)s OFFSET %(offset)s
)
SELECT shown.id, shown.user_id, shown.game_id, shown.name, shown.kind AS product_type,
       nullif(shown.acquisition_type, 'family') AS acquisition_type, shown.acquisition_date, shown.is_hidden,
       shown.is_favorite, shown.last_played_at, shown.total_playtime AS total_playtime_seconds,
       shown.installation_status, installation.installed, installation.size_installed, shown.platform,
       coalesce(shown.platforms, '{}') AS platforms, category.categories, dlc.dlc,
       shown.acquisition_type = 'family' AS family_shared, lender.owner_id, shown.notes, shown.cover_url,
       shown.created_at, shown.updated_at
  FROM shown
 CROSS JOIN LATERAL (
           SELECT coalesce(bool_or(device.status IN ('installed', 'updating')), false) AS installed,
                  (array_agg(device.size_installed ORDER BY device.event_at DESC))[1] AS size_installed
             FROM user_installations AS device
            WHERE device.user_id = shown.user_id AND device.game_id = shown.game_id
       ) AS installation
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
                              'installed', part.installation_status IN ('installed', 'updating'),
                              'size_installed', part.size_installed,
                              'size_required', part.size_required
                          )
                          ORDER BY part.sort_name ASC NULLS LAST, part.game_id ASC
                      ),
                      '[]'
                  ) AS dlc
             FROM (
                      SELECT owned.game_id, game.name, game.sort_name, owned.installation_status, game.size_required,
                             (SELECT device.size_installed
                                FROM user_installations AS device
                               WHERE device.user_id = owned.user_id AND device.game_id = owned.game_id
                               ORDER BY device.event_at DESC
                               LIMIT 1) AS size_installed
                        FROM catalog.games AS game
                        JOIN user_libraries AS owned
                          ON owned.user_id = %(user_id)s AND owned.game_id = game.game_id
                       WHERE game.parent_game_id = shown.game_id
                         AND game.product_type = 'dlc'
                         AND owned.revoked_at IS NULL
                         AND (owned.access_expires_at IS NULL OR owned.access_expires_at > %(now)s)
                  ) AS part
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
 ORDER BY shown.sort_name ASC NULLS LAST, shown.game_id ASC

-- name: item
-- One game of the user with everything that exists of it, accessible or not.
WITH shown AS MATERIALIZED (
    SELECT owned.*, coalesce(game.product_type, owned.product_type) AS kind, game.name, game.platforms,
           game.cover_url, game.size_required, game.version, game.developer,
           game.launch_options
      FROM user_libraries AS owned
      LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
     WHERE owned.user_id = %(user_id)s AND owned.game_id = %(game_id)s
)
SELECT shown.id, shown.user_id, shown.game_id, shown.name, shown.kind AS product_type,
       nullif(shown.acquisition_type, 'family') AS acquisition_type, shown.acquisition_date, shown.is_hidden,
       shown.is_favorite, shown.last_played_at, shown.total_playtime AS total_playtime_seconds,
       shown.installation_status, installation.installed, installation.size_installed, shown.platform,
       coalesce(shown.platforms, '{}') AS platforms, category.categories, dlc.dlc,
       shown.acquisition_type = 'family' AS family_shared, lender.owner_id, shown.notes, shown.cover_url, newest.install_path, shown.size_required,
       coalesce(newest.installed_version, shown.version) AS version, shown.developer,
       coalesce(shown.launch_options, '[]') AS launch_options, installation.devices,
       shown.created_at, shown.updated_at
  FROM shown
 CROSS JOIN LATERAL (
           SELECT coalesce(bool_or(device.status IN ('installed', 'updating')), false) AS installed,
                  (array_agg(device.size_installed ORDER BY device.event_at DESC))[1] AS size_installed,
                  coalesce(
                      jsonb_agg(
                          jsonb_build_object(
                              'device_id', device.device_id,
                              'platform', device.platform,
                              'status', device.status,
                              'install_path', device.install_path,
                              'installed_version', device.installed_version,
                              'size_installed', device.size_installed,
                              'event_at', device.event_at
                          )
                          ORDER BY device.event_at DESC
                      ),
                      '[]'
                  ) AS devices
             FROM user_installations AS device
            WHERE device.user_id = shown.user_id AND device.game_id = shown.game_id
       ) AS installation
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
                              'installed', part.installation_status IN ('installed', 'updating'),
                              'size_installed', part.size_installed,
                              'size_required', part.size_required
                          )
                          ORDER BY part.sort_name ASC NULLS LAST, part.game_id ASC
                      ),
                      '[]'
                  ) AS dlc
             FROM (
                      SELECT owned.game_id, game.name, game.sort_name, owned.installation_status, game.size_required,
                             (SELECT device.size_installed
                                FROM user_installations AS device
                               WHERE device.user_id = owned.user_id AND device.game_id = owned.game_id
                               ORDER BY device.event_at DESC
                               LIMIT 1) AS size_installed
                        FROM catalog.games AS game
                        JOIN user_libraries AS owned
                          ON owned.user_id = %(user_id)s AND owned.game_id = game.game_id
                       WHERE game.parent_game_id = shown.game_id
                         AND game.product_type = 'dlc'
                         AND owned.revoked_at IS NULL
                         AND (owned.access_expires_at IS NULL OR owned.access_expires_at > %(now)s)
                  ) AS part
       ) AS dlc
  LEFT JOIN LATERAL (
           SELECT device.install_path, device.installed_version
             FROM user_installations AS device
            WHERE device.user_id = shown.user_id AND device.game_id = shown.game_id
            ORDER BY device.event_at DESC
            LIMIT 1
       ) AS newest ON true
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

-- name: total
-- How many games all pages have together.
SELECT count(*) AS total
  FROM user_libraries AS owned
  LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
 WHERE owned.user_id = %(user_id)s
   AND coalesce(game.product_type, owned.product_type) <> 'dlc'
   AND NOT owned.is_hidden
   AND owned.revoked_at IS NULL
   AND (owned.access_expires_at IS NULL OR owned.access_expires_at > %(now)s)

-- name: rights
-- Every right to the game, and to its base game if it is a DLC whose base game we know. One row at least when there
-- is a base game, so that its absence can be told from its rights' absence.
SELECT true AS of_game, false AS has_parent, acquisition_type, source_id, granted_at, event_time, event_id,
       transaction_id, purchase_type, price_amount, price_currency, gifted_by, expires_at, revoked_at, revoke_reason
  FROM library_grants
 WHERE user_id = %(user_id)s AND game_id = %(game_id)s
 UNION ALL
SELECT false, true, lent.acquisition_type, lent.source_id, lent.granted_at, lent.event_time, lent.event_id,
       lent.transaction_id, lent.purchase_type, lent.price_amount, lent.price_currency, lent.gifted_by,
       lent.expires_at, lent.revoked_at, lent.revoke_reason
  FROM catalog.games AS game
  LEFT JOIN library_grants AS lent ON lent.user_id = %(user_id)s AND lent.game_id = game.parent_game_id
 WHERE game.game_id = %(game_id)s AND game.parent_game_id IS NOT NULL

-- name: owned_dlc
-- The DLC of the game that the user has a live right to.
SELECT DISTINCT part.game_id
  FROM catalog.games AS part
  JOIN library_grants AS held ON held.user_id = %(user_id)s AND held.game_id = part.game_id
 WHERE part.parent_game_id = %(game_id)s
   AND held.revoked_at IS NULL
   AND (held.expires_at IS NULL OR held.expires_at > %(now)s)
 ORDER BY part.game_id
