-- What a user owns. Every key contains user_id, so that the tables can be distributed by it unchanged (contract 7).
-- depends: 0002-catalog
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- The row that is shown: the best live grant, and what the user made of the game. It stays when the last grant goes.
CREATE TABLE user_libraries (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    origin text NOT NULL DEFAULT 'own',
    product_type text NOT NULL,
    acquisition_date timestamptz NOT NULL DEFAULT now(),
    acquisition_type text NOT NULL,
    -- When the last live grant runs out; null: never.
    access_expires_at timestamptz,
    -- When the grant that is shown runs out, and another, or none, is to be shown; null: never.
    shown_until timestamptz,
    -- When the last grant ended, and why; null while one is live.
    revoked_at timestamptz,
    revoke_reason text,
    is_hidden boolean NOT NULL DEFAULT false,
    is_favorite boolean NOT NULL DEFAULT false,
    last_played_at timestamptz,
    total_playtime bigint NOT NULL DEFAULT 0, -- seconds
    installation_status text COLLATE "C" NOT NULL DEFAULT 'not_installed', -- sorted by, and no collation is relied on
    -- What the item shows of user_installations: the best status of all devices, and which one has it.
    install_device_id text,
    platform text,
    install_event_at timestamptz, -- since when that device has its files
    notes text,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_libraries_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT user_libraries_user_game_unique UNIQUE (user_id, game_id),
    CONSTRAINT user_libraries_origin_known CHECK (origin IN ('own', 'family')),
    CONSTRAINT user_libraries_product_type_known CHECK (product_type IN ('game', 'application', 'dlc')),
    CONSTRAINT user_libraries_acquisition_type_known
    CHECK (acquisition_type IN ('purchase', 'gift', 'subscription', 'free', 'family')),
    CONSTRAINT user_libraries_installation_status_known
    CHECK (installation_status IN ('not_installed', 'installing', 'installed', 'updating', 'failed')),
    CONSTRAINT user_libraries_revoked_with_reason CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL)),
    CONSTRAINT user_libraries_total_playtime_not_negative CHECK (total_playtime >= 0),
    CONSTRAINT user_libraries_notes_short CHECK (char_length(notes) <= 4000)
) WITH (fillfactor = 90);

-- What a library is sorted by, so that the thousandth page costs what the first does; the name is the catalog's and has no
-- index here (data 16). A row that changes none of these columns is updated in its page without touching any index (HOT,
-- hence the fillfactor): hiding, filing, notes, rights. Downloads change the status a few times per game, and the end of
-- a session the other two; heartbeats never come here (data 8).
CREATE INDEX user_libraries_by_acquisition_date ON user_libraries (user_id, acquisition_date, game_id);
CREATE INDEX user_libraries_by_last_played_at ON user_libraries (user_id, last_played_at, game_id);
CREATE INDEX user_libraries_by_total_playtime ON user_libraries (user_id, total_playtime, game_id);
CREATE INDEX user_libraries_by_installation_status ON user_libraries (user_id, installation_status, game_id);

-- Entries whose shown grant ran out, for whoever withdraws access then. Only subscriptions end by themselves: for most
-- entries there is nothing here.
CREATE INDEX user_libraries_by_shown_until ON user_libraries (shown_until) WHERE shown_until IS NOT NULL;

-- One right from one source; only inserted or revoked, never revived (data 1). Only a subscription, which tells its whole
-- state, moves the end of its grants, and back.
CREATE TABLE library_grants (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    acquisition_type text NOT NULL,
    source_id text NOT NULL,
    transaction_id text,
    purchase_type text,
    price_amount numeric(12, 2),
    price_currency text,
    gifted_by uuid,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    revoke_reason text,
    event_time timestamptz NOT NULL,
    event_id uuid,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT library_grants_pkey PRIMARY KEY (user_id, game_id, acquisition_type, source_id),
    -- What there is a right to has an entry, dead or alive.
    CONSTRAINT library_grants_entry_exists
    FOREIGN KEY (user_id, game_id) REFERENCES user_libraries (user_id, game_id) ON DELETE CASCADE,
    CONSTRAINT library_grants_acquisition_type_known
    CHECK (acquisition_type IN ('purchase', 'gift', 'subscription', 'free', 'family')),
    CONSTRAINT library_grants_price_whole CHECK ((price_amount IS NULL) = (price_currency IS NULL)),
    CONSTRAINT library_grants_price_not_negative CHECK (price_amount >= 0),
    CONSTRAINT library_grants_revoked_with_reason CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
);

