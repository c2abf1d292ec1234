-- Made by `make schema` from the migrations; not written by hand. Partitions are left out.
-- Name: catalog; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA catalog;

-- Name: ensure_monthly_partitions(text, date, integer); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.ensure_monthly_partitions(parent text, since date, months integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    month date;
    child text;
    attached integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ensure_monthly_partitions'), hashtext(parent));
    FOR i IN 0..months LOOP
        month := date_trunc('month', since)::date + make_interval(months => i);
        child := format('%s_y%sm%s', parent, to_char(month, 'YYYY'), to_char(month, 'MM'));
        IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(child)) THEN
            CONTINUE;
        END IF;
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I (LIKE %I INCLUDING ALL)', child, parent);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            parent, child, month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'
        );
        attached := attached + 1;
    END LOOP;
    RETURN attached;
END
$$;

-- Name: ensure_partitions(text, text, date, integer); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.ensure_partitions(parent text, step text, since date, months integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    length constant interval := make_interval(months => CASE step WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 END);
    begins timestamp := date_trunc(step, since::timestamp);
    child text;
    attached integer := 0;
BEGIN
    -- The lock of the function before this one, which the sweeper of the release before still calls.
    PERFORM pg_advisory_xact_lock(hashtext('ensure_monthly_partitions'), hashtext(parent));
    WHILE begins <= since + make_interval(months => months) LOOP
        child := parent || to_char(begins, CASE step WHEN 'month' THEN '"_y"YYYY"m"MM' ELSE '"_y"YYYY"q"Q' END);
        IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(child)) THEN
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I (LIKE %I INCLUDING ALL)', child, parent);
            -- With its zone: as a moment it means the same everywhere, as a date it is what it says.
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, child, begins || '+00', (begins + length) || '+00'
            );
            attached := attached + 1;
        END IF;
        begins := begins + length;
    END LOOP;
    RETURN attached;
END
$$;

-- Name: epoch; Type: TABLE; Schema: catalog; Owner: -

CREATE TABLE catalog.epoch (
    is_only boolean DEFAULT true NOT NULL,
    epoch bigint NOT NULL,
    moves_at timestamp with time zone NOT NULL,
    CONSTRAINT epoch_is_only_row CHECK (is_only)
);

-- Name: game_achievements; Type: TABLE; Schema: catalog; Owner: -

CREATE TABLE catalog.game_achievements (
    game_id uuid NOT NULL,
    achievement_id text NOT NULL,
    name text NOT NULL,
    description text,
    icon_url text,
    is_hidden boolean DEFAULT false NOT NULL,
    server_granted boolean DEFAULT false NOT NULL,
    min_playtime_seconds bigint,
    is_deleted boolean DEFAULT false NOT NULL,
    event_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT game_achievements_min_playtime_not_negative CHECK ((min_playtime_seconds >= 0))
);

-- Name: games; Type: TABLE; Schema: catalog; Owner: -

CREATE TABLE catalog.games (
    game_id uuid NOT NULL,
    name text,
    sort_name text COLLATE pg_catalog."C",
    product_type text NOT NULL,
    parent_game_id uuid,
    platforms text[] DEFAULT '{}'::text[] NOT NULL,
    size_required bigint,
    version text,
    sharing_allowed boolean DEFAULT false NOT NULL,
    cloud_saves_supported boolean DEFAULT false NOT NULL,
    launch_options jsonb DEFAULT '[]'::jsonb NOT NULL,
    achievements_total integer,
    cover_url text,
    developer text,
    is_deleted boolean DEFAULT false NOT NULL,
    is_stub boolean NOT NULL,
    event_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT games_named_unless_stub CHECK ((is_stub = (name IS NULL))),
    CONSTRAINT games_product_type_known CHECK ((product_type = ANY (ARRAY['game'::text, 'application'::text, 'dlc'::text]))),
    CONSTRAINT games_sort_name_with_name CHECK (((name IS NULL) = (sort_name IS NULL)))
);

