-- Who plays what now, what was played, and the sums of it (data 5 to 8). Seconds everywhere.
-- depends: 0006-accounts
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- Make the partitions of one table that hold what is between "since" and so many months later; each is a month or a
-- quarter long ("step"), in UTC. There is no DEFAULT partition: attaching beside one would scan it. Called by the
-- migration job and by the sweeper; safe to call at any time, from several places at once. Returns how many it attached.
-- It takes the place of ensure_monthly_partitions, which goes one release later.
CREATE FUNCTION ensure_partitions(parent text, step text, since date, months integer) RETURNS integer
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

-- A running session. Heartbeats come here and nowhere else: no column that they change is in an index, and the page keeps
-- room for the next version of a row (HOT), so that a heartbeat costs one row. Whoever deletes the row owns the end.
CREATE TABLE active_sessions (
    user_id uuid NOT NULL,
    session_id uuid NOT NULL, -- UUIDv7 of the millisecond at which it began
    game_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    owner_id uuid NOT NULL, -- whose copy it is
    device_id text NOT NULL,
    platform text,
    game_version text,
    start_time timestamptz NOT NULL,
    clock_skew_seconds bigint, -- by how much the client's clock was ahead, if by minutes
    last_heartbeat_at timestamptz NOT NULL,
    last_input_at timestamptz NOT NULL,
    -- What is settled up to the last input: counted, on the UTC day it began and the next, and not counted.
    active_first_day integer NOT NULL DEFAULT 0,
    active_second_day integer NOT NULL DEFAULT 0,
    afk_seconds integer NOT NULL DEFAULT 0,
    suspended_seconds integer NOT NULL DEFAULT 0,
    told_idle boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL,
    CONSTRAINT active_sessions_pkey PRIMARY KEY (user_id, session_id),
    CONSTRAINT active_sessions_user_game_unique UNIQUE (user_id, game_id),
    CONSTRAINT active_sessions_item_exists
    FOREIGN KEY (user_id, library_item_id) REFERENCES user_libraries (user_id, id) ON DELETE CASCADE,
    CONSTRAINT active_sessions_in_order CHECK (start_time <= last_input_at AND last_input_at <= last_heartbeat_at),
    CONSTRAINT active_sessions_active_not_negative CHECK (active_first_day >= 0 AND active_second_day >= 0),
    CONSTRAINT active_sessions_afk_not_negative CHECK (afk_seconds >= 0),
    CONSTRAINT active_sessions_suspended_not_negative CHECK (suspended_seconds >= 0)
) WITH (fillfactor = 70);

-- One player per copy; the user is the one whose copy it is, who may be another than the player.
CREATE TABLE copy_leases (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    session_id uuid NOT NULL,
    player_id uuid NOT NULL,
    since timestamptz NOT NULL,
    CONSTRAINT copy_leases_pkey PRIMARY KEY (user_id, game_id)
);

-- A session that is over, by the month of its start. Written once, with everything that is told of it ever after. Its id
-- bears its start, so that one is found in one partition.
CREATE TABLE playtime_sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    duration bigint NOT NULL, -- what counts
    device_id text NOT NULL,
    platform text,
    is_completed boolean NOT NULL DEFAULT true, -- the spec's; what is not completed is in active_sessions
    last_heartbeat_at timestamptz NOT NULL,
    owner_id uuid NOT NULL,
    game_version text,
    active_first_day integer NOT NULL, -- of `duration`; the rest was on the next UTC day
    afk_seconds integer NOT NULL,
    suspended_seconds integer NOT NULL,
    end_reason text NOT NULL,
    over_since timestamptz NOT NULL, -- from when on it was over, whoever noticed it later
    clock_skew_seconds bigint,
    told_idle boolean NOT NULL,
    total_playtime_after bigint NOT NULL, -- of the game, with this session
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT playtime_sessions_pkey PRIMARY KEY (user_id, id, start_time),
    CONSTRAINT playtime_sessions_reason_known
    CHECK (
        end_reason IN (
            'client', 'timeout', 'afk', 'taken_over', 'owner_preempted', 'access_revoked', 'max_duration', 'account_erased'
        )
    ),
    CONSTRAINT playtime_sessions_every_second_once
    CHECK (duration + afk_seconds + suspended_seconds = extract(EPOCH FROM end_time - start_time)),
    CONSTRAINT playtime_sessions_days_within CHECK (active_first_day BETWEEN 0 AND duration),
    CONSTRAINT playtime_sessions_afk_not_negative CHECK (afk_seconds >= 0),
    CONSTRAINT playtime_sessions_suspended_not_negative CHECK (suspended_seconds >= 0)
) PARTITION BY RANGE (start_time);

