SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP VIEW playtime_stats;
DROP TABLE playtime_stats_monthly;
DROP TABLE playtime_stats_daily;
DROP TABLE recent_sessions;
DROP TABLE playtime_sessions;
DROP TABLE copy_leases;
DROP TABLE active_sessions;
DROP FUNCTION ensure_partitions(text, text, date, integer);