-- Name: price_history; Type: TABLE; Schema: catalog; Owner: -

CREATE TABLE catalog.price_history (
    game_id uuid NOT NULL,
    currency text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    amount numeric(12,2) NOT NULL,
    original_amount numeric(12,2) NOT NULL,
    discount_percent smallint NOT NULL,
    valid_until timestamp with time zone,
    event_at timestamp with time zone NOT NULL,
    CONSTRAINT price_history_currency_is_iso CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT price_history_discount_is_percentage CHECK (((discount_percent >= 0) AND (discount_percent <= 100))),
    CONSTRAINT price_history_not_negative CHECK (((amount >= (0)::numeric) AND (original_amount >= (0)::numeric)))
);

-- Name: prices; Type: TABLE; Schema: catalog; Owner: -

CREATE TABLE catalog.prices (
    game_id uuid NOT NULL,
    currency text NOT NULL,
    amount numeric(12,2) NOT NULL,
    original_amount numeric(12,2) NOT NULL,
    discount_percent smallint NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone,
    event_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    CONSTRAINT prices_currency_is_iso CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT prices_discount_is_percentage CHECK (((discount_percent >= 0) AND (discount_percent <= 100))),
    CONSTRAINT prices_not_negative CHECK (((amount >= (0)::numeric) AND (original_amount >= (0)::numeric)))
);

-- Name: active_sessions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.active_sessions (
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    game_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    device_id text NOT NULL,
    platform text,
    game_version text,
    start_time timestamp with time zone NOT NULL,
    clock_skew_seconds bigint,
    last_heartbeat_at timestamp with time zone NOT NULL,
    last_input_at timestamp with time zone NOT NULL,
    active_first_day integer DEFAULT 0 NOT NULL,
    active_second_day integer DEFAULT 0 NOT NULL,
    afk_seconds integer DEFAULT 0 NOT NULL,
    suspended_seconds integer DEFAULT 0 NOT NULL,
    told_idle boolean DEFAULT false NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT active_sessions_active_not_negative CHECK (((active_first_day >= 0) AND (active_second_day >= 0))),
    CONSTRAINT active_sessions_afk_not_negative CHECK ((afk_seconds >= 0)),
    CONSTRAINT active_sessions_in_order CHECK (((start_time <= last_input_at) AND (last_input_at <= last_heartbeat_at))),
    CONSTRAINT active_sessions_suspended_not_negative CHECK ((suspended_seconds >= 0))
)
WITH (fillfactor='70');

-- Name: copy_leases; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.copy_leases (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    session_id uuid NOT NULL,
    player_id uuid NOT NULL,
    since timestamp with time zone NOT NULL
);

-- Name: erasure_jobs; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.erasure_jobs (
    user_id uuid NOT NULL,
    reason text,
    event_id uuid NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    CONSTRAINT erasure_jobs_state_known CHECK ((state = 'requested'::text))
);

-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.idempotency_keys (
    user_id uuid NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status smallint,
    headers jsonb DEFAULT '[]'::jsonb NOT NULL,
    body bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_key_length CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255)))
);

-- Name: inbox; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.inbox (
    user_id uuid NOT NULL,
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    at timestamp with time zone NOT NULL
);

-- Name: jobs; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.jobs (
    kind text NOT NULL,
    key text NOT NULL,
    payload bytea,
    payload_event_time timestamp with time zone,
    payload_event_id uuid,
    cursor text,
    state text DEFAULT 'waiting'::text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    lease uuid,
    asked_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT jobs_leased_while_running CHECK (((state = 'running'::text) = (lease IS NOT NULL))),
    CONSTRAINT jobs_payload_whole CHECK ((((payload IS NULL) = (payload_event_time IS NULL)) AND ((payload IS NULL) = (payload_event_id IS NULL)))),
    CONSTRAINT jobs_state_known CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'failed'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='5000');

