-- jobs: work over many rows or with other services, done later (data 20).

-- name: enqueue
-- Asking twice is asking once.
INSERT INTO jobs (kind, key, run_after, created_at, updated_at)
VALUES (%(kind)s, %(key)s, %(now)s, %(now)s, %(now)s)
    ON CONFLICT (kind, key) DO NOTHING
