"""Every named statement is prepared against the migrated schema: a wrong table, column or type fails here, with
PostgreSQL's own words, and not in production. PostgreSQL 15 has no EXPLAIN (GENERIC_PLAN); PREPARE it is."""

import re

import psycopg
from psycopg.pq import ExecStatus

from library_adapters.postgres.statements import families, statements

PARAMETER = re.compile(r"%\((\w+)\)s")


def numbered(statement: str) -> str:
    """Rewrite named parameters as the wire knows them: $1, $2, …, one number per name."""
    names = list(dict.fromkeys(PARAMETER.findall(statement)))
    return PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", statement).replace("%%", "%")


def refusal(connection: psycopg.Connection, statement: str) -> str | None:
    """Return what the server has against the statement, if anything."""
    result = connection.pgconn.prepare(b"", numbered(statement).encode())
    if result.status == ExecStatus.COMMAND_OK:
        return None
    return result.error_message.decode().strip()


def test_every_named_statement_fits_the_schema(database: str) -> None:
    named = {f"{family}.{name}": text for family in families() for name, text in statements(family).items()}
    assert named

    with psycopg.connect(database, autocommit=True) as connection:
        refused = {
            name: problem
            for name, text in named.items()
            if (problem := refusal(connection, text)) is not None
        }

    assert refused == {}


def test_a_wrong_column_is_refused_by_name(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        problem = refusal(connection, "SELECT nonsense FROM user_libraries WHERE user_id = %(user_id)s")

    assert problem is not None
    assert 'column "nonsense" does not exist' in problem
