"""Any part of any library, by any filter and sort: what comes must be what a simple model says (details 3.9)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from builders import NOON, a_game, a_grant, event_id, game_id, user_id
from contract.worlds import EVERY_WAY_OF_READING, World
from fakes.store import Activity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library_domain.catalog.model import ProductType
from library_domain.library.model import (
    AcquisitionType,
    DownloadReport,
    InstallationStatus,
    LibraryEntry,
)
from library_domain.library.ports import InstallationRepository
from library_domain.library.queries import Collection, Hidden, LibraryFilter, LibraryQuery, LibrarySort
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Order, Page, Position
from library_domain.shared.text import sort_name

pytestmark = EVERY_WAY_OF_READING
NAMES = ("Portal", "portal 2", "Ёж", "ежевика", "100%", "1000", "a_b", "axb", "back\\slash", None)
PARTS = ("%", "_", "\\", "100", "PORT", "Еж", "ё", " ", "nothing", "a_")
CATEGORIES = ("RPG", "Стратегии")
DAY = timedelta(days=1)
INSTALLED = {InstallationStatus.INSTALLED, InstallationStatus.UPDATING}
_numbers = count(1)


@dataclass(kw_only=True)
class Row:
    """One product in a library as a test imagines it."""

    name: str | None = "Portal"
    kind: ProductType = ProductType.GAME
    """What Catalog says, or the purchase while Catalog says nothing: a game without a name."""
    bought_as: ProductType = ProductType.GAME
    hidden: bool = False
    favorite: bool = False
    borrowed: bool = False
    lost: bool = False
    expires_at: datetime | None = None
    acquired_at: datetime = NOON
    played_at: datetime | None = None
    playtime: int = 0
    status: InstallationStatus = InstallationStatus.NOT_INSTALLED
    categories: frozenset[str] = frozenset()
    game_id: GameId = field(default_factory=lambda: game_id(f"row {next(_numbers)}"))

    @property
    def accessible(self) -> bool:
        return not self.lost and (self.expires_at is None or self.expires_at > NOON)

    def key(self, sort: LibrarySort) -> str | int | datetime | None:
        return {
            LibrarySort.NAME: None if self.name is None else sort_name(self.name),
            LibrarySort.ACQUISITION_DATE: self.acquired_at,
            LibrarySort.LAST_PLAYED_AT: self.played_at,
            LibrarySort.TOTAL_PLAYTIME: self.playtime,
            LibrarySort.INSTALLATION_STATUS: self.status.value,
        }[sort]


def objections(row: Row, wanted: LibraryFilter) -> list[str]:
    """Say, one question at a time, why the contract keeps this row out of the list."""
    hidden_only = wanted.hidden is Hidden.ONLY or wanted.collection is Collection.HIDDEN
    filed = {name.casefold() for name in row.categories}
    answers = {
        "stands under its game": row.kind is ProductType.DLC,
        "access": row.accessible == wanted.withdrawn,
        "hidden": row.hidden and wanted.hidden is Hidden.EXCLUDED and not hidden_only,
        "not hidden": not row.hidden and hidden_only,
        "kind": wanted.kinds and row.kind not in wanted.kinds,
        "installed or not": wanted.installed is not None and (row.status in INSTALLED) != wanted.installed,
        "status": wanted.installation_statuses and row.status not in wanted.installation_statuses,
        "no favourite": wanted.favorite and not row.favorite,
        "own": wanted.shared and not row.borrowed,
        "another name": wanted.q is not None and sort_name(wanted.q) not in sort_name(row.name or ""),
        "another category": wanted.category is not None and wanted.category.casefold() not in filed,
        "not in the collection": wanted.collection is not None and not collected(row, wanted.collection),
    }
    return [question for question, answer in answers.items() if answer]


def collected(row: Row, collection: Collection) -> bool:
    return {
        Collection.FAVORITES: row.favorite,
        Collection.RECENT: row.played_at is not None and row.played_at >= NOON - 30 * DAY,
        Collection.INSTALLED: row.status in INSTALLED,
        Collection.UNPLAYED: row.played_at is None,
        Collection.SHARED: row.borrowed,
        Collection.HIDDEN: row.hidden,
    }[collection]


def listed(rows: Sequence[Row], query: LibraryQuery) -> list[UUID]:
    """Return the games of the whole list, in its order."""
    backwards = query.order is Order.DESC
    passing = [row for row in rows if not objections(row, query.filter)]
    with_key = [(row.key(query.sort), row.game_id) for row in passing if row.key(query.sort) is not None]
    without = [row.game_id for row in passing if row.key(query.sort) is None]
    return [
        *(each[1] for each in sorted(with_key, reverse=backwards)),
        *sorted(without, reverse=backwards),
    ]


async def keep(world: World, user: UserId, rows: Sequence[Row]) -> None:
    """Put the rows into the user's library, through the ports as far as they go."""
    async with world.uow.begin(user) as tx:
        await tx.games.save(
            [a_game(row.name, game_id=row.game_id, product_type=row.kind) for row in rows if row.name]
        )
        categories = await tx.categories.of(user)
        for row in rows:
            kind = AcquisitionType.FAMILY if row.borrowed else AcquisitionType.PURCHASE
            source = {"source_id": str(user_id("lender"))} if row.borrowed else {}
            grant = a_grant(kind, granted_at=row.acquired_at, expires_at=row.expires_at, **source)
            entry = LibraryEntry.open(
                entry_id=row.game_id,
                user_id=user,
                game_id=row.game_id,
                product_type=row.bought_as if row.name else row.kind,
                grant=grant,
                now=NOON,
            )
            entry.add(grant, now=NOON - 1000 * DAY, game_name=row.name)
            entry.revoked_at, entry.revoke_reason = (NOON, "refund") if row.lost else (None, None)
            filed = [
                categories.find_or_create(name, category_id=game_id(f"{user} {name}"), now=NOON)
                for name in row.categories
            ]
            await tx.categories.save(categories)
            await tx.library.save(entry)
            entry.edit(
                now=NOON,
                game_name=row.name,
                is_hidden=row.hidden,
                is_favorite=row.favorite,
                category_ids=[category.id for category in filed],
            )
            await tx.library.save(entry)
            await report(tx.installations, row.status, user, row.game_id)
            tx.record(*entry.events)
        tx.record(*categories.events)
    for row in rows:
        await leave(world, user, row)


