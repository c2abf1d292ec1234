-- What makes events and requests happen once, and what waits to be done (contract 6, data 9 to 11, 18 and 20).
-- depends: 0004-audit
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- Column names as Debezium's outbox router has them where the datum is the same, so that it can replace our relay;
-- the key is user_id. Within a user (revision, n) is the order; written_at is the user's own monotone clock.
CREATE TABLE outbox (
    user_id uuid NOT NULL,
    revision bigint NOT NULL,
    n integer NOT NULL,
    id uuid NOT NULL,
    aggregatetype text NOT NULL, -- the topic
    type text NOT NULL,
    -- json, not jsonb: kept as it was written, never looked into
    payload json NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    shard smallint NOT NULL,
    written_at timestamptz NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (user_id, revision, n),
    CONSTRAINT outbox_shard_in_range CHECK (shard BETWEEN 0 AND 15),
    CONSTRAINT outbox_payload_fits_kafka CHECK (octet_length(payload::text) <= 524288)
) WITH (
    -- A queue: as many rows die as are born.
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000
);

CREATE INDEX outbox_in_order ON outbox (shard, written_at, user_id, revision, n);

-- Rows that the broker refuses for good; each is an alert for a person.
CREATE TABLE outbox_parked (
    user_id uuid NOT NULL,
    revision bigint NOT NULL,
    n integer NOT NULL,
    id uuid NOT NULL,
    aggregatetype text NOT NULL,
    type text NOT NULL,
    payload json NOT NULL,
    headers jsonb NOT NULL,
    shard smallint NOT NULL,
    written_at timestamptz NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL,
    CONSTRAINT outbox_parked_pkey PRIMARY KEY (user_id, revision, n)
);

CREATE INDEX outbox_parked_by_age ON outbox_parked (parked_at);

-- Not partitioned by time: uniqueness would end at midnight (data 11).
CREATE TABLE inbox (
    user_id uuid NOT NULL,
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT inbox_pkey PRIMARY KEY (user_id, consumer, event_id)
);

CREATE INDEX inbox_by_age ON inbox (at);

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    -- null while the first request runs; no other transaction ever sees that
    status smallint,
    headers jsonb NOT NULL DEFAULT '[]',
    body bytea,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, operation, key),
    CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- One row per kind and key, however often it is asked for. No user owns it: a job reads and writes its users' rows in
-- transactions of its own.
CREATE TABLE jobs (
    kind text NOT NULL,
    key text NOT NULL,
    payload bytea,
    -- Of two payloads the newer stays.
    payload_event_time timestamptz,
    payload_event_id uuid,
    cursor text, -- null: it begins
    state text NOT NULL DEFAULT 'waiting',
    -- A waiting job is due at this time; a running one too: then its lease has run out, and another runner takes it.
    due_at timestamptz NOT NULL,
    -- Unlike any lease before it, so that a runner that was held up cannot end the work of the one after it.
    lease uuid,
    -- Asked for since it began: it begins anew at this time when it is done.
    asked_at timestamptz,
    attempts integer NOT NULL DEFAULT 0, -- since the last step that came to something
    failures integer NOT NULL DEFAULT 0, -- those of them that were our fault
    last_error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT jobs_pkey PRIMARY KEY (kind, key),
    CONSTRAINT jobs_state_known CHECK (state IN ('waiting', 'running', 'failed')),
    CONSTRAINT jobs_leased_while_running CHECK ((state = 'running') = (lease IS NOT NULL)),
    CONSTRAINT jobs_payload_whole
    CHECK (
        (payload IS NULL) = (payload_event_time IS NULL) AND (payload IS NULL) = (payload_event_id IS NULL)
    )
) WITH (
    -- A queue: as many rows die as are born.
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000
);

CREATE INDEX jobs_due ON jobs (due_at) WHERE state <> 'failed';
CREATE INDEX jobs_failed ON jobs (updated_at) WHERE state = 'failed';
