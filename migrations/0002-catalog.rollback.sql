SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP TABLE catalog.epoch;
DROP TABLE catalog.games;
DROP SCHEMA catalog;
