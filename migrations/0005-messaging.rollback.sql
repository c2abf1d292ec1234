SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP TABLE jobs;
DROP TABLE idempotency_keys;
DROP TABLE inbox;
DROP TABLE outbox_parked;
DROP TABLE outbox;
