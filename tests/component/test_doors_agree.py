"""REST and gRPC say the same of the same case (reliability E): one table, asked through both doors."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any, Never

import httpx2
import pytest
from builders import NOON, a_dlc, a_game, a_grant, a_report, game_id, session_id, user_id
from component.api.door import LIBRARY, World, bearer, client_of, data
from fakes.clock import SequentialIds
from fakes.library_reader import FakeLibraryReader
from fakes.store import Activity, Lease
from grpclib.client import Channel
from prometheus_client import CollectorRegistry

from library_adapters.postgres.deadline import within
from library_adapters.telemetry import Tracing, TracingSettings
from library_api.app import create_app
from library_domain.library.model import AcquisitionType, GameInstallations, Grant, InstallationStatus
from library_domain.library.queries import Filter, LibrarySort
from library_domain.library.use_cases.batch_check_game_access import MAX_GAMES, BatchCheckGameAccessHandler
from library_domain.library.use_cases.check_game_access import CheckGameAccessHandler
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnershipHandler
from library_domain.library.use_cases.list_library import ListLibraryHandler
from library_domain.shared.access import Role
from library_domain.shared.paging import Order
from library_grpc._generated.library.v1 import (
    BatchCheckGameAccessRequest,
    CheckGameAccessRequest,
    CheckGameAccessResponse,
    GetUserLibraryRequest,
    LibraryItem,
    LibraryQueryServiceStub,
)
from library_grpc.application import Application
from library_grpc.server import LibraryServer
from library_grpc.settings import GrpcSettings

ALICE, BOB = user_id("alice"), user_id("bob")
HOUR = timedelta(hours=1)
STATES: dict[str, dict[str, Any]] = {
    "live": {},
    "live for an hour": {"expires_at": NOON + HOUR},
    "run out this moment": {"expires_at": NOON},
    "revoked": {"revoked_at": NOON - HOUR},
    "revoked before it ran out": {"revoked_at": NOON - HOUR, "expires_at": NOON},
}


@dataclass(frozen=True)
class Right:
    """A right, or none."""

    kind: AcquisitionType | None = None
    state: str = ""

    def grants(self) -> list[Grant]:
        return [] if self.kind is None else [a_grant(self.kind, source_id=str(BOB), **STATES[self.state])]

    def __str__(self) -> str:
        return f"{self.kind or 'nothing'} {self.state}".strip()


RIGHTS = [Right(), *(Right(kind, state) for kind, state in product(AcquisitionType, STATES))]
BASES: list[Right | None] = [
    None,
    Right(),
    *(Right(AcquisitionType.SUBSCRIPTION, state) for state in STATES),
]
"""What is held of the base game of a DLC; None: it is no DLC."""
CASES = {f"{right}, base: {base}": (right, base) for right, base in product(RIGHTS, BASES)}


@dataclass
class Doors:
    """Both doors of one world."""

    world: World
    rest: httpx2.AsyncClient
    grpc: LibraryQueryServiceStub


async def untold(query: object) -> Never:
    """Stand for the methods that `test_doors_agree_on_sessions` asks."""
    raise AssertionError(query)


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    world = World()
    reader, clock = FakeLibraryReader(world.store), world.clock
    server = LibraryServer(
        Application(
            list_library=ListLibraryHandler(reader=reader, clock=clock),
            check_access=CheckGameAccessHandler(reader=reader, clock=clock),
            batch_check_access=BatchCheckGameAccessHandler(reader=reader, clock=clock),
            check_ownership=CheckGameOwnershipHandler(reader=reader, clock=clock),
            show_lifetime=untold,
            show_stats=untold,
            start_session=untold,
            end_session=untold,
            within=within,
            tokens=world.tokens,
            ids=SequentialIds(),
            tracing=Tracing(TracingSettings(), component="grpc"),
            registry=CollectorRegistry(),
        ),
        GrpcSettings(port=0, notice_seconds=0.0),
    )
    async with (
        server,
        Channel("127.0.0.1", server.port) as channel,
        client_of(create_app(world.application())) as rest,
    ):
        token = {name.lower(): value for name, value in bearer("download", Role.SYSTEM).items()}
        yield Doors(world, rest, LibraryQueryServiceStub(channel, metadata=token, timeout=10))


def fill(world: World) -> None:
    """Give Alice a game, and maybe its base game, for each case."""
    for name, (right, base) in CASES.items():
        world.own(a_game(name) if base is None else a_dlc(name, of=f"base of {name}"))
        world.store.entries[ALICE, game_id(name)].grants[:] = right.grants()
        if base is not None:
            world.own(a_game(f"base of {name}"))
            world.store.entries[ALICE, game_id(f"base of {name}")].grants[:] = base.grants()


def play(world: World, player: str) -> None:
    """Let somebody play every copy of every case, Alice's own and those that Bob lends her."""
    for owner, name in product((ALICE, BOB), CASES):
        world.store.leases[owner, game_id(name)] = Lease(session_id(name), user_id(player), NOON)