-- Name: library_audit_log; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.library_audit_log (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    game_id uuid,
    action text NOT NULL,
    details jsonb,
    actor_id uuid,
    actor_role text,
    ip_address text,
    user_agent text,
    request_id text,
    result text DEFAULT 'success'::text NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (created_at);

-- Name: library_grants; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.library_grants (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    acquisition_type text NOT NULL,
    source_id text NOT NULL,
    transaction_id text,
    purchase_type text,
    price_amount numeric(12,2),
    price_currency text,
    gifted_by uuid,
    granted_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoke_reason text,
    event_time timestamp with time zone NOT NULL,
    event_id uuid,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT library_grants_acquisition_type_known CHECK ((acquisition_type = ANY (ARRAY['purchase'::text, 'gift'::text, 'subscription'::text, 'free'::text, 'family'::text]))),
    CONSTRAINT library_grants_price_not_negative CHECK ((price_amount >= (0)::numeric)),
    CONSTRAINT library_grants_price_whole CHECK (((price_amount IS NULL) = (price_currency IS NULL))),
    CONSTRAINT library_grants_revoked_with_reason CHECK (((revoked_at IS NULL) = (revoke_reason IS NULL)))
);

-- Name: outbox; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.outbox (
    user_id uuid NOT NULL,
    revision bigint NOT NULL,
    n integer NOT NULL,
    id uuid NOT NULL,
    aggregatetype text NOT NULL,
    type text NOT NULL,
    payload json NOT NULL,
    headers jsonb DEFAULT '{}'::jsonb NOT NULL,
    shard smallint NOT NULL,
    written_at timestamp with time zone NOT NULL,
    CONSTRAINT outbox_payload_fits_kafka CHECK ((octet_length((payload)::text) <= 524288)),
    CONSTRAINT outbox_shard_in_range CHECK (((shard >= 0) AND (shard <= 15)))
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='5000');

-- Name: outbox_parked; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.outbox_parked (
    user_id uuid NOT NULL,
    revision bigint NOT NULL,
    n integer NOT NULL,
    id uuid NOT NULL,
    aggregatetype text NOT NULL,
    type text NOT NULL,
    payload json NOT NULL,
    headers jsonb NOT NULL,
    shard smallint NOT NULL,
    written_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    parked_at timestamp with time zone NOT NULL
);

-- Name: playtime_sessions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.playtime_sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone NOT NULL,
    duration bigint NOT NULL,
    device_id text NOT NULL,
    platform text,
    is_completed boolean DEFAULT true NOT NULL,
    last_heartbeat_at timestamp with time zone NOT NULL,
    owner_id uuid NOT NULL,
    game_version text,
    active_first_day integer NOT NULL,
    afk_seconds integer NOT NULL,
    suspended_seconds integer NOT NULL,
    end_reason text NOT NULL,
    over_since timestamp with time zone NOT NULL,
    clock_skew_seconds bigint,
    told_idle boolean NOT NULL,
    total_playtime_after bigint NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT playtime_sessions_afk_not_negative CHECK ((afk_seconds >= 0)),
    CONSTRAINT playtime_sessions_days_within CHECK (((active_first_day >= 0) AND (active_first_day <= duration))),
    CONSTRAINT playtime_sessions_every_second_once CHECK (((((duration + afk_seconds) + suspended_seconds))::numeric = EXTRACT(epoch FROM (end_time - start_time)))),
    CONSTRAINT playtime_sessions_reason_known CHECK ((end_reason = ANY (ARRAY['client'::text, 'timeout'::text, 'afk'::text, 'taken_over'::text, 'owner_preempted'::text, 'access_revoked'::text, 'max_duration'::text, 'account_erased'::text]))),
    CONSTRAINT playtime_sessions_suspended_not_negative CHECK ((suspended_seconds >= 0))
)
PARTITION BY RANGE (start_time);