async def leave(world: World, user: UserId, row: Row) -> None:
    await world.leave(user, row.game_id, Activity(last_played_at=row.played_at, total_playtime=row.playtime))


async def report(
    installations: InstallationRepository,
    status: InstallationStatus,
    user: UserId,
    game: GameId,
    at: datetime = NOON,
) -> None:
    """Let Download say how far the game is on the user's only device."""
    kept = await installations.of(user, game)
    assert kept is not None
    kept.record(
        DownloadReport(status=status, event_time=at, event_id=event_id(f"report {next(_numbers)}")),
        now=NOON,
        game_name=None,
    )
    await installations.save(kept)


def somebody() -> UserId:
    """Return a user that no other example has used."""
    return user_id(f"reader {next(_numbers)}")


row = st.builds(
    Row,
    name=st.sampled_from(NAMES),
    kind=st.sampled_from([ProductType.GAME, ProductType.GAME, ProductType.APPLICATION, ProductType.DLC]),
    bought_as=st.sampled_from(ProductType),
    hidden=st.booleans(),
    favorite=st.booleans(),
    borrowed=st.booleans(),
    lost=st.sampled_from([False, False, False, True]),
    expires_at=st.sampled_from([None, None, NOON - DAY, NOON, NOON + DAY]),
    acquired_at=st.sampled_from([NOON - DAY, NOON - 2 * DAY]),
    played_at=st.sampled_from([None, NOON - DAY, NOON - 30 * DAY, NOON - 31 * DAY]),
    playtime=st.integers(0, 2),
    status=st.sampled_from(InstallationStatus),
    categories=st.frozensets(st.sampled_from(CATEGORIES)),
)


def rarely(strategy: st.SearchStrategy[object], otherwise: object) -> st.SearchStrategy[object]:
    """Set one of many conditions seldom, so that something is left to list."""
    return st.integers(0, 3).flatmap(lambda n: strategy if n == 0 else st.just(otherwise))


wanted = st.builds(
    LibraryFilter,
    kinds=rarely(st.frozensets(st.sampled_from([ProductType.GAME, ProductType.APPLICATION])), frozenset()),
    installed=rarely(st.booleans(), None),
    installation_statuses=rarely(st.frozensets(st.sampled_from(InstallationStatus)), frozenset()),
    hidden=st.sampled_from(Hidden),
    favorite=rarely(st.just(value=True), otherwise=False),
    shared=rarely(st.just(value=True), otherwise=False),
    withdrawn=rarely(st.just(value=True), otherwise=False),
    category=rarely(st.sampled_from(["rpg", "СТРАТЕГИИ", "no such category"]), None),
    q=rarely(st.sampled_from([part for part in PARTS if sort_name(part)]), None),
    collection=rarely(st.sampled_from(Collection), None),
)
queries = st.builds(
    LibraryQuery, filter=wanted, sort=st.sampled_from(LibrarySort), order=st.sampled_from(Order)
)
# The world outlives an example; each example has a user and games of its own.
shared_world = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def part(query: LibraryQuery, **page: object) -> LibraryQuery:
    return LibraryQuery(filter=query.filter, sort=query.sort, order=query.order, page=Page(**page))  # type: ignore[arg-type]


