"""The property of tests/unit/domain/library, through the real tables."""

from conftest import postgres_settings
from contract.libraries import learn
from contract.worlds import PostgresWorld
from fakes.clock import FakeClock
from hypothesis import HealthCheck, given, settings
from rights import CATALOG, History, histories, holds_for

from library_adapters.postgres.pool import Pool
from library_adapters.system import Uuid7Source


@given(history=histories())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_rights_come_to_what_the_model_says(database: str, pool: Pool, history: History) -> None:
    world = PostgresWorld(pool, postgres_settings(database), clock=FakeClock(), ids=Uuid7Source())
    await learn(world, *CATALOG)

    await holds_for(world, history)