-- Name: playtime_stats_monthly; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.playtime_stats_monthly (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    year smallint NOT NULL,
    month smallint NOT NULL,
    library_item_id uuid NOT NULL,
    total_playtime bigint DEFAULT 0 NOT NULL,
    sessions_count integer DEFAULT 0 NOT NULL,
    longest_session_seconds integer DEFAULT 0 NOT NULL,
    first_played_at timestamp with time zone NOT NULL,
    last_played_at timestamp with time zone NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT playtime_stats_monthly_month_known CHECK (((month >= 1) AND (month <= 12))),
    CONSTRAINT playtime_stats_monthly_sessions_not_negative CHECK ((sessions_count >= 0)),
    CONSTRAINT playtime_stats_monthly_total_not_negative CHECK ((total_playtime >= 0))
)
WITH (fillfactor='90');

-- Name: playtime_stats; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.playtime_stats AS
 SELECT user_id,
    game_id,
    (sum(total_playtime))::bigint AS total_playtime,
    sum(sessions_count) AS sessions_count,
    (div(sum(total_playtime), (NULLIF(sum(sessions_count), 0))::numeric))::bigint AS average_session_seconds,
    max(longest_session_seconds) AS longest_session_seconds,
    min(first_played_at) AS first_played_at,
    max(last_played_at) AS last_played_at
   FROM public.playtime_stats_monthly
  GROUP BY user_id, game_id;

-- Name: playtime_stats_daily; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.playtime_stats_daily (
    user_id uuid NOT NULL,
    date date NOT NULL,
    game_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    total_playtime bigint DEFAULT 0 NOT NULL,
    sessions_count integer DEFAULT 0 NOT NULL,
    longest_session_seconds integer DEFAULT 0 NOT NULL,
    last_played_at timestamp with time zone NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT playtime_stats_daily_sessions_not_negative CHECK ((sessions_count >= 0)),
    CONSTRAINT playtime_stats_daily_total_not_negative CHECK ((total_playtime >= 0))
)
PARTITION BY RANGE (date);

-- Name: recent_sessions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.recent_sessions (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    sessions jsonb NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT recent_sessions_few CHECK (((jsonb_array_length(sessions) >= 1) AND (jsonb_array_length(sessions) <= 10)))
)
WITH (fillfactor='70');

-- Name: refunds; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.refunds (
    user_id uuid NOT NULL,
    transaction_id text NOT NULL,
    game_id uuid NOT NULL,
    event_time timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);

-- Name: subscriptions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.subscriptions (
    user_id uuid NOT NULL,
    subscription_id text NOT NULL,
    status text NOT NULL,
    games uuid[] NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    event_time timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    named uuid[] NOT NULL,
    named_at timestamp with time zone[] NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT subscriptions_named_whole CHECK ((cardinality(named) = cardinality(named_at))),
    CONSTRAINT subscriptions_status_known CHECK ((status = ANY (ARRAY['active'::text, 'cancelled'::text, 'expired'::text])))
);

