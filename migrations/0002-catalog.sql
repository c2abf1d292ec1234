-- The read model of Catalog (contract 4.1). Reference tables: no user owns them.
-- depends: 0001-users
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

CREATE SCHEMA catalog;

CREATE TABLE catalog.games (
    game_id uuid NOT NULL,
    name text,
    -- Made by us, compared bytewise: no database collation is relied on (data 16).
    sort_name text COLLATE "C",
    product_type text NOT NULL,
    parent_game_id uuid,
    platforms text[] NOT NULL DEFAULT '{}',
    size_required bigint,
    version text,
    sharing_allowed boolean NOT NULL DEFAULT false,
    cloud_saves_supported boolean NOT NULL DEFAULT false,
    launch_options jsonb NOT NULL DEFAULT '[]',
    achievements_total integer,
    cover_url text,
    developer text,
    is_deleted boolean NOT NULL DEFAULT false,
    -- Nobody has told us its name yet; a job asks Catalog (data 21).
    is_stub boolean NOT NULL,
    event_at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT games_pkey PRIMARY KEY (game_id),
    CONSTRAINT games_product_type_known CHECK (product_type IN ('game', 'application', 'dlc')),
    CONSTRAINT games_named_unless_stub CHECK (is_stub = (name IS NULL)),
    CONSTRAINT games_sort_name_with_name CHECK ((name IS NULL) = (sort_name IS NULL))
);

CREATE INDEX games_parent_game_id ON catalog.games (parent_game_id) WHERE parent_game_id IS NOT NULL;
CREATE INDEX games_stubs ON catalog.games (game_id) WHERE is_stub;

-- What a game offers to achieve. No foreign key to games: an achievement may be told of before its game is.
CREATE TABLE catalog.game_achievements (
    game_id uuid NOT NULL,
    achievement_id text NOT NULL,
    name text NOT NULL,
    description text,
    icon_url text,
    is_hidden boolean NOT NULL DEFAULT false,
    server_granted boolean NOT NULL DEFAULT false,
    min_playtime_seconds bigint,
    is_deleted boolean NOT NULL DEFAULT false,
    event_at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT game_achievements_pkey PRIMARY KEY (game_id, achievement_id),
    CONSTRAINT game_achievements_min_playtime_not_negative CHECK (min_playtime_seconds >= 0)
);

-- Prices live once, not once per wish (data 22): as Catalog told them last, and all that it ever told. A price may be
-- announced: until valid_from the history has the one before it.
CREATE TABLE catalog.prices (
    game_id uuid NOT NULL,
    currency text NOT NULL,
    amount numeric(12, 2) NOT NULL,
    original_amount numeric(12, 2) NOT NULL,
    discount_percent smallint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    event_at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    CONSTRAINT prices_pkey PRIMARY KEY (game_id, currency),
    CONSTRAINT prices_currency_is_iso CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT prices_not_negative CHECK (amount >= 0 AND original_amount >= 0),
    CONSTRAINT prices_discount_is_percentage CHECK (discount_percent BETWEEN 0 AND 100)
);

-- One row per event, equal neighbours included: which of them is superfluous depends on what may still arrive late.
CREATE TABLE catalog.price_history (
    game_id uuid NOT NULL,
    currency text NOT NULL,
    valid_from timestamptz NOT NULL,
    event_id uuid NOT NULL,
    amount numeric(12, 2) NOT NULL,
    original_amount numeric(12, 2) NOT NULL,
    discount_percent smallint NOT NULL,
    valid_until timestamptz,
    event_at timestamptz NOT NULL,
    CONSTRAINT price_history_pkey PRIMARY KEY (game_id, currency, valid_from, event_id),
    CONSTRAINT price_history_currency_is_iso CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT price_history_not_negative CHECK (amount >= 0 AND original_amount >= 0),
    CONSTRAINT price_history_discount_is_percentage CHECK (discount_percent BETWEEN 0 AND 100)
);

-- One row: the epoch that answers are versioned with, because names, kinds and prices of games are in them (data 15).
-- Whoever changes one of them announces the next one, which counts from moves_at on.
CREATE TABLE catalog.epoch (
    is_only boolean NOT NULL DEFAULT true,
    epoch bigint NOT NULL,
    moves_at timestamptz NOT NULL,
    CONSTRAINT epoch_pkey PRIMARY KEY (is_only),
    CONSTRAINT epoch_is_only_row CHECK (is_only)
);

INSERT INTO catalog.epoch (epoch, moves_at) VALUES (1, '1970-01-01 00:00:00+00');