@given(rows=st.lists(row, max_size=12), asked=st.lists(queries, min_size=1, max_size=6))
@shared_world
async def test_filters_and_sorts_agree_with_a_model_that_asks_one_question_at_a_time(
    world: World, rows: list[Row], asked: list[LibraryQuery]
) -> None:
    user = somebody()
    await keep(world, user, rows)

    for query in asked:
        expected = listed(rows, query)
        whole = await world.reader.page(user, query, now=NOON)
        middle = await world.reader.page(user, part(query, limit=2, offset=1), now=NOON)

        assert [item.game_id for item in whole.items] == expected
        assert [item.game_id for item in middle.items] == expected[1:3]
        assert whole.total == middle.total == len(expected)
        assert (whole.next, middle.next is None) == (None, len(expected) <= 3)


@given(rows=st.lists(row, max_size=12), query=queries, limit=st.integers(1, 4))
@shared_world
async def test_pages_behind_one_another_are_the_whole_list(
    world: World, rows: list[Row], query: LibraryQuery, limit: int
) -> None:
    user = somebody()
    await keep(world, user, rows)

    seen: list[UUID] = []
    page = await world.reader.page(user, part(query, limit=limit), now=NOON)
    while page.next is not None:
        seen += [item.game_id for item in page.items]
        page = await world.reader.page(user, part(query, limit=limit, after=page.next), now=NOON)
        assert page.total is None
    seen += [item.game_id for item in page.items]

    assert seen == listed(rows, query)


@given(
    rows=st.lists(row, min_size=4, max_size=12),
    query=queries,
    meanwhile=st.lists(
        st.tuples(st.sampled_from(["buy", "edit", "play"]), row, st.integers(0, 100)), max_size=6
    ),
)
@shared_world
async def test_what_happens_meanwhile_makes_pages_neither_repeat_nor_skip_what_was_there(
    world: World, rows: list[Row], query: LibraryQuery, meanwhile: list[tuple[str, Row, int]]
) -> None:
    user = somebody()
    await keep(world, user, rows)
    there = listed(rows, query)
    moved: set[UUID] = set()

    seen: list[UUID] = []
    position: Position | None = None
    while True:
        page = await world.reader.page(user, part(query, limit=2, after=position), now=NOON)
        seen += [item.game_id for item in page.items]
        if meanwhile:
            moved |= await happen(world, user, rows, meanwhile.pop())
        if page.next is None:
            break
        position = page.next

    assert [each for each in seen if each in there and each not in moved] == [
        each for each in there if each not in moved
    ]
    assert len(set(seen) - moved) == len([each for each in seen if each not in moved])


async def happen(world: World, user: UserId, rows: list[Row], event: tuple[str, Row, int]) -> set[UUID]:
    """Let something happen to the library; return the games whose place in a list may have changed by it."""
    what, new, number = event
    if what == "buy":
        await keep(world, user, [new])
        return set()
    known = rows[number % len(rows)]
    if what == "edit":
        async with world.uow.begin(user) as tx:
            entry = (await tx.library.entries(user, (known.game_id,)))[known.game_id]
            entry.edit(now=NOON, game_name=known.name, notes=f"note {number}")
            await tx.library.save(entry)
            tx.record(*entry.events)
        return set()
    await world.leave(user, known.game_id, Activity(last_played_at=NOON, total_playtime=number))
    async with world.uow.begin(user) as tx:
        await report(
            tx.installations, InstallationStatus.INSTALLED, user, known.game_id, at=NOON + timedelta(hours=1)
        )
    return {known.game_id}


@given(rows=st.lists(row, max_size=12))
@shared_world
async def test_counts_are_what_their_lists_show(world: World, rows: list[Row]) -> None:
    user = somebody()
    await keep(world, user, rows)

    collections = await world.reader.collections(user, now=NOON)
    categories = await world.reader.categories(user, now=NOON)

    assert {each.name: each.count for each in collections} == {
        name: len(listed(rows, LibraryQuery(filter=LibraryFilter(collection=name)))) for name in Collection
    }
    assert {each.name: each.items_count for each in categories} == {
        name: len(listed(rows, LibraryQuery(filter=LibraryFilter(category=name))))
        for name in {name for each in rows for name in each.categories}
    }


@pytest.mark.parametrize("order", Order)
async def test_what_was_never_played_comes_last_both_ways(world: World, order: Order) -> None:
    user = somebody()
    played, unplayed = Row(played_at=NOON), Row()
    await keep(world, user, [unplayed, played])

    page = await world.reader.page(user, LibraryQuery(sort=LibrarySort.LAST_PLAYED_AT, order=order), now=NOON)

    assert [item.game_id for item in page.items] == [played.game_id, unplayed.game_id]


async def test_signs_of_patterns_are_searched_for_literally(world: World) -> None:
    user = somebody()
    await keep(world, user, [Row(name=name) for name in NAMES])

    async def found(q: str) -> list[str | None]:
        page = await world.reader.page(user, LibraryQuery(filter=LibraryFilter(q=q)), now=NOON)
        return [item.name for item in page.items]

    assert await found("100%") == ["100%"]
    assert await found("A_B") == ["a_b"]
    assert await found("\\") == ["back\\slash"]
    assert await found("ЕЖ") == ["Ёж", "ежевика"]
