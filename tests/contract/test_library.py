"""What the library's repository and reader promise, through the flow that fills them."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from builders import NOON, a_dlc, a_game, a_grant, a_purchase, event_id, game_id, user_id
from contract.worlds import EVERY_WAY_OF_READING, World
from fakes.clock import FakeClock, SequentialIds
from psycopg import AsyncCursor

from library_domain.catalog.model import Game, LaunchOption, ProductType
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.errors import CategoryExists
from library_domain.library.events import LibraryRead
from library_domain.library.model import AcquisitionType, Grant, LibraryEntry, Refusal, Via
from library_domain.library.queries import LibraryQuery
from library_domain.library.use_cases.create_category import CreateCategory, CreateCategoryHandler
from library_domain.shared.access import Role
from library_domain.shared.caller import Caller, acting
from library_domain.shared.ids import UserId
from library_domain.shared.money import Money
from library_domain.shared.paging import Page

pytestmark = EVERY_WAY_OF_READING
ALICE = user_id("alice")
LATER = NOON + timedelta(hours=1)


async def learn(world: World, *games: Game) -> None:
    async with world.uow.begin() as tx:
        await tx.games.save(list(games))


@pytest.fixture
def add(world: World, clock: FakeClock, ids: SequentialIds) -> AddToLibraryHandler:
    return AddToLibraryHandler(uow=world.uow, clock=clock, ids=ids)


async def names(world: World, user: UserId, page: Page = Page()) -> list[str | None]:  # noqa: B008
    shown = await world.reader.page(user, LibraryQuery(page=page), now=NOON)
    return [item.name for item in shown.items]


class TestPage:
    async def test_is_empty_for_a_user_that_nobody_knows(self, world: World) -> None:
        shown = await world.reader.page(ALICE, LibraryQuery(), now=NOON)

        assert (shown.items, shown.total) == ([], 0)

    async def test_sorts_russian_and_english_names_our_way_and_unknown_ones_last(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await learn(world, *(a_game(name) for name in ("ёлки", "Жмурки", "Ежи", "portal", "Half-Life")))
        for name in ("Жмурки", "ёлки", "portal", "Ежи", "Half-Life", "nobody told its name"):
            await add(a_purchase(name))

        assert await names(world, ALICE) == ["Half-Life", "portal", "Ежи", "ёлки", "Жмурки", None]

    async def test_cuts_by_limit_and_offset_and_counts_all(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        for letter in "DBCA":
            await learn(world, a_game(letter))
            await add(a_purchase(letter))

        shown = await world.reader.page(ALICE, LibraryQuery(page=Page(limit=2, offset=1)), now=NOON)
        beyond = await world.reader.page(ALICE, LibraryQuery(page=Page(offset=10)), now=NOON)

        assert [item.name for item in shown.items] == ["B", "C"]
        assert shown.total == 4
        assert (beyond.items, beyond.total) == ([], 4)

    async def test_shows_only_the_users_own_games(self, world: World, add: AddToLibraryHandler) -> None:
        await learn(world, a_game("Portal 2"))
        await add(a_purchase("Portal 2", by="bob"))

        assert await names(world, ALICE) == []

    async def test_puts_dlc_under_their_game(self, world: World, add: AddToLibraryHandler) -> None:
        await learn(world, a_game("Portal 2"), a_dlc("Zest", of="Portal 2"), a_dlc("Art book", of="Portal 2"))
        await add(a_purchase("Portal 2", dlc=(game_id("Zest"), game_id("Art book"))))

        shown = await world.reader.page(ALICE, LibraryQuery(), now=NOON)

        assert shown.total == 1
        assert [part.name for part in shown.items[0].dlc] == ["Art book", "Zest"]
        assert shown.items[0].dlc[0].size_required == 12_000_000_000

    async def test_shows_a_dlc_where_it_belongs_whatever_its_own_purchase_knew(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await add(a_purchase("Art book", dlc=()))
        await learn(world, a_game("Portal 2"), a_dlc("Art book", of="Portal 2"))
        await add(a_purchase("Portal 2", dlc=()))

        page = await world.reader.page(ALICE, LibraryQuery(), now=NOON)

        assert page.total == 1
        assert [item.name for item in page.items] == ["Portal 2"]
        assert [part.name for part in page.items[0].dlc] == ["Art book"]

    async def test_leaves_out_what_has_run_out(self, world: World) -> None:
        await keep_expiring(world, expires_at=NOON)

        shown = await world.reader.page(ALICE, LibraryQuery(), now=NOON)

        assert (shown.items, shown.total) == ([], 0)

    async def test_shows_members_with_their_types(self, world: World, add: AddToLibraryHandler) -> None:
        await learn(world, a_game("Portal 2", cover_url="https://cdn.example/portal.png"))
        await add(a_purchase("Portal 2"))

        (item,) = (await world.reader.page(ALICE, LibraryQuery(), now=NOON)).items

        assert (item.user_id, item.game_id) == (ALICE, game_id("Portal 2"))
        assert (item.product_type, item.acquisition_type) == ("game", "purchase")
        assert item.acquisition_date == NOON - timedelta(minutes=1)
        assert item.platforms == ["windows", "linux"]
        assert item.cover_url == "https://cdn.example/portal.png"
        assert (item.installed, item.installation_status, item.size_installed) == (
            False,
            "not_installed",
            None,
        )
        assert (item.categories, item.dlc, item.family_shared, item.owner_id) == ([], [], False, None)
        assert item.created_at == item.updated_at == NOON


class TestItem:
    async def test_is_none_for_a_game_that_the_user_never_had(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await learn(world, a_game("Portal 2"))
        await add(a_purchase("Portal 2", by="bob"))

        assert await world.reader.item(ALICE, game_id("Portal 2"), now=NOON) is None

    async def test_has_everything_that_exists(self, world: World, add: AddToLibraryHandler) -> None:
        option = LaunchOption(id="safe", name="Безопасный режим", command="-safe", is_default=True)
        await learn(world, a_game("Portal 2", launch_options=(option,)))
        await add(a_purchase("Portal 2"))

        item = await world.reader.item(ALICE, game_id("Portal 2"), now=NOON)

        assert item is not None
        assert (item.name, item.version, item.size_required) == ("Portal 2", "2.1.5", 12_000_000_000)
        assert item.launch_options == [option]
        assert item.devices == []
        assert item.developer == "Valve"
        assert (item.access.allowed, item.access.via) == (True, Via.OWNED)

    async def test_stays_when_access_has_run_out_and_says_so(self, world: World) -> None:
        await keep_expiring(world, expires_at=NOON)

        item = await world.reader.item(ALICE, game_id("Portal 2"), now=NOON)

        assert item is not None
        assert (item.access.allowed, item.access.reason) == (False, Refusal.EXPIRED)


class TestRights:
    async def test_are_none_for_what_does_not_exist(self, world: World) -> None:
        rights = await world.reader.rights(ALICE, game_id("Portal 2"))

        assert (list(rights.grants), rights.parent_grants) == ([], None)

    async def test_carry_the_purchase(self, world: World, add: AddToLibraryHandler) -> None:
        purchase = a_purchase("Portal 2", gifted_by=user_id("bob"))
        await add(purchase)

        (grant,) = (await world.reader.rights(ALICE, game_id("Portal 2"))).grants

        assert grant.key == (AcquisitionType.PURCHASE, purchase.transaction_id)
        assert (grant.price, grant.gifted_by) == (purchase.price, user_id("bob"))
        assert (grant.granted_at, grant.event_id) == (purchase.purchased_at, purchase.event_id)

    async def test_of_a_dlc_name_the_base_game_even_if_there_is_no_right_to_it(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await learn(world, a_game("Portal 2"), a_dlc("Art book", of="Portal 2"))
        await add(a_purchase("Art book"))

        rights = await world.reader.rights(ALICE, game_id("Art book"))

        assert len(rights.grants) == 1
        assert list(rights.parent_grants or []) == []
        assert rights.parent_grants is not None

    async def test_of_a_dlc_include_those_of_its_base_game(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await learn(world, a_game("Portal 2"), a_dlc("Art book", of="Portal 2"))
        await add(a_purchase("Portal 2", dlc=(game_id("Art book"),)))

        rights = await world.reader.rights(ALICE, game_id("Art book"))
        dlc = await world.reader.owned_dlc(ALICE, game_id("Portal 2"), now=NOON)

        assert len(rights.parent_grants or []) == 1
        assert list(dlc) == [game_id("Art book")]

    async def test_of_several_games_are_those_of_each_in_their_order(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await learn(
            world, a_game("Portal 2"), a_dlc("Art book", of="Portal 2"), a_dlc("Maps", of="Half-Life")
        )
        await add(a_purchase("Portal 2", dlc=(game_id("Art book"),)))
        await add(a_purchase("Maps"))
        asked = [game_id(name) for name in ("Maps", "absent", "Art book", "Portal 2", "Maps")]

        rights = await world.reader.rights_of(ALICE, asked)

        assert rights == [await world.reader.rights(ALICE, each) for each in asked]
        assert [len(each.grants) for each in rights] == [1, 0, 1, 1, 1]


class TestEntries:
    async def test_come_back_as_they_were_saved(self, world: World, add: AddToLibraryHandler) -> None:
        await add(a_purchase("Portal 2", transaction_id="t-1"))
        async with world.uow.begin(ALICE) as tx:
            entries = await tx.library.entries(ALICE, (game_id("Portal 2"), game_id("absent")))

        entry = entries[game_id("Portal 2")]

        assert list(entries) == [game_id("Portal 2")]
        assert entry.grants[0].transaction_id == "t-1"
        assert (entry.is_new, entry.is_changed, entry.new_grants, entry.events) == (False, False, [], [])

    async def test_change_with_a_stronger_right(
        self, world: World, add: AddToLibraryHandler, clock: FakeClock
    ) -> None:
        await add(a_purchase("Portal 2", acquisition_type=AcquisitionType.FREE))
        clock.advance(timedelta(hours=1))
        await add(a_purchase("Portal 2"))

        (item,) = (await world.reader.page(ALICE, LibraryQuery(), now=clock.now())).items

        assert item.acquisition_type == "purchase"
        assert await world.revision(ALICE) == 2

    async def test_keep_what_the_user_made_of_them(
        self, world: World, add: AddToLibraryHandler, clock: FakeClock
    ) -> None:
        await add(a_purchase("Portal 2"))
        clock.advance(timedelta(hours=1))
        async with world.uow.begin(ALICE) as tx:
            categories = await tx.categories.of(ALICE)
            filed = [
                categories.create(name, category_id=game_id(name), now=NOON).id for name in ("RPG", "Инди")
            ]
            await tx.categories.save(categories)
            entry = (await tx.library.entries(ALICE, (game_id("Portal 2"),)))[game_id("Portal 2")]
            entry.edit(now=NOON, game_name=None, is_hidden=True, notes="моя", category_ids=filed)
            await tx.library.save(entry)
            tx.record(*categories.events, *entry.events)

        async with world.uow.begin(ALICE) as tx:
            kept = (await tx.library.entries(ALICE, (game_id("Portal 2"),)))[game_id("Portal 2")]
        item = await world.reader.item(ALICE, game_id("Portal 2"), now=NOON)

        assert (kept.is_hidden, kept.is_favorite, kept.notes) == (True, False, "моя")
        assert (kept.category_ids, kept.is_changed, kept.is_refiled) == (frozenset(filed), False, False)
        assert item is not None
        assert (item.is_hidden, item.notes, item.categories) == (True, "моя", ["RPG", "Инди"])
        assert (item.created_at, item.updated_at) == (NOON, clock.now())

    async def test_are_taken_out_of_categories(self, world: World, add: AddToLibraryHandler) -> None:
        await file_under(world, add, "RPG", "Инди")
        async with world.uow.begin(ALICE) as tx:
            entry = (await tx.library.entries(ALICE, (game_id("Portal 2"),)))[game_id("Portal 2")]
            entry.edit(now=NOON, game_name=None, category_ids=[game_id("Инди")])
            await tx.library.save(entry)
            tx.record(*entry.events)

        assert [(each.name, each.items_count) for each in await world.reader.categories(ALICE, now=NOON)] == [
            ("RPG", 0),
            ("Инди", 1),
        ]


class TestCategories:
    async def test_are_none_for_a_user_that_nobody_knows(self, world: World) -> None:
        async with world.uow.begin(ALICE) as tx:
            assert (await tx.categories.of(ALICE)).by_id == {}
        assert list(await world.reader.categories(ALICE, now=NOON)) == []

    async def test_come_back_as_they_were_saved(self, world: World, add: AddToLibraryHandler) -> None:
        await file_under(world, add, "RPG")
        async with world.uow.begin(ALICE) as tx:
            categories = await tx.categories.of(ALICE)
            edited = categories.edit(game_id("RPG"), name="Ролевые", color="#00ff00", now=LATER)
            await tx.categories.save(categories)
            tx.record(*categories.events)

        async with world.uow.begin(ALICE) as tx:
            kept = await tx.categories.of(ALICE)

        assert kept.by_id == {game_id("RPG"): edited}
        assert (kept.changed, kept.deleted, kept.events) == (set(), set(), [])
        assert (edited.created_at, edited.updated_at) == (NOON, LATER)

    async def test_leave_their_games_when_they_are_deleted(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await file_under(world, add, "RPG")
        async with world.uow.begin(ALICE) as tx:
            categories = await tx.categories.of(ALICE)
            categories.delete(game_id("RPG"), now=NOON)
            categories.create("rpg", category_id=game_id("another"), now=NOON)
            await tx.categories.save(categories)
            tx.record(*categories.events)

        (item,) = (await world.reader.page(ALICE, LibraryQuery(), now=NOON)).items

        assert item.categories == []
        assert [each.id for each in await world.reader.categories(ALICE, now=NOON)] == [game_id("another")]

    async def test_of_one_name_are_made_once_by_twenty_at_once(
        self, world: World, clock: FakeClock, ids: SequentialIds
    ) -> None:
        create = CreateCategoryHandler(uow=world.uow, clock=clock, ids=ids)

        made = await asyncio.gather(
            *(create(CreateCategory(user_id=ALICE, name="RPG")) for _ in range(20)), return_exceptions=True
        )

        assert [each for each in made if not isinstance(each, CategoryExists)] == [
            *await world.reader.categories(ALICE, now=NOON)
        ]
        assert (len(made), await world.revision(ALICE)) == (20, 1)

    async def test_need_the_mutex(self, world: World) -> None:
        with pytest.raises(RuntimeError, match="mutex"):
            async with world.uow.begin() as tx:
                categories = await tx.categories.of(ALICE)
                categories.create("RPG", category_id=game_id("RPG"), now=NOON)
                await tx.categories.save(categories)


class TestVersion:
    async def test_stays_while_nothing_changes(self, world: World, add: AddToLibraryHandler) -> None:
        await add(a_purchase("Portal 2"))

        first = await world.reader.version(ALICE, now=NOON)

        assert first == await world.reader.version(ALICE, now=LATER)
        assert (first.revision, first.timeline) == (1, "1")

    async def test_has_the_revision_of_the_user_alone(self, world: World, add: AddToLibraryHandler) -> None:
        await add(a_purchase("Portal 2"))
        await add(a_purchase("Half-Life"))

        assert (await world.reader.version(ALICE, now=NOON)).revision == 2
        assert (await world.reader.version(user_id("bob"), now=NOON)).revision == 0

    async def test_has_an_epoch_that_moves_within_a_minute_of_a_change_of_the_catalog(
        self, world: World
    ) -> None:
        before = await epoch(world, NOON)

        await learn(world, a_game("Portal 2"))

        assert await epoch(world, NOON) == before
        assert await epoch(world, NOON + timedelta(seconds=60)) == before + 1

    async def test_has_an_epoch_that_moves_once_for_all_changes_of_a_minute(
        self, world: World, clock: FakeClock
    ) -> None:
        before = await epoch(world, NOON)
        for name in "ABCDE":
            await learn(world, a_game(name))
            clock.advance(timedelta(seconds=10))

        assert await epoch(world, NOON + timedelta(minutes=10)) == before + 1

    async def test_misses_no_change_however_they_lie(self, world: World, clock: FakeClock) -> None:
        for second in (0, 49, 1, 9, 51, 200, 55, 3):
            clock.advance(timedelta(seconds=second))
            before = await epoch(world, clock.now())
            await learn(world, a_game(f"game at {clock.now()}"))

            assert await epoch(world, clock.now() + timedelta(seconds=60)) > before

    async def test_does_not_move_for_what_is_known_already(self, world: World, clock: FakeClock) -> None:
        await learn(world, a_game("Portal 2"))
        clock.advance(timedelta(hours=1))
        before = await epoch(world, clock.now())

        await learn(world, a_game("Portal 2"))

        assert await epoch(world, clock.now() + timedelta(hours=1)) == before


class TestLooksAtAnothersData:
    async def test_are_audited_without_raising_the_revision(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        await add(a_purchase("Portal 2"))
        support = Caller(actor_id=user_id("support"), roles=frozenset({Role.SUPPORT}), request_id="r-1")

        with acting(support):
            for user in (ALICE, user_id("nobody")):
                async with world.uow.begin() as tx:
                    tx.record(LibraryRead(user_id=user, game_id=None, occurred_at=NOON))

        looks = {row["user_id"]: row for row in await world.audit() if row["action"] == "read_other"}
        assert {user: row["revision"] for user, row in looks.items()} == {ALICE: 1, user_id("nobody"): 0}
        assert {row["actor_id"] for row in looks.values()} == {user_id("support")}
        assert (await world.revision(ALICE), await world.revision(user_id("nobody"))) == (1, 0)
        assert len(await world.outbox()) == 1


async def epoch(world: World, at: datetime) -> int:
    return (await world.reader.version(ALICE, now=at)).epoch


async def file_under(world: World, add: AddToLibraryHandler, *names: str) -> None:
    """Put Portal 2 into Alice's library, filed under these categories, whose ids are game_id(name)."""
    await add(a_purchase("Portal 2"))
    async with world.uow.begin(ALICE) as tx:
        categories = await tx.categories.of(ALICE)
        for name in names:
            categories.create(name, category_id=game_id(name), now=NOON)
        await tx.categories.save(categories)
        entry = (await tx.library.entries(ALICE, (game_id("Portal 2"),)))[game_id("Portal 2")]
        entry.edit(now=NOON, game_name=None, category_ids=[game_id(name) for name in names])
        await tx.library.save(entry)
        tx.record(*categories.events, *entry.events)


