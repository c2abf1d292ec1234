"""What the repository of entries and rights promises, through the flow that fills it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, a_grant, a_purchase, event_id, game_id, user_id
from contract.libraries import ALICE, an_entry, file_under, grants_of
from contract.worlds import World
from fakes.clock import FakeClock
from psycopg import AsyncCursor

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import AcquisitionType, Refusal
from library_domain.library.queries import LibraryFilter, LibraryQuery
from library_domain.shared.money import Money


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

    async def test_with_dead_rights_alone_are_shown_among_the_withdrawn(self, world: World) -> None:
        entry = an_entry(a_grant(revoked_at=NOON, revoke_reason="refunded"))
        async with world.uow.begin(ALICE) as tx:
            await tx.library.save(entry)
            tx.record(*entry.events)

        page = await world.reader.page(ALICE, LibraryQuery(), now=NOON)
        withdrawn = await world.reader.page(
            ALICE, LibraryQuery(filter=LibraryFilter(withdrawn=True)), now=NOON
        )
        item = await world.reader.item(ALICE, game_id("Portal 2"), now=NOON)

        assert (page.items, page.total) == ([], 0)
        assert [each.game_id for each in withdrawn.items] == [game_id("Portal 2")]
        assert item is not None
        assert (item.access.allowed, item.access.reason) == (False, Refusal.REVOKED)
        assert [row["type"] for row in await world.outbox()] == []

    async def test_keep_what_they_show_of_rights_that_end(self, world: World) -> None:
        ends = NOON + timedelta(hours=1)
        entry = an_entry(a_grant(AcquisitionType.SUBSCRIPTION, expires_at=ends))
        for now in (NOON, ends):
            entry.refresh(now=now, game_name=None)
            async with world.uow.begin(ALICE) as tx:
                await tx.library.save(entry)
                tx.record(*entry.events)
                entry.events.clear()
            async with world.uow.begin(ALICE) as tx:
                kept = (await tx.library.entries(ALICE, (game_id("Portal 2"),)))[game_id("Portal 2")]

            assert kept == entry

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

        (grant,) = await grants_of(world, "Portal 2")
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

        (grant,) = await grants_of(world, "Portal 2")
        assert (grant.event_id, grant.event_time) == (newer.event_id, newer.event_time)
        assert await world.revision(ALICE) == 1
        assert len(await world.audit()) == 1

    async def test_stay_revoked_and_newer_whatever_is_saved_over_them(self, world: World) -> None:
        saved: list[object] = []
        for grant in (
            a_grant(source_id="t-1"),
            a_grant(source_id="t-1", revoked_at=NOON, revoke_reason="refunded"),
            a_grant(source_id="t-1", event_time=NOON - timedelta(hours=1), purchase_type="older"),
            a_grant(source_id="t-1", event_time=NOON + timedelta(hours=1), purchase_type="newer"),
        ):
            entry = an_entry(grant)
            entry.is_new = not saved
            async with world.uow.begin(ALICE) as tx:
                await tx.library.save(entry)
            (kept,) = await grants_of(world, "Portal 2")
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
