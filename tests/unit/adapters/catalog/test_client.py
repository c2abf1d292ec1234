"""What Catalog says, and what we remember of it."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from unit.adapters.catalog.scripted import (
    UPDATED_AT,
    Monotonic,
    ScriptedCatalog,
    ScriptedIssuer,
    client_of,
    described,
    game_id,
    serving,
)

from library_adapters.catalog import CatalogClient
from library_adapters.platform._generated.platform.catalog.v1 import LaunchOption as LaunchOptionMessage
from library_adapters.platform._generated.platform.catalog.v1 import Price
from library_domain.catalog.model import Game, LaunchOption, ProductType
from library_domain.shared.caller import Caller, acting
from library_domain.shared.errors import DependencyUnavailable

FIRST, SECOND, THIRD = game_id(1), game_id(2), game_id(3)


class TestDescriptions:
    async def test_carry_every_member(self, client: CatalogClient, catalog: ScriptedCatalog) -> None:
        catalog.describe(
            described(
                1,
                name="Подземелья Кремля",
                product_type="dlc",
                parent_game_id=str(SECOND),
                platforms=["windows", "linux"],
                size_required=2**40,
                version="2.1.5",
                sharing_allowed=True,
                cloud_saves_supported=True,
                launch_options=[LaunchOptionMessage(id="a", name="Play", command="./play", is_default=True)],
                achievements_total=0,
                cover_url="https://cdn.test/1.png",
                developer="ООО Игры",
                price=Price(amount="1999.00", currency="RUB"),
                is_deleted=True,
            )
        )

        games = await client.games([FIRST])

        assert games == {
            FIRST: Game(
                game_id=FIRST,
                event_at=UPDATED_AT,
                name="Подземелья Кремля",
                product_type=ProductType.DLC,
                parent_game_id=SECOND,
                platforms=("windows", "linux"),
                size_required=2**40,
                version="2.1.5",
                sharing_allowed=True,
                cloud_saves_supported=True,
                launch_options=(LaunchOption(id="a", name="Play", command="./play", is_default=True),),
                achievements_total=0,
                cover_url="https://cdn.test/1.png",
                developer="ООО Игры",
                is_deleted=True,
            )
        }

    async def test_leave_out_what_catalog_leaves_out(
        self, client: CatalogClient, catalog: ScriptedCatalog
    ) -> None:
        catalog.describe(described(1))

        games = await client.games([FIRST])

        assert games == {FIRST: Game(game_id=FIRST, event_at=UPDATED_AT, name="Game 1")}

    async def test_are_asked_for_in_hundreds_and_once_each(
        self, client: CatalogClient, catalog: ScriptedCatalog
    ) -> None:
        catalog.describe(*(described(number) for number in range(250)))
        ids = [game_id(number) for number in range(250)]

        games = await client.games(ids + ids)

        assert list(games) == ids
        assert [len(asked) for asked in catalog.asked] == [100, 100, 50]

    @pytest.mark.parametrize(
        "nonsense",
        [
            {"name": ""},
            {"updated_at": None},
            {"product_type": "hat"},
            {"parent_game_id": "none"},
        ],
        ids=["name", "time", "kind", "parent"],
    )
    async def test_that_make_no_sense_are_no_answer(
        self, client: CatalogClient, catalog: ScriptedCatalog, nonsense: dict[str, object]
    ) -> None:
        catalog.describe(described(1, **nonsense), described(2))

        with pytest.raises(DependencyUnavailable):
            await client.games([FIRST, SECOND])

        assert set(await client.games([SECOND])) == {SECOND}
        assert len(catalog.asked) == 1, "what made sense is remembered"

    async def test_of_other_games_are_not_taken(
        self, client: CatalogClient, catalog: ScriptedCatalog
    ) -> None:
        catalog.games[str(FIRST)] = described(2)

        assert await client.games([FIRST]) == {}
        assert await client.games([SECOND]) == {}
        assert len(catalog.asked) == 2


class TestMemory:
    async def test_keeps_a_description_for_ten_minutes(
        self, client: CatalogClient, catalog: ScriptedCatalog, monotonic: Monotonic
    ) -> None:
        catalog.describe(described(1))
        await client.games([FIRST])

        monotonic.now += 599
        assert set(await client.games([FIRST])) == {FIRST}
        assert len(catalog.asked) == 1

        monotonic.now += 2
        await client.games([FIRST])
        assert len(catalog.asked) == 2

    async def test_believes_for_half_a_minute_that_a_game_is_unknown(
        self, client: CatalogClient, catalog: ScriptedCatalog, monotonic: Monotonic
    ) -> None:
        assert await client.games([FIRST]) == {}
        catalog.describe(described(1))

        monotonic.now += 29
        assert await client.games([FIRST]) == {}
        monotonic.now += 2
        assert set(await client.games([FIRST])) == {FIRST}

    async def test_is_bounded(self, port: int, issuer: ScriptedIssuer, catalog: ScriptedCatalog) -> None:
        client = client_of(port, issuer, cached_games=2)
        catalog.describe(described(1), described(2), described(3))

        games = await client.games([FIRST, SECOND, THIRD])
        await client.games([FIRST, SECOND, THIRD])
        await client.close()

        assert len(games) == 3
        assert len(catalog.asked) == 2


class TestConnection:
    async def test_is_made_when_catalog_comes_later(
        self, catalog: ScriptedCatalog, issuer: ScriptedIssuer, unused_tcp_port: int
    ) -> None:
        client = client_of(unused_tcp_port, issuer)
        catalog.describe(described(1))

        with pytest.raises(DependencyUnavailable):
            await client.games([FIRST])
        async with serving(catalog, unused_tcp_port):
            assert set(await client.games([FIRST])) == {FIRST}
            await client.close()

    async def test_carries_token_trace_and_request(
        self, port: int, issuer: ScriptedIssuer, catalog: ScriptedCatalog
    ) -> None:
        provider = TracerProvider(shutdown_on_exit=False)
        client = client_of(port, issuer, tracer_provider=provider)

        with (
            acting(Caller(request_id="r-1")),
            provider.get_tracer("t").start_as_current_span("purchase") as span,
        ):
            await client.games([FIRST])
        await client.close()

        (metadata,) = catalog.metadata
        assert metadata["authorization"] == "Bearer token-1"
        assert metadata["x-request-id"] == "r-1"
        assert metadata["traceparent"].split("-")[1] == f"{span.get_span_context().trace_id:032x}"
