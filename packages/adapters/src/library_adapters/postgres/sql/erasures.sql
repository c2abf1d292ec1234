-- erasure_jobs: accounts that ended (contract 4.7).

-- name: erasure
-- The erasure of this user, if one was asked for; the mutex is held.
SELECT user_id, reason, event_id, requested_at, state
  FROM erasure_jobs
 WHERE user_id = %(user_id)s

-- name: save_erasure
-- What is known of it now.
INSERT INTO erasure_jobs (user_id, reason, event_id, requested_at, state)
VALUES (%(user_id)s, %(reason)s, %(event_id)s, %(requested_at)s, %(state)s)
    ON CONFLICT (user_id) DO UPDATE
   SET reason = excluded.reason,
       event_id = excluded.event_id,
       requested_at = excluded.requested_at,
       state = excluded.state
