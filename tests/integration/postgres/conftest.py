"""A library that is larger than any player's, in a database that has statistics."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from builders import NOON, user_id
from conftest import postgres_settings
from psycopg.conninfo import conninfo_to_dict

from library_adapters.postgres.pool import Pool, open_pool
from library_devstack.stack import Postgres

COLLECTOR = user_id("collector")
GAMES = 5_000
CATALOG = 20_000

_FILL = """
INSERT INTO catalog.games (game_id, name, sort_name, product_type, is_stub, event_at, event_id)
SELECT md5('game' || n)::uuid, 'Game ' || n, 'game ' || n, 'game', false, %(now)s, md5('event' || n)::uuid
  FROM generate_series(1, %(catalog)s) AS n
"""
_OWN = """
INSERT INTO user_libraries (user_id, game_id, product_type, acquisition_type, acquisition_date, last_played_at,
                            total_playtime, installation_status, revision)
SELECT CASE WHEN n %% 2 = 0 THEN %(user_id)s ELSE md5('user' || n %% 100)::uuid END,
       md5('game' || n / 2)::uuid, 'game', 'purchase', %(now)s::timestamptz - make_interval(mins => n / 6),
       CASE WHEN n %% 4 = 0 THEN %(now)s::timestamptz - make_interval(mins => n / 6) END, n %% 500,
       (ARRAY['installed', 'not_installed', 'updating'])[1 + n %% 3], 1
  FROM generate_series(2, 2 * %(games)s + 1) AS n
"""


@pytest.fixture(scope="module")
def collection(postgres: Postgres, postgres_dsn_template: str) -> Iterator[str]:
    """Give the collector 5,000 games, half of them played, and fifty others a hundred each; give the URL."""
    template = str(conninfo_to_dict(postgres_dsn_template)["dbname"])
    dsn = postgres.create_database("collection", template=template)
    with psycopg.connect(dsn, autocommit=True) as connection:
        parameters = {"now": NOON, "games": GAMES, "catalog": CATALOG, "user_id": COLLECTOR}
        connection.execute(_FILL, parameters)
        connection.execute(_OWN, parameters)
        connection.execute("VACUUM ANALYZE user_libraries, catalog.games")
    yield dsn
    postgres.drop_database("collection")


@pytest.fixture
async def collection_pool(collection: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_settings(collection, statement_timeout_milliseconds=20_000)) as pool:
        yield pool
