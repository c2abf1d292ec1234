"""The property of tests/unit, through the real tables."""

from contract.libraries import learn
from contract.worlds import World
from hypothesis import HealthCheck, given, settings
from rights import CATALOG, History, histories, holds_for


@given(history=histories())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_rights_come_to_what_the_model_says(world: World, history: History) -> None:
    await learn(world, *CATALOG)

    await holds_for(world, history)