-- The history, and that of one game; both newest first, which is the same index backwards.
CREATE INDEX playtime_sessions_in_order ON playtime_sessions (user_id, start_time, id);
CREATE INDEX playtime_sessions_of_game ON playtime_sessions (user_id, game_id, start_time, id);

-- The last sessions of a game as its item shows them, the newest first. The records are in partitions, into each of which
-- one would have to look for every item that is shown; here it is one row, or none (ADR 0037).
CREATE TABLE recent_sessions (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    sessions jsonb NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT recent_sessions_pkey PRIMARY KEY (user_id, game_id),
    CONSTRAINT recent_sessions_item_exists
    FOREIGN KEY (user_id, game_id) REFERENCES user_libraries (user_id, game_id) ON DELETE CASCADE,
    CONSTRAINT recent_sessions_few CHECK (jsonb_array_length(sessions) BETWEEN 1 AND 10)
) WITH (fillfactor = 70);

-- What was played of a game on a UTC day, by quarter. A session counts on the day it began, with its whole length in
-- `longest_session_seconds`; its seconds on the days they fell.
CREATE TABLE playtime_stats_daily (
    user_id uuid NOT NULL,
    date date NOT NULL,
    game_id uuid NOT NULL,
    library_item_id uuid NOT NULL,
    total_playtime bigint NOT NULL DEFAULT 0,
    sessions_count integer NOT NULL DEFAULT 0,
    longest_session_seconds integer NOT NULL DEFAULT 0,
    last_played_at timestamptz NOT NULL, -- the end of the latest session that is in here
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT playtime_stats_daily_pkey PRIMARY KEY (user_id, date, game_id),
    CONSTRAINT playtime_stats_daily_total_not_negative CHECK (total_playtime >= 0),
    CONSTRAINT playtime_stats_daily_sessions_not_negative CHECK (sessions_count >= 0)
) PARTITION BY RANGE (date);

-- The same by month, kept for good, as the daily sums are: what all of a user's time is added up from.
CREATE TABLE playtime_stats_monthly (
    user_id uuid NOT NULL,
    game_id uuid NOT NULL,
    year smallint NOT NULL,
    month smallint NOT NULL,
    library_item_id uuid NOT NULL,
    total_playtime bigint NOT NULL DEFAULT 0,
    sessions_count integer NOT NULL DEFAULT 0,
    longest_session_seconds integer NOT NULL DEFAULT 0,
    first_played_at timestamptz NOT NULL, -- the start of the earliest session that is in here
    last_played_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT playtime_stats_monthly_pkey PRIMARY KEY (user_id, game_id, year, month),
    CONSTRAINT playtime_stats_monthly_item_exists
    FOREIGN KEY (user_id, library_item_id) REFERENCES user_libraries (user_id, id) ON DELETE CASCADE,
    CONSTRAINT playtime_stats_monthly_month_known CHECK (month BETWEEN 1 AND 12),
    CONSTRAINT playtime_stats_monthly_total_not_negative CHECK (total_playtime >= 0),
    CONSTRAINT playtime_stats_monthly_sessions_not_negative CHECK (sessions_count >= 0)
) WITH (fillfactor = 90);

-- Everything ever played of a game (the spec's playtime_stats).
CREATE VIEW playtime_stats AS
SELECT
    user_id,
    game_id,
    sum(total_playtime)::bigint AS total_playtime,
    sum(sessions_count)::bigint AS sessions_count,
    -- Cut, as the service cuts it, and not rounded.
    div(sum(total_playtime), nullif(sum(sessions_count), 0))::bigint AS average_session_seconds,
    max(longest_session_seconds) AS longest_session_seconds,
    min(first_played_at) AS first_played_at,
    max(last_played_at) AS last_played_at
FROM playtime_stats_monthly
GROUP BY user_id, game_id;
