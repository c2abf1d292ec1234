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
       created_at = CASE
                        WHEN stored.state = 'failed' OR ({newer}) THEN excluded.created_at
                        ELSE stored.created_at
                    END,
       updated_at = excluded.updated_at

-- fragment: newer
excluded.payload IS NOT NULL
       AND (
           stored.payload IS NULL
           OR (excluded.payload_event_time, excluded.payload_event_id)
              > (stored.payload_event_time, stored.payload_event_id)
       )

-- name: claim
-- Take jobs that are due, those too whose runner let its lease run out. A job that begins forgets what was asked before.
-- The try counts as failed until its runner says otherwise: one that dies says nothing.
-- By the place of the row, which its lock holds still: a join would read the whole table whenever the plan is a general
-- one, and every running subscription keeps a job for its end.
UPDATE jobs AS job
   SET state = 'running',
       lease = %(lease)s,
       due_at = %(until)s,
       asked_at = CASE WHEN job.cursor IS NOT NULL THEN job.asked_at END,
       attempts = job.attempts + 1,
       failures = job.failures + 1,
       updated_at = %(now)s
 WHERE job.ctid = ANY(
           ARRAY(
               SELECT due.ctid
                 FROM jobs AS due
                WHERE due.state <> 'failed' AND due.due_at <= %(now)s AND due.kind = ANY(%(kinds)s::text[])
                ORDER BY due.due_at
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED
           )
       )
RETURNING job.kind, job.key, job.lease, job.payload, job.cursor, job.attempts, job.failures - 1 AS failures,
          job.created_at

-- name: renew
-- Hold on to a job.
UPDATE jobs
   SET due_at = %(until)s
 WHERE {mine}
RETURNING key

-- name: finish
-- A job that nobody asked for since it began.
DELETE FROM jobs
 WHERE {mine} AND asked_at IS NULL
RETURNING key

-- name: begin_anew
-- A job that is done, and was asked for since it began.
UPDATE jobs
   SET {at_rest},
       cursor = NULL,
       due_at = asked_at,
       asked_at = NULL,
       attempts = 0,
       failures = 0,
       created_at = %(now)s
 WHERE {mine} AND asked_at IS NOT NULL
RETURNING key

-- name: keep
-- A step is done, the next is due.
UPDATE jobs
   SET {at_rest},
       cursor = %(cursor)s,
       due_at = %(now)s,
       attempts = 0,
       failures = 0
 WHERE {mine}
RETURNING key

-- name: again
-- Done for now.
UPDATE jobs
   SET {at_rest},
       cursor = NULL,
       due_at = least(%(at)s, asked_at),
       asked_at = NULL,
       attempts = 0,
       failures = 0
 WHERE {mine}
RETURNING key

-- name: retry
-- The same step once more. What counts against the job was counted when it was claimed. Who asked before a step that is
-- not the first is remembered until the end, and hurries no try of it: else each would follow the last without a pause.
UPDATE jobs
   SET {at_rest},
       due_at = CASE WHEN cursor IS NULL THEN least(%(at)s, asked_at) ELSE %(at)s END,
       asked_at = CASE WHEN cursor IS NOT NULL THEN asked_at END,
       failures = CASE WHEN %(is_failure)s THEN failures ELSE failures - 1 END,
       last_error = %(reason)s
 WHERE {mine}
RETURNING key

-- name: fail
-- For a person to look at, unless it was asked for since it began: who asked is owed a try.
UPDATE jobs
   SET state = CASE WHEN asked_at IS NULL THEN 'failed' ELSE 'waiting' END,
       lease = NULL,
       updated_at = %(now)s,
       cursor = CASE WHEN asked_at IS NULL THEN cursor END,
       due_at = coalesce(asked_at, due_at),
       asked_at = NULL,
       attempts = CASE WHEN asked_at IS NULL THEN attempts ELSE 0 END,
       failures = CASE WHEN asked_at IS NULL THEN failures ELSE 0 END,
       last_error = %(reason)s
 WHERE {mine}
RETURNING key

-- name: backlog
-- What is due, for how long the longest, and what was given up. Those that are for later are far more, and not counted.
SELECT kind, count(due_at) AS due, count(*) - count(due_at) AS failed, min(due_at) AS due_since
  FROM (
        SELECT kind, due_at
          FROM jobs
         WHERE state <> 'failed' AND due_at <= %(now)s
         UNION ALL
        SELECT kind, NULL
          FROM jobs
         WHERE state = 'failed' AND updated_at <= %(now)s
       ) AS looked_after
 GROUP BY kind

-- fragment: mine
kind = %(kind)s AND key = %(key)s AND lease = %(lease)s

-- fragment: at_rest
state = 'waiting',
       lease = NULL,
       updated_at = %(now)s
