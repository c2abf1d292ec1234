SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP FUNCTION ensure_monthly_partitions(text, date, integer);
DROP TABLE library_audit_log;
