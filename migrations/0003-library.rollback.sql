SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP TABLE user_game_category_items;
DROP TABLE user_game_categories;
DROP TABLE user_installations;
DROP TABLE subscriptions;
DROP TABLE refunds;
DROP TABLE library_grants;
DROP TABLE user_libraries;