-- Name: user_game_categories; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.user_game_categories (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL COLLATE pg_catalog."C",
    color text,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_game_categories_color_is_hex CHECK ((color ~ '^#[0-9A-Fa-f]{6}$'::text)),
    CONSTRAINT user_game_categories_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

-- Name: user_game_category_items; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.user_game_category_items (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    category_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: user_installations; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.user_installations (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    device_id text NOT NULL,
    status text NOT NULL,
    platform text,
    failed_reason text,
    event_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    files_are_there boolean,
    files_platform text,
    install_path text,
    installed_version text,
    size_installed bigint,
    size_total bigint,
    files_event_at timestamp with time zone,
    files_event_id uuid,
    revision bigint NOT NULL,
    CONSTRAINT user_installations_files_whole CHECK ((num_nulls(files_are_there, files_event_at, files_event_id) = ANY (ARRAY[0, 3]))),
    CONSTRAINT user_installations_status_known CHECK ((status = ANY (ARRAY['not_installed'::text, 'installing'::text, 'installed'::text, 'updating'::text, 'failed'::text])))
)
WITH (fillfactor='70');

-- Name: user_libraries; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.user_libraries (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    origin text DEFAULT 'own'::text NOT NULL,
    product_type text NOT NULL,
    acquisition_date timestamp with time zone DEFAULT now() NOT NULL,
    acquisition_type text NOT NULL,
    access_expires_at timestamp with time zone,
    shown_until timestamp with time zone,
    revoked_at timestamp with time zone,
    revoke_reason text,
    is_hidden boolean DEFAULT false NOT NULL,
    is_favorite boolean DEFAULT false NOT NULL,
    last_played_at timestamp with time zone,
    total_playtime bigint DEFAULT 0 NOT NULL,
    installation_status text DEFAULT 'not_installed'::text NOT NULL COLLATE pg_catalog."C",
    install_device_id text,
    platform text,
    install_event_at timestamp with time zone,
    notes text,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_libraries_acquisition_type_known CHECK ((acquisition_type = ANY (ARRAY['purchase'::text, 'gift'::text, 'subscription'::text, 'free'::text, 'family'::text]))),
    CONSTRAINT user_libraries_installation_status_known CHECK ((installation_status = ANY (ARRAY['not_installed'::text, 'installing'::text, 'installed'::text, 'updating'::text, 'failed'::text]))),
    CONSTRAINT user_libraries_notes_short CHECK ((char_length(notes) <= 4000)),
    CONSTRAINT user_libraries_origin_known CHECK ((origin = ANY (ARRAY['own'::text, 'family'::text]))),
    CONSTRAINT user_libraries_product_type_known CHECK ((product_type = ANY (ARRAY['game'::text, 'application'::text, 'dlc'::text]))),
    CONSTRAINT user_libraries_revoked_with_reason CHECK (((revoked_at IS NULL) = (revoke_reason IS NULL))),
    CONSTRAINT user_libraries_total_playtime_not_negative CHECK ((total_playtime >= 0))
)
WITH (fillfactor='90');

-- Name: user_revisions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.user_revisions (
    user_id uuid NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT user_revisions_revision_not_negative CHECK ((revision >= 0))
)
WITH (fillfactor='70');

-- Name: epoch epoch_pkey; Type: CONSTRAINT; Schema: catalog; Owner: -

ALTER TABLE ONLY catalog.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (is_only);

-- Name: game_achievements game_achievements_pkey; Type: CONSTRAINT; Schema: catalog; Owner: -

ALTER TABLE ONLY catalog.game_achievements
    ADD CONSTRAINT game_achievements_pkey PRIMARY KEY (game_id, achievement_id);

-- Name: games games_pkey; Type: CONSTRAINT; Schema: catalog; Owner: -

ALTER TABLE ONLY catalog.games
    ADD CONSTRAINT games_pkey PRIMARY KEY (game_id);

-- Name: price_history price_history_pkey; Type: CONSTRAINT; Schema: catalog; Owner: -

ALTER TABLE ONLY catalog.price_history
    ADD CONSTRAINT price_history_pkey PRIMARY KEY (game_id, currency, valid_from, event_id);

-- Name: prices prices_pkey; Type: CONSTRAINT; Schema: catalog; Owner: -

ALTER TABLE ONLY catalog.prices
    ADD CONSTRAINT prices_pkey PRIMARY KEY (game_id, currency);

-- Name: active_sessions active_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.active_sessions
    ADD CONSTRAINT active_sessions_pkey PRIMARY KEY (user_id, session_id);

-- Name: active_sessions active_sessions_user_game_unique; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.active_sessions
    ADD CONSTRAINT active_sessions_user_game_unique UNIQUE (user_id, game_id);

-- Name: copy_leases copy_leases_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.copy_leases
    ADD CONSTRAINT copy_leases_pkey PRIMARY KEY (user_id, game_id);

-- Name: erasure_jobs erasure_jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.erasure_jobs
    ADD CONSTRAINT erasure_jobs_pkey PRIMARY KEY (user_id);

-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, operation, key);

-- Name: inbox inbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (user_id, consumer, event_id);

-- Name: jobs jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (kind, key);

-- Name: library_audit_log library_audit_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.library_audit_log
    ADD CONSTRAINT library_audit_log_pkey PRIMARY KEY (user_id, created_at, id);

-- Name: library_grants library_grants_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.library_grants
    ADD CONSTRAINT library_grants_pkey PRIMARY KEY (user_id, game_id, acquisition_type, source_id);

-- Name: outbox_parked outbox_parked_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.outbox_parked
    ADD CONSTRAINT outbox_parked_pkey PRIMARY KEY (user_id, revision, n);

-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (user_id, revision, n);

-- Name: playtime_sessions playtime_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.playtime_sessions
    ADD CONSTRAINT playtime_sessions_pkey PRIMARY KEY (user_id, id, start_time);

-- Name: playtime_stats_daily playtime_stats_daily_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.playtime_stats_daily
    ADD CONSTRAINT playtime_stats_daily_pkey PRIMARY KEY (user_id, date, game_id);

-- Name: playtime_stats_monthly playtime_stats_monthly_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.playtime_stats_monthly
    ADD CONSTRAINT playtime_stats_monthly_pkey PRIMARY KEY (user_id, game_id, year, month);

-- Name: recent_sessions recent_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.recent_sessions
    ADD CONSTRAINT recent_sessions_pkey PRIMARY KEY (user_id, game_id);

-- Name: refunds refunds_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (user_id, transaction_id, game_id);

-- Name: subscriptions subscriptions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (user_id, subscription_id);

-- Name: user_game_categories user_game_categories_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_game_categories
    ADD CONSTRAINT user_game_categories_pkey PRIMARY KEY (user_id, id);

-- Name: user_game_categories user_game_categories_user_name_unique; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_game_categories
    ADD CONSTRAINT user_game_categories_user_name_unique UNIQUE (user_id, name_key);

-- Name: user_game_category_items user_game_category_items_category_library_unique; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_game_category_items
    ADD CONSTRAINT user_game_category_items_category_library_unique UNIQUE (user_id, category_id, library_item_id);

-- Name: user_game_category_items user_game_category_items_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_game_category_items
    ADD CONSTRAINT user_game_category_items_pkey PRIMARY KEY (user_id, id);

-- Name: user_installations user_installations_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_installations
    ADD CONSTRAINT user_installations_pkey PRIMARY KEY (user_id, game_id, device_id);

-- Name: user_libraries user_libraries_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_libraries
    ADD CONSTRAINT user_libraries_pkey PRIMARY KEY (user_id, id);

-- Name: user_libraries user_libraries_user_game_unique; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_libraries
    ADD CONSTRAINT user_libraries_user_game_unique UNIQUE (user_id, game_id);

-- Name: user_revisions user_revisions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_revisions
    ADD CONSTRAINT user_revisions_pkey PRIMARY KEY (user_id);

-- Name: games_parent_game_id; Type: INDEX; Schema: catalog; Owner: -

CREATE INDEX games_parent_game_id ON catalog.games USING btree (parent_game_id) WHERE (parent_game_id IS NOT NULL);

-- Name: games_stubs; Type: INDEX; Schema: catalog; Owner: -

CREATE INDEX games_stubs ON catalog.games USING btree (game_id) WHERE is_stub;

-- Name: idempotency_keys_by_age; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (created_at);

-- Name: inbox_by_age; Type: INDEX; Schema: public; Owner: -

CREATE INDEX inbox_by_age ON public.inbox USING btree (at);

-- Name: jobs_due; Type: INDEX; Schema: public; Owner: -

CREATE INDEX jobs_due ON public.jobs USING btree (due_at) WHERE (state <> 'failed'::text);

-- Name: jobs_failed; Type: INDEX; Schema: public; Owner: -

CREATE INDEX jobs_failed ON public.jobs USING btree (updated_at) WHERE (state = 'failed'::text);

-- Name: outbox_in_order; Type: INDEX; Schema: public; Owner: -

CREATE INDEX outbox_in_order ON public.outbox USING btree (shard, written_at, user_id, revision, n);

-- Name: outbox_parked_by_age; Type: INDEX; Schema: public; Owner: -

CREATE INDEX outbox_parked_by_age ON public.outbox_parked USING btree (parked_at);

-- Name: playtime_sessions_in_order; Type: INDEX; Schema: public; Owner: -

CREATE INDEX playtime_sessions_in_order ON ONLY public.playtime_sessions USING btree (user_id, start_time, id);

-- Name: playtime_sessions_of_game; Type: INDEX; Schema: public; Owner: -

CREATE INDEX playtime_sessions_of_game ON ONLY public.playtime_sessions USING btree (user_id, game_id, start_time, id);

-- Name: refunds_by_age; Type: INDEX; Schema: public; Owner: -

CREATE INDEX refunds_by_age ON public.refunds USING btree (created_at);

-- Name: user_game_category_items_library_item_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX user_game_category_items_library_item_id ON public.user_game_category_items USING btree (user_id, library_item_id);

-- Name: user_libraries_by_acquisition_date; Type: INDEX; Schema: public; Owner: -

CREATE INDEX user_libraries_by_acquisition_date ON public.user_libraries USING btree (user_id, acquisition_date, game_id);

-- Name: user_libraries_by_installation_status; Type: INDEX; Schema: public; Owner: -

CREATE INDEX user_libraries_by_installation_status ON public.user_libraries USING btree (user_id, installation_status, game_id);

-- Name: user_libraries_by_last_played_at; Type: INDEX; Schema: public; Owner: -

CREATE INDEX user_libraries_by_last_played_at ON public.user_libraries USING btree (user_id, last_played_at, game_id);

-- Name: user_libraries_by_shown_until; Type: INDEX; Schema: public; Owner: -

CREATE INDEX user_libraries_by_shown_until ON public.user_libraries USING btree (shown_until) WHERE (shown_until IS NOT NULL);

-- Name: user_libraries_by_total_playtime; Type: INDEX; Schema: public; Owner: -

CREATE INDEX user_libraries_by_total_playtime ON public.user_libraries USING btree (user_id, total_playtime, game_id);

-- Name: active_sessions active_sessions_item_exists; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.active_sessions
    ADD CONSTRAINT active_sessions_item_exists FOREIGN KEY (user_id, library_item_id) REFERENCES public.user_libraries(user_id, id) ON DELETE CASCADE;

-- Name: library_grants library_grants_entry_exists; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.library_grants
    ADD CONSTRAINT library_grants_entry_exists FOREIGN KEY (user_id, game_id) REFERENCES public.user_libraries(user_id, game_id) ON DELETE CASCADE;

-- Name: playtime_stats_monthly playtime_stats_monthly_item_exists; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.playtime_stats_monthly
    ADD CONSTRAINT playtime_stats_monthly_item_exists FOREIGN KEY (user_id, library_item_id) REFERENCES public.user_libraries(user_id, id) ON DELETE CASCADE;

-- Name: recent_sessions recent_sessions_item_exists; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.recent_sessions
    ADD CONSTRAINT recent_sessions_item_exists FOREIGN KEY (user_id, game_id) REFERENCES public.user_libraries(user_id, game_id) ON DELETE CASCADE;

-- Name: user_game_category_items user_game_category_items_category_exists; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_game_category_items
    ADD CONSTRAINT user_game_category_items_category_exists FOREIGN KEY (user_id, category_id) REFERENCES public.user_game_categories(user_id, id) ON DELETE CASCADE;

-- Name: user_game_category_items user_game_category_items_item_exists; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.user_game_category_items
    ADD CONSTRAINT user_game_category_items_item_exists FOREIGN KEY (user_id, library_item_id) REFERENCES public.user_libraries(user_id, id) ON DELETE CASCADE;
