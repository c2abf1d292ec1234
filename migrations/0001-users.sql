-- The user's revision row: the mutex of every writing transaction (data 9) and the source of ETags (data 15).
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE user_revisions (
    user_id uuid NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    -- Never goes backwards for a user, whatever the clocks of the pods say: it orders the outbox.
    changed_at timestamptz NOT NULL,
    erased_at timestamptz,
    CONSTRAINT user_revisions_pkey PRIMARY KEY (user_id),
    CONSTRAINT user_revisions_revision_not_negative CHECK (revision >= 0)
) WITH (fillfactor = 70);
