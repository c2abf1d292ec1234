-- Who did what, by month (spec 7.1 of the schema chapter; data 12 and 26).
-- depends: 0003-library
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE library_audit_log (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    game_id uuid,
    action text NOT NULL,
    details jsonb,
    actor_id uuid,
    actor_role text,
    ip_address text,
    user_agent text,
    request_id text,
    result text NOT NULL DEFAULT 'success',
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT library_audit_log_pkey PRIMARY KEY (user_id, created_at, id)
) PARTITION BY RANGE (created_at);

-- Make the monthly partitions of one table from the month of "since" on. There is no DEFAULT partition: attaching
-- beside one would scan it. Called by the migration job and by the sweeper; safe to call at any time, from several
-- places at once. Returns how many partitions it attached.
CREATE FUNCTION ensure_monthly_partitions(parent text, since date, months integer) RETURNS integer
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
