-- jobs: work over many rows or with other services, done later (data 20).

-- name: enqueue
-- Asking twice is asking once, for the earlier time; who asks for a job that has begun makes it begin anew after its end.
-- The newer payload stays, whichever comes first. A job that was given up gets a new life.
INSERT INTO jobs AS stored (
    kind, key, payload, payload_event_time, payload_event_id, due_at, created_at, updated_at
)
VALUES (
    %(kind)s, %(key)s, %(payload)s, %(event_time)s, %(event_id)s, %(due_at)s, %(now)s, %(now)s
)
    ON CONFLICT (kind, key) DO UPDATE
   SET payload = CASE WHEN {newer} THEN excluded.payload ELSE stored.payload END,
       payload_event_time = CASE WHEN {newer} THEN excluded.payload_event_time ELSE stored.payload_event_time END,
       payload_event_id = CASE WHEN {newer} THEN excluded.payload_event_id ELSE stored.payload_event_id END,
       state = CASE WHEN stored.state = 'failed' THEN 'waiting' ELSE stored.state END,
       due_at = CASE stored.state
                    WHEN 'running' THEN stored.due_at
                    WHEN 'failed' THEN excluded.due_at
                    ELSE least(stored.due_at, excluded.due_at)
                END,
       asked_at = CASE
                      WHEN stored.state = 'failed' THEN NULL
                      WHEN stored.state = 'running' OR stored.cursor IS NOT NULL
                      THEN least(stored.asked_at, excluded.due_at)
                  END,
       cursor = CASE WHEN stored.state = 'failed' THEN NULL ELSE stored.cursor END,
       attempts = CASE WHEN stored.state = 'failed' THEN 0 ELSE stored.attempts END,
       failures = CASE WHEN stored.state = 'failed' THEN 0 ELSE stored.failures END,
       created_at = CASE WHEN stored.state = 'failed' THEN excluded.created_at ELSE stored.created_at END,
       updated_at = excluded.updated_at

-- fragment: newer
(excluded.payload_event_time, excluded.payload_event_id) > (stored.payload_event_time, stored.payload_event_id)
       OR stored.payload IS NULL