class TestGrants:
    async def test_are_corrected_by_a_newer_event_and_by_no_older_one(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        first = a_purchase("Portal 2", transaction_id="t-1")
        newer = replace(
            first,
            event_id=event_id("newer"),
            event_time=NOON + timedelta(hours=1),
            purchased_at=NOON - timedelta(days=1),
            gifted_by=user_id("bob"),
            price=Money(Decimal("399.00"), "RUB"),
        )
        for purchase in (first, newer, first, newer):
            await add(purchase)

        (grant,) = (await world.reader.rights(ALICE, game_id("Portal 2"))).grants
        (item,) = (await world.reader.page(ALICE, LibraryQuery(), now=NOON)).items
        assert (grant.event_id, grant.event_time) == (newer.event_id, newer.event_time)
        assert (grant.granted_at, grant.gifted_by) == (newer.purchased_at, newer.gifted_by)
        assert grant.price == newer.price
        assert item.acquisition_date == newer.purchased_at
        assert await world.revision(ALICE) == 2
        assert [row["type"] for row in await world.outbox()] == [
            "library.game.added",
            "library.game.updated",
        ]

    async def test_remember_a_newer_event_that_says_the_same_without_a_revision(
        self, world: World, add: AddToLibraryHandler
    ) -> None:
        first = a_purchase("Portal 2", transaction_id="t-1")
        newer = replace(first, event_id=event_id("newer"), event_time=NOON + timedelta(hours=1))
        await add(first)
        await add(newer)

        (grant,) = (await world.reader.rights(ALICE, game_id("Portal 2"))).grants
        assert (grant.event_id, grant.event_time) == (newer.event_id, newer.event_time)
        assert await world.revision(ALICE) == 1
        assert len(await world.audit()) == 1

    async def test_stay_revoked_and_newer_whatever_is_saved_over_them(self, world: World) -> None:
        saved: list[object] = []
        for grant in (
            a_grant(source_id="t-1"),
            a_grant(source_id="t-1", revoked_at=NOON, revoke_reason="refund"),
            a_grant(source_id="t-1", event_time=NOON - timedelta(hours=1), purchase_type="older"),
            a_grant(source_id="t-1", event_time=NOON + timedelta(hours=1), purchase_type="newer"),
        ):
            entry = an_entry(grant)
            entry.is_new = not saved
            async with world.uow.begin(ALICE) as tx:
                await tx.library.save(entry)
            (kept,) = (await world.reader.rights(ALICE, game_id("Portal 2"))).grants
            saved.append((kept.event_time, kept.purchase_type, kept.revoked_at))

        assert saved == [
            (NOON, None, None),
            (NOON, None, NOON),
            (NOON, None, NOON),
            (NOON + timedelta(hours=1), "newer", NOON),
        ]

    async def test_are_saved_together(
        self, world: World, add: AddToLibraryHandler, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dlc = tuple(game_id(f"DLC {number}") for number in range(200))
        statements: list[object] = []
        for name in ("execute", "executemany"):
            call = getattr(AsyncCursor, name)

            async def counting(*arguments: Any, _call: Any = call, **options: Any) -> Any:
                statements.append(arguments[1])
                return await _call(*arguments, **options)

            monkeypatch.setattr(AsyncCursor, name, counting)
        await add(a_purchase("Portal 2", dlc=dlc))

        assert len(statements) < 20  # the user's mutex is held all the while
        async with world.uow.begin(ALICE) as tx:
            entries = await tx.library.entries(ALICE, (game_id("Portal 2"), *dlc))
            await tx.library.save()

        assert len(entries) == 201
        assert {len(entry.grants) for entry in entries.values()} == {1}


class TestGames:
    async def test_are_not_replaced_by_older_states_or_stubs(self, world: World) -> None:
        newer = a_game("Portal 2", version="3.0", event_at=NOON + timedelta(hours=1))
        await learn(world, newer)
        await learn(world, a_game("Portal 2", version="2.0"))
        await learn(world, Game(game_id=game_id("Portal 2"), event_at=NOON + timedelta(days=1)))

        known = await world.games.known([game_id("Portal 2"), game_id("absent")])

        assert known == {game_id("Portal 2"): newer}

    async def test_replace_stubs_even_with_an_older_time(self, world: World) -> None:
        await learn(world, Game(game_id=game_id("Portal 2"), event_at=NOON))
        await learn(world, a_game("Portal 2", event_at=NOON - timedelta(days=1)))

        known = await world.games.known([game_id("Portal 2")])

        assert known[game_id("Portal 2")].name == "Portal 2"

    async def test_stubs_end_as_the_one_that_tells_most_in_any_order(self, world: World) -> None:
        kind, base, other = ProductType.DLC, game_id("Portal"), game_id("Portal 2")
        stubs = [
            Game(game_id=game_id("?"), event_at=NOON, product_type=ProductType.APPLICATION),
            Game(game_id=game_id("?"), event_at=NOON, product_type=kind),
            Game(game_id=game_id("?"), event_at=NOON, product_type=kind, parent_game_id=base),
            Game(game_id=game_id("?"), event_at=NOON, product_type=kind, parent_game_id=other),
        ]
        for order in permutations(stubs):
            name = game_id(f"Art book {order}")
            for stub in order:
                await learn(world, replace(stub, game_id=name))

            known = await world.games.known([name])

            assert (known[name].product_type, known[name].parent_game_id) == (kind, min(base, other))

    async def test_queue_each_job_once(self, world: World) -> None:
        for _ in range(2):
            async with world.uow.begin() as tx:
                await tx.jobs.enqueue("catalog.fetch_metadata", ["b", "a"])

        assert await world.jobs() == {("catalog.fetch_metadata", "a"), ("catalog.fetch_metadata", "b")}


async def keep_expiring(world: World, *, expires_at: object) -> None:
    """Put a subscription game into Alice's library, whose right runs out at this time."""
    entry = an_entry(a_grant(AcquisitionType.SUBSCRIPTION, expires_at=expires_at))
    async with world.uow.begin(ALICE) as tx:
        await tx.library.save(entry)
        tx.record(*entry.events)


def an_entry(grant: Grant) -> LibraryEntry:
    entry = LibraryEntry.open(
        entry_id=game_id("entry"),
        user_id=ALICE,
        game_id=game_id("Portal 2"),
        product_type=ProductType.GAME,
        grant=grant,
        now=NOON,
    )
    entry.add(grant, now=NOON - timedelta(hours=1), game_name="Portal 2")
    return entry
