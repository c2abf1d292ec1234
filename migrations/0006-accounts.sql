-- Accounts that ended, whose data is to be erased (contract 4.7, data 29). Written down; nothing is erased yet.
-- depends: 0005-messaging
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE erasure_jobs (
    user_id uuid NOT NULL,
    reason text,
    event_id uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    state text NOT NULL,
    CONSTRAINT erasure_jobs_pkey PRIMARY KEY (user_id),
    CONSTRAINT erasure_jobs_state_known CHECK (state IN ('requested'))
);
