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
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT games_pkey PRIMARY KEY (game_id),
    CONSTRAINT games_product_type_known CHECK (product_type IN ('game', 'application', 'dlc')),
    CONSTRAINT games_named_unless_stub CHECK (is_stub = (name IS NULL)),
    CONSTRAINT games_sort_name_with_name CHECK ((name IS NULL) = (sort_name IS NULL))
);

CREATE INDEX games_parent_game_id ON catalog.games (parent_game_id) WHERE parent_game_id IS NOT NULL;

-- One row: the epoch that answers are versioned with, because names and kinds of games are in them (data 15). Whoever
-- changes games announces the next one, which counts from moves_at on.
CREATE TABLE catalog.epoch (
    is_only boolean NOT NULL DEFAULT true,
    epoch bigint NOT NULL,
    moves_at timestamptz NOT NULL,
    CONSTRAINT epoch_pkey PRIMARY KEY (is_only),
    CONSTRAINT epoch_is_only_row CHECK (is_only)
);

INSERT INTO catalog.epoch (epoch, moves_at) VALUES (1, '1970-01-01 00:00:00+00');
