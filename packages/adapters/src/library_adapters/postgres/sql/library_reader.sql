-- Reads of the library. A page is one user's rows, found by the indexes of user_libraries, which all begin with the user.
-- What a product is, Catalog says, or all purchases together until it does: the entry only knows what its own purchase
-- said.

-- fragment: kind
coalesce(game.product_type, owned.product_type)

-- fragment: accessible
-- The entry shows a right that holds now; whoever takes a right away or finds it run out says so in the entry.
owned.revoked_at IS NULL AND (owned.access_expires_at IS NULL OR owned.access_expires_at > %(now)s)

-- fragment: mine
-- The user's games that pass the filter (details 3.9); a null parameter is no condition. DLC stand under their games.
SELECT owned.*, {kind} AS kind, game.name, game.sort_name, game.platforms, game.cover_url
  FROM user_libraries AS owned
  LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
 WHERE owned.user_id = %(user_id)s
   AND {kind} <> 'dlc'
   AND ({accessible}) <> %(withdrawn)s
   AND (%(is_hidden)s::boolean IS NULL OR owned.is_hidden = %(is_hidden)s)
   AND (%(kinds)s::text[] IS NULL OR {kind} = ANY(%(kinds)s))
   AND (%(statuses)s::text[] IS NULL OR owned.installation_status = ANY(%(statuses)s))
   AND (NOT %(only_favorite)s OR owned.is_favorite)
   AND (NOT %(only_shared)s OR owned.acquisition_type = 'family')
   AND (NOT %(only_unplayed)s OR owned.last_played_at IS NULL)
   AND (%(played_since)s::timestamptz IS NULL OR owned.last_played_at >= %(played_since)s)
   AND (%(name_like)s::text IS NULL OR game.sort_name LIKE %(name_like)s)
   AND (
           %(category_key)s::text IS NULL
        OR owned.id IN (
               SELECT filed.library_item_id
                 FROM user_game_categories AS named
                 JOIN user_game_category_items AS filed
                   ON filed.user_id = named.user_id AND filed.category_id = named.id
                WHERE named.user_id = %(user_id)s AND named.name_key = %(category_key)s
           )
       )

-- fragment: members
-- What an item of a page and the item alone both show of the row `shown`, in the order of LibraryItem's members.
shown.id, shown.user_id, shown.game_id, shown.name, shown.kind AS product_type,
       nullif(shown.acquisition_type, 'family') AS acquisition_type, shown.acquisition_date, shown.is_hidden,
       shown.is_favorite, shown.last_played_at, shown.total_playtime AS total_playtime_seconds,
       shown.installation_status, shown.installation_status IN ('installed', 'updating') AS installed,
       best.size_installed, shown.platform,
       coalesce(shown.platforms, '{}') AS platforms, category.categories, dlc.dlc,
       shown.acquisition_type = 'family' AS family_shared, lender.owner_id, shown.notes, shown.cover_url,
       shown.created_at, shown.updated_at

-- fragment: beside
-- What lies in other tables beside the row `shown`.
LEFT JOIN user_installations AS best
         ON best.user_id = shown.user_id AND best.game_id = shown.game_id AND best.device_id = shown.install_device_id
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
                             device.size_installed
                        FROM catalog.games AS game
                        JOIN user_libraries AS owned
                          ON owned.user_id = %(user_id)s AND owned.game_id = game.game_id
                        LEFT JOIN user_installations AS device
                          ON device.user_id = owned.user_id
                         AND device.game_id = owned.game_id
                         AND device.device_id = owned.install_device_id
                       WHERE game.parent_game_id = shown.game_id
                         AND game.product_type = 'dlc'
                         AND {accessible}
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

-- name: version
-- What the user's answers depend on (data 15). The timeline is the one that is written now: other than the control file's
-- it changes with the promotion itself. An epoch is announced a minute ahead and counts from its time on.
-- in batches by user_id uuid, now timestamptz
SELECT ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0') AS timeline,
       (SELECT epoch - (moves_at > %(now)s)::int FROM catalog.epoch) AS epoch,
       coalesce((SELECT revision FROM user_revisions WHERE user_id = %(user_id)s), 0) AS revision

