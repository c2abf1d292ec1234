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

-- Make the partitions of one table that hold what is between "since" and so many months later; each is a month or a
-- quarter long ("step"), in UTC. There is no DEFAULT partition: attaching beside one would scan it. Called by the
-- migration job and by the sweeper; safe to call at any time, from several places at once. Returns how many it attached.
CREATE FUNCTION ensure_partitions(parent text, step text, since date, months integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    length constant interval := make_interval(months => CASE step WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 END);
    begins timestamp := date_trunc(step, since::timestamp);
    child text;
    attached integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'), hashtext(parent));
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