-- What was refunded of a transaction, for a purchase that comes later, or that comes again and names more: 30 days.
CREATE TABLE refunds (
    user_id uuid NOT NULL,
    transaction_id text NOT NULL,
    game_id uuid NOT NULL, -- the zero UUID: everything that the transaction brought
    event_time timestamptz NOT NULL,
    event_id uuid NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT refunds_pkey PRIMARY KEY (user_id, transaction_id, game_id)
);

CREATE INDEX refunds_by_age ON refunds (created_at);

-- What Payment last told of a subscription. The grants follow, made by a job.
CREATE TABLE subscriptions (
    user_id uuid NOT NULL,
    subscription_id text NOT NULL,
    status text NOT NULL,
    games uuid [] NOT NULL,
    expires_at timestamptz NOT NULL,
    event_time timestamptz NOT NULL,
    event_id uuid NOT NULL,
    -- Every game that any state named, and when the earliest of these did: the order of events must not show.
    named uuid [] NOT NULL,
    named_at timestamptz [] NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT subscriptions_pkey PRIMARY KEY (user_id, subscription_id),
    CONSTRAINT subscriptions_status_known CHECK (status IN ('active', 'cancelled', 'expired')),
    CONSTRAINT subscriptions_named_whole CHECK (cardinality(named) = cardinality(named_at))
);

-- What each device has of a game (data 4). Two registers, so that the order of events does not show: the status, which the
-- newest event of all tells, and the files that lie there, which the newest `installed` or `uninstalled` tells.
CREATE TABLE user_installations (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    device_id text NOT NULL, -- '' when the event names none
    status text NOT NULL,
    platform text,
    failed_reason text,
    event_at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    files_are_there boolean, -- null: nobody has told
    files_platform text,
    install_path text,
    installed_version text,
    size_installed bigint,
    size_total bigint,
    files_event_at timestamptz,
    files_event_id uuid,
    revision bigint NOT NULL,
    CONSTRAINT user_installations_pkey PRIMARY KEY (user_id, game_id, device_id),
    CONSTRAINT user_installations_status_known
    CHECK (status IN ('not_installed', 'installing', 'installed', 'updating', 'failed')),
    CONSTRAINT user_installations_files_whole
    CHECK (num_nulls(files_are_there, files_event_at, files_event_id) IN (0, 3))
-- Progress moves event_at and event_id, which are in no index, and should find room beside the row (HOT).
) WITH (fillfactor = 70);

CREATE TABLE user_game_categories (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    name text NOT NULL,
    -- NFC, casefolded and trimmed by us: how names are compared (details 3.11).
    name_key text COLLATE "C" NOT NULL,
    color text,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_game_categories_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT user_game_categories_user_name_unique UNIQUE (user_id, name_key),
    CONSTRAINT user_game_categories_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT user_game_categories_color_is_hex CHECK (color ~ '^#[0-9A-Fa-f]{6}$')
);

CREATE TABLE user_game_category_items (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    category_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_game_category_items_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT user_game_category_items_category_library_unique UNIQUE (user_id, category_id, library_item_id),
    CONSTRAINT user_game_category_items_category_exists
    FOREIGN KEY (user_id, category_id) REFERENCES user_game_categories (user_id, id) ON DELETE CASCADE,
    CONSTRAINT user_game_category_items_item_exists
    FOREIGN KEY (user_id, library_item_id) REFERENCES user_libraries (user_id, id) ON DELETE CASCADE
);

CREATE INDEX user_game_category_items_library_item_id ON user_game_category_items (user_id, library_item_id);