-- name: page
-- The first games, or those after an offset. What has no value to sort by comes last in both directions, which no index
-- does; so both kinds are read from the index in their own turn, as many as can be needed, and then put together.
-- where {key} is acquisition_date, installation_status, last_played_at, total_playtime
-- where {direction} is ASC, DESC
-- in batches by user_id uuid, now timestamptz, played_since timestamptz
WITH mine AS NOT MATERIALIZED (
{mine}
),
shown AS MATERIALIZED (
    SELECT *
      FROM (
               (SELECT *
                  FROM mine
                 WHERE {key} IS NOT NULL
                 ORDER BY {key} {direction}, game_id {direction}
                 LIMIT %(limit)s::bigint + %(offset)s)
                UNION ALL
               (SELECT *
                  FROM mine
                 WHERE {key} IS NULL
                 ORDER BY {key} {direction}, game_id {direction}
                 LIMIT %(limit)s::bigint + %(offset)s)
           ) AS first
     ORDER BY {key} {direction} NULLS LAST, game_id {direction}
     LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {members}, shown.{key} AS sort_key
  FROM shown
 {beside}
 ORDER BY shown.{key} {direction} NULLS LAST, shown.game_id {direction}

-- name: page_by_name
-- The first games by name, or those after an offset. No index has a library in this order, so it is read in one walk.
-- where {direction} is ASC, DESC
WITH shown AS MATERIALIZED (
    SELECT *
      FROM (
{mine}
           ) AS mine
     ORDER BY sort_name {direction} NULLS LAST, game_id {direction}
     LIMIT %(limit)s OFFSET %(offset)s
)
SELECT {members}, shown.sort_name AS sort_key
  FROM shown
 {beside}
 ORDER BY shown.sort_name {direction} NULLS LAST, shown.game_id {direction}

-- name: page_after
-- The games behind one that has a value to sort by.
-- where {key} {type} is acquisition_date timestamptz, installation_status text, last_played_at timestamptz, sort_name text, total_playtime bigint
-- where {direction} {beyond} is ASC >, DESC <
-- in batches by user_id uuid, now timestamptz, played_since timestamptz, after_key {type}, after_id uuid
WITH mine AS NOT MATERIALIZED (
{mine}
),
shown AS MATERIALIZED (
    SELECT *
      FROM (
               (SELECT *
                  FROM mine
                 WHERE ({key}, game_id) {beyond} (%(after_key)s, %(after_id)s)
                 ORDER BY {key} {direction}, game_id {direction}
                 LIMIT %(limit)s)
                UNION ALL
               (SELECT *
                  FROM mine
                 WHERE {key} IS NULL
                 ORDER BY {key} {direction}, game_id {direction}
                 LIMIT %(limit)s)
           ) AS next
     ORDER BY {key} {direction} NULLS LAST, game_id {direction}
     LIMIT %(limit)s
)
SELECT {members}, shown.{key} AS sort_key
  FROM shown
 {beside}
 ORDER BY shown.{key} {direction} NULLS LAST, shown.game_id {direction}

-- name: page_after_null
-- The games behind one that has no value to sort by: none of them has.
-- where {key} is last_played_at, sort_name
-- where {direction} {beyond} is ASC >, DESC <
-- in batches by user_id uuid, now timestamptz, played_since timestamptz, after_id uuid
WITH mine AS NOT MATERIALIZED (
{mine}
),
shown AS MATERIALIZED (
    SELECT *
      FROM mine
     WHERE {key} IS NULL AND game_id {beyond} %(after_id)s
     ORDER BY {key} {direction}, game_id {direction}
     LIMIT %(limit)s
)
SELECT {members}, shown.{key} AS sort_key
  FROM shown
 {beside}
 ORDER BY shown.game_id {direction}

-- name: total
-- How many games all pages have together.
-- in batches by user_id uuid, now timestamptz, played_since timestamptz
SELECT count(*) AS total
  FROM (
{mine}
       ) AS mine

-- name: collections
-- How many games each built-in collection shows, in one walk (details 1.7).
SELECT count(*) FILTER (WHERE owned.is_favorite AND NOT owned.is_hidden) AS favorites,
       count(*) FILTER (WHERE owned.last_played_at >= %(recent)s AND NOT owned.is_hidden) AS recent,
       count(*) FILTER (WHERE owned.installation_status = ANY(%(playable)s) AND NOT owned.is_hidden) AS installed,
       count(*) FILTER (WHERE owned.last_played_at IS NULL AND NOT owned.is_hidden) AS unplayed,
       count(*) FILTER (WHERE owned.acquisition_type = 'family' AND NOT owned.is_hidden) AS shared,
       count(*) FILTER (WHERE owned.is_hidden) AS hidden
  FROM user_libraries AS owned
  LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
 WHERE owned.user_id = %(user_id)s AND {kind} <> 'dlc' AND {accessible}

-- name: categories
-- The user's categories, each with how many games a page of it shows.
SELECT named.id, named.name, named.color, named.created_at, named.updated_at,
       (
           SELECT count(*)
             FROM user_game_category_items AS filed
             JOIN user_libraries AS owned ON owned.user_id = filed.user_id AND owned.id = filed.library_item_id
             LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
            WHERE filed.user_id = named.user_id
              AND filed.category_id = named.id
              AND {kind} <> 'dlc'
              AND NOT owned.is_hidden
              AND {accessible}
       ) AS items_count
  FROM user_game_categories AS named
 WHERE named.user_id = %(user_id)s
 ORDER BY named.name_key

-- name: item
-- One game of the user with everything that exists of it, accessible or not.
-- in batches by user_id uuid, game_id uuid, now timestamptz
WITH shown AS MATERIALIZED (
    SELECT owned.*, {kind} AS kind, game.name, game.platforms, game.cover_url, game.size_required, game.version,
           game.developer, game.launch_options
      FROM user_libraries AS owned
      LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
     WHERE owned.user_id = %(user_id)s AND owned.game_id = %(game_id)s
)
SELECT {members}, best.install_path, shown.size_required,
       coalesce(best.installed_version, shown.version) AS version, shown.developer,
       coalesce(shown.launch_options, '[]') AS launch_options, device.devices,
       coalesce(recent.sessions, '[]') AS playtime_sessions
  FROM shown
 {beside}
  LEFT JOIN recent_sessions AS recent ON recent.user_id = shown.user_id AND recent.game_id = shown.game_id
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

-- fragment: rights_asked
-- Every right of the user to the game of the row `asked`, and to its base game if it is a DLC whose base game we know. One
-- row at least when there is a base game, so that its absence can be told from its rights' absence.
SELECT true AS of_game, false AS has_parent, held.acquisition_type, held.source_id, held.granted_at, held.expires_at,
               held.revoked_at
          FROM library_grants AS held
         WHERE held.user_id = asked.user_id AND held.game_id = asked.game_id
         UNION ALL
        SELECT false, true, lent.acquisition_type, lent.source_id, lent.granted_at, lent.expires_at, lent.revoked_at
          FROM catalog.games AS game
          LEFT JOIN library_grants AS lent ON lent.user_id = asked.user_id AND lent.game_id = game.parent_game_id
         WHERE game.game_id = asked.game_id AND game.product_type = 'dlc' AND game.parent_game_id IS NOT NULL

-- name: rights
-- The user's rights to one game.
-- in batches by user_id uuid, game_id uuid
SELECT held.*
  FROM (SELECT %(user_id)s::uuid AS user_id, %(game_id)s::uuid AS game_id) AS asked
 CROSS JOIN LATERAL (
        {rights_asked}
       ) AS held

-- name: access
-- The same, and who plays the user's own copy.
-- in batches by user_id uuid, game_id uuid
SELECT held.*, played.player_id, played.since
  FROM (SELECT %(user_id)s::uuid AS user_id, %(game_id)s::uuid AS game_id) AS asked
 CROSS JOIN LATERAL (
        {rights_asked}
       ) AS held
  LEFT JOIN copy_leases AS played ON played.user_id = asked.user_id AND played.game_id = asked.game_id

-- name: access_to_each
-- The same of several games; `n` counts them from 1.
SELECT asked.n, held.*, played.player_id, played.since
  FROM (
           SELECT %(user_id)s::uuid AS user_id, game.game_id, game.n
             FROM unnest(%(game_ids)s::uuid[]) WITH ORDINALITY AS game (game_id, n)
       ) AS asked
 CROSS JOIN LATERAL (
        {rights_asked}
       ) AS held
  LEFT JOIN copy_leases AS played ON played.user_id = asked.user_id AND played.game_id = asked.game_id

-- name: players
-- Who plays which copy; those that nobody plays are left out. `n` counts them from 1.
SELECT asked.n, played.player_id, played.since
  FROM unnest(%(owner_ids)s::uuid[], %(game_ids)s::uuid[]) WITH ORDINALITY AS asked (owner_id, game_id, n)
  JOIN copy_leases AS played ON played.user_id = asked.owner_id AND played.game_id = asked.game_id

-- name: owned_dlc
-- The DLC of the game that the user has a live right to.
SELECT DISTINCT part.game_id
  FROM catalog.games AS part
  JOIN library_grants AS held ON held.user_id = %(user_id)s AND held.game_id = part.game_id
 WHERE part.parent_game_id = %(game_id)s
   AND part.product_type = 'dlc'
   AND held.revoked_at IS NULL
   AND (held.expires_at IS NULL OR held.expires_at > %(now)s)
 ORDER BY part.game_id
