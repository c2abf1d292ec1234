"""PostgreSQL: the pool, transactions, repositories and readers. All SQL lives in `sql/*.sql`."""
