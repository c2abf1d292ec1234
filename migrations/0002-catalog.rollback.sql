SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP TABLE catalog.epoch;
DROP TABLE catalog.price_history;
DROP TABLE catalog.prices;
DROP TABLE catalog.game_achievements;
DROP TABLE catalog.games;
DROP SCHEMA catalog;