def as_grpc_says(answer: dict[str, Any]) -> dict[str, Any]:
    """Return REST's answer without what gRPC does not tell: since when a copy is played."""
    use = answer["in_use_by"]
    return answer | {"in_use_by": use and use["user_id"]}


def as_rest_says(answer: CheckGameAccessResponse) -> dict[str, Any]:
    """Return the members of REST's answer that this one stands for: what is absent there is empty here."""
    return {
        "allowed": answer.has_access,
        "via": answer.access_type or None,
        "reason": answer.reason or None,
        "expires_at": answer.expires_at.isoformat().replace("+00:00", "Z") if answer.expires_at else None,
        "owner_id": answer.owner_id or None,
        "in_use_by": answer.in_use_by or None,
    }


@pytest.mark.parametrize("player", [None, "alice", "bob", "carol"])
async def test_about_access_to_every_kind_of_game(doors: Doors, player: str | None) -> None:
    fill(doors.world)
    if player is not None:
        play(doors.world, player)
    asked = [*CASES, "a game that nobody knows"]

    rest = {
        name: data(await doors.rest.get(f"{LIBRARY}/{game_id(name)}/access", headers=bearer("alice")))
        for name in asked
    }
    single = {
        name: await doors.grpc.check_game_access(
            CheckGameAccessRequest(user_id=str(ALICE), game_id=str(game_id(name)))
        )
        for name in asked
    }
    together: dict[str, CheckGameAccessResponse] = {}
    for names in in_parts(asked, MAX_GAMES):
        answer = await doors.grpc.batch_check_game_access(
            BatchCheckGameAccessRequest(user_id=str(ALICE), game_ids=[str(game_id(name)) for name in names])
        )
        together |= dict(zip(names, answer.results, strict=True))

    assert {name: as_rest_says(answer) for name, answer in single.items()} == {
        name: as_grpc_says(answer) for name, answer in rest.items()
    }
    assert together == single
    # The table is worth something only if it has every verdict.
    borrowed = {("family", None)} if player in {None, "alice"} else {(None, "copy_in_use")}
    assert {(answer["via"], answer["reason"]) for answer in rest.values()} == borrowed | {
        *((via, None) for via in ("owned", "subscription")),
        *((None, reason) for reason in ("not_owned", "revoked", "expired", "base_game_missing")),
    }


SORTED = [(sort, order) for sort in LibrarySort for order in Order]
FILTERED = [
    (),
    *((word,) for word in Filter),
    ("installed", "not_installed"),
    ("game", "favorite"),
    ("game", "hidden"),
]


async def test_about_which_games_a_library_shows(doors: Doors) -> None:
    furnish(doors.world)

    for words, (sort, order) in product(FILTERED, SORTED):
        rest = data(
            await doors.rest.get(
                LIBRARY,
                params={"filter": list(words), "sort": sort, "order": order, "limit": 3, "offset": 1},
                headers=bearer("alice"),
            )
        )
        answer = await doors.grpc.get_library(
            GetUserLibraryRequest(
                user_id=str(ALICE), limit=3, offset=1, sort_by=sort, sort_order=order, filter=",".join(words)
            )
        )

        assert [shown_by_grpc(item) for item in answer.items] == [
            shown_by_rest(item) for item in rest["items"]
        ], (words, sort, order)
        assert (answer.total, answer.limit, answer.offset) == (rest["total"], rest["limit"], rest["offset"])


def shown_by_grpc(item: LibraryItem) -> tuple[object, ...]:
    return item.game_id, item.name, item.total_playtime, item.hidden, item.family_shared, len(item.dlc)


def shown_by_rest(item: dict[str, Any]) -> tuple[object, ...]:
    """Return the same members by their names in REST."""
    names = ("game_id", "name", "total_playtime_seconds", "is_hidden", "family_shared")
    return *(item[name] for name in names), len(item["dlc"])


def furnish(world: World) -> None:
    """Give Alice games that differ in all that filters and sorts look at."""
    for number, name in enumerate(["Portal", "Ёлка", "Ведьмак 3", "Braid", "Half-Life", "Inside"]):
        kind = AcquisitionType.FAMILY if number == 3 else AcquisitionType.PURCHASE
        world.own(a_game(name), grant=a_grant(kind, source_id=str(BOB), granted_at=NOON - number % 4 * HOUR))
        entry = world.store.entries[ALICE, game_id(name)]
        entry.is_favorite, entry.is_hidden = number % 2 == 0, number == 5
        world.store.activities[ALICE, game_id(name)] = Activity(
            last_played_at=NOON - number * HOUR if number % 2 else None,
            total_playtime=number * 60,
        )
        installed = GameInstallations(user_id=ALICE, game_id=game_id(name))
        status = list(InstallationStatus)[number % len(InstallationStatus)]
        installed.record(a_report(status), now=NOON, game_name=name)
        world.store.installations[ALICE, game_id(name)] = installed
    world.own(a_dlc("Blood and Wine", of="Ведьмак 3"))


def in_parts(names: list[str], size: int) -> Iterator[list[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))
