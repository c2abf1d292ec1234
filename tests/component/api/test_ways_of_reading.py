"""Whatever is asked over REST, the plain way of reading and the shared connections answer the same, to the byte."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import httpx2
import pytest
from builders import NOON, a_dlc, a_game, a_purchase, a_report, game_id
from component.api.door import LIBRARY, World, bearer, client_of, data
from conftest import postgres_settings
from contract.worlds import PostgresWorld
from fakes.clock import FakeClock, SequentialIds
from fakes.store import Activity
from prometheus_client import CollectorRegistry

from library_adapters.postgres.hot_reads.library import HotLibraryReader, open_library_reader
from library_adapters.postgres.library_reader import PostgresLibraryReader
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.settings import HotReadSettings
from library_api.app import create_app
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import InstallationStatus
from library_domain.library.queries import Collection, LibrarySort
from library_domain.library.use_cases.check_game_access import CheckGameAccessHandler
from library_domain.library.use_cases.edit_item import EditItem, EditItemHandler
from library_domain.library.use_cases.list_collections import ListCollectionsHandler
from library_domain.library.use_cases.list_library import ListLibraryHandler
from library_domain.library.use_cases.record_installation import RecordInstallation, RecordInstallationHandler
from library_domain.library.use_cases.show_item import ShowItemHandler
from library_domain.library.use_cases.show_version import ShowVersionHandler
from library_domain.shared.ids import UserId
from library_domain.shared.paging import Order

GAMES = ("Portal 2", "Ёлки", "Ежи", "Half-Life", "Doom", "Quake", "Myst")
DLC = "Art book"
FILTERS = ("hidden", "favorite", "installed", "not_installed", "withdrawn", "shared", "game", "application")
Ways = Sequence[httpx2.AsyncClient]


@pytest.fixture
async def ways(pool: Pool, clock: FakeClock, ids: SequentialIds) -> AsyncIterator[Ways]:
    """Give clients of two doors over the same rows, one for each way."""
    world = PostgresWorld(pool, postgres_settings("postgresql://unused"), clock=clock, ids=ids)
    await fill(world, clock, ids)
    dsn = pool.conninfo
    assert isinstance(dsn, str)
    # A busy machine may take its time to connect.
    settings = [
        postgres_settings(dsn, hot_reads=HotReadSettings(enabled=enabled, queue_timeout_seconds=10.0))
        for enabled in (False, True)
    ]
    async with (
        open_library_reader(pool, settings[0], registry=CollectorRegistry()) as (plain, _),
        open_library_reader(pool, settings[1], registry=CollectorRegistry()) as (hot, _),
    ):
        assert (type(plain), type(hot)) == (PostgresLibraryReader, HotLibraryReader)
        async with client_of(door(plain, clock)) as one, client_of(door(hot, clock)) as other:
            yield one, other


async def fill(world: PostgresWorld, clock: FakeClock, ids: SequentialIds) -> None:
    """Give Alice games of every kind: named and not, played and not, hidden, filed, with a DLC."""
    async with world.uow.begin() as tx:
        await tx.games.save([*(a_game(name) for name in GAMES[:-1]), a_dlc(DLC, of="Portal 2")])
    add = AddToLibraryHandler(uow=world.uow, clock=clock, ids=ids)
    edit = EditItemHandler(uow=world.uow, reader=world.reader, clock=clock, ids=ids)
    record = RecordInstallationHandler(uow=world.uow, clock=clock)
    for number, name in enumerate((*GAMES, DLC)):
        purchase = a_purchase(name, dlc=())
        await add(purchase)
        alice = UserId(purchase.user_id)
        if name == DLC:
            continue
        await edit(
            EditItem(
                user_id=alice,
                game_id=game_id(name),
                is_hidden=name == "Myst",
                is_favorite=number % 2 == 0,
                categories=("RPG",) if number % 3 == 0 else (),
                notes=f"Заметка {number}",
            )
        )
        activity = Activity(
            last_played_at=NOON - timedelta(days=number * 11) if number % 2 else None,
            total_playtime=number * 100,
        )
        await world.leave(alice, game_id(name), activity)
        status = list(InstallationStatus)[number % len(InstallationStatus)]
        await record(RecordInstallation(user_id=alice, game_id=game_id(name), report=a_report(status)))


def door(reader: PostgresLibraryReader, clock: FakeClock) -> Any:
    world = World(clock=clock)
    handlers = {
        "list_library": ListLibraryHandler,
        "show_item": ShowItemHandler,
        "check_game_access": CheckGameAccessHandler,
        "list_collections": ListCollectionsHandler,
        "show_version": ShowVersionHandler,
    }
    made = {name: handler(reader=reader, clock=clock) for name, handler in handlers.items()}
    return create_app(world.application(**made))


async def asked(ways: Ways, path: str, **headers: str) -> httpx2.Response:
    """Ask both ways; return the answer, which is the same."""
    plain, hot = [
        await client.get(path, headers=bearer() | {"X-Request-ID": "the-same-one"} | headers)
        for client in ways
    ]
    assert (hot.status_code, hot.content) == (plain.status_code, plain.content), path
    assert hot.headers == plain.headers
    return hot


@pytest.mark.parametrize(("sort", "order"), list(product(LibrarySort, Order)))
async def test_lists_are_the_same_by_every_sort_and_however_they_are_walked(
    ways: Ways, sort: LibrarySort, order: Order
) -> None:
    base = f"{LIBRARY}?sort={sort}&order={order}"

    whole = data(await asked(ways, base))
    await asked(ways, f"{base}&limit=3&offset=2")
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        part = data(await asked(ways, f"{base}&limit=2" + (f"&cursor={cursor}" if cursor else "")))
        seen += part["items"]
        cursor = part["next_cursor"]

    assert len(seen) == whole["total"] == len(GAMES) - 1
    assert seen == whole["items"]


async def test_lists_are_the_same_by_every_filter(ways: Ways) -> None:
    base = f"{LIBRARY}?sort=acquisition_date"
    conditions = [
        *(f"filter={name}" for name in FILTERS),
        *(f"collection={name}" for name in Collection),
        "category=rpg",
        "category=nothing",
        "q=ё",
        "include_hidden=true",
        "filter=favorite&filter=game&category=RPG",
        "installation_status=installed&installation_status=failed",
        "fields=name,dlc",
    ]

    totals = [data(await asked(ways, f"{base}&{each}"))["total"] for each in conditions]

    assert {0, 1, len(GAMES) - 1} <= set(totals)


async def test_items_accesses_and_versions_are_the_same(ways: Ways) -> None:
    for name in (*GAMES, DLC, "never bought"):
        item = await asked(ways, f"{LIBRARY}/{game_id(name)}")
        await asked(ways, f"{LIBRARY}/{game_id(name)}/access")
        assert item.status_code == (404 if name == "never bought" else 200)
    await asked(ways, f"{LIBRARY}/collections")
    tag = (await asked(ways, LIBRARY)).headers["ETag"]

    assert (await asked(ways, LIBRARY, **{"If-None-Match": tag})).status_code == 304
