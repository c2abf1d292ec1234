"""What the library's reader promises of pages, games and rights, through the flow that fills them."""

from datetime import timedelta
from typing import Any

from builders import NOON, a_dlc, a_game, a_grant, a_purchase, game_id, user_id
from contract.libraries import ALICE, LATER, an_entry, keep_expiring, learn, names
from contract.playtime import DAY, Visit, begin, own, play
from contract.worlds import EVERY_WAY_OF_READING, World

from library_domain.catalog.model import LaunchOption
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import AcquisitionType, CopyUse, Refusal, Via
from library_domain.library.queries import (
    AccessRight,
    Collection,
    Copy,
    LibraryFilter,
    LibraryItem,
    LibraryQuery,
    LibrarySort,
    RecentSession,
)
from library_domain.shared.paging import Order, Page

pytestmark = EVERY_WAY_OF_READING
HOUR = timedelta(hours=1)
BOB = user_id("bob")


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

        rights = await world.reader.rights(ALICE, game_id("Portal 2"))

        assert rights.parent_grants is None
        assert rights.grants == [
            AccessRight(
                acquisition_type=AcquisitionType.PURCHASE,
                source_id=purchase.transaction_id,
                granted_at=purchase.purchased_at,
                expires_at=None,
                revoked_at=None,
            )
        ]

    async def test_tell_when_they_end_and_when_they_were_taken_back(self, world: World) -> None:
        entry = an_entry(a_grant(AcquisitionType.SUBSCRIPTION, source_id="s-1", expires_at=LATER))
        entry.add(
            a_grant(source_id="t-1", revoked_at=NOON, revoke_reason="refunded"), now=NOON, game_name=None
        )
        async with world.uow.begin(ALICE) as tx:
            await tx.library.save(entry)

        rights = await world.reader.rights(ALICE, game_id("Portal 2"))

        assert {(each.source_id, each.expires_at, each.revoked_at) for each in rights.grants} == {
            ("s-1", LATER, None),
            ("t-1", None, NOON),
        }

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

    async def test_tell_who_plays_ones_own_copy(self, world: World) -> None:
        await own(world, ALICE, "Portal", "Ёж", "Rangers")
        await begin(world, ALICE, "Portal")
        await begin(world, BOB, "Ёж", of=ALICE)
        mine, lent = CopyUse(user_id=ALICE, since=NOON), CopyUse(user_id=BOB, since=NOON)
        games = [game_id(name) for name in ("Portal", "Ёж", "Rangers")]

        assert [(await world.reader.rights(ALICE, game)).in_use_by for game in games] == [mine, lent, None]
        assert [each.in_use_by for each in await world.reader.rights_of(ALICE, games)] == [mine, lent, None]

    async def test_who_plays_is_told_of_each_copy_in_their_order(self, world: World) -> None:
        await own(world, ALICE, "Portal", "Ёж")
        await begin(world, BOB, "Ёж", of=ALICE)
        copies = [
            Copy(owner_id=owner, game_id=game_id(name))
            for owner, name in ((ALICE, "Portal"), (ALICE, "Ёж"), (BOB, "Ёж"), (ALICE, "Ёж"))
        ]

        played = await world.reader.players(copies)

        use = CopyUse(user_id=BOB, since=NOON)
        assert list(played) == [None, use, None, use]
        assert list(await world.reader.players([])) == []


class TestPlayedGames:
    async def test_an_item_shows_its_last_ten_sessions(self, world: World) -> None:
        visits = [Visit(start=NOON + hour * HOUR, awake=hour % 4) for hour in range(11)]
        await own(world, ALICE, "Portal", "Ёж")
        await play(world, ALICE, *visits, Visit(game="Ёж", start=NOON + 12 * HOUR))

        played = await world.reader.item(ALICE, game_id("Portal"), now=LATER)

        assert played is not None
        assert played.playtime_sessions == [
            RecentSession(
                id=visit.id, start_time=visit.start, end_time=visit.end, duration_seconds=visit.duration
            )
            for visit in reversed(visits[1:])
        ]

    async def test_an_item_that_was_never_played_shows_no_sessions(self, world: World) -> None:
        await own(world, ALICE, "Portal")

        unplayed = await world.reader.item(ALICE, game_id("Portal"), now=LATER)

        assert unplayed is not None
        assert unplayed.playtime_sessions == []

    async def test_playing_moves_a_game_between_collections_and_up_the_list(self, world: World) -> None:
        await own(world, ALICE, "Portal", "Ёж", "Rangers")
        await play(world, ALICE, Visit(game="Portal", start=NOON, awake=3))
        await play(world, ALICE, Visit(game="Ёж", start=NOON + 40 * DAY, awake=1))

        async def shown(collection: Collection | None = None, **asked: Any) -> list[LibraryItem]:
            query = LibraryQuery(filter=LibraryFilter(collection=collection), **asked)
            return (await world.reader.page(ALICE, query, now=NOON + 41 * DAY)).items

        (unplayed,) = await shown(Collection.UNPLAYED)
        (recent,) = await shown(Collection.RECENT)
        by_time = await shown(sort=LibrarySort.LAST_PLAYED_AT, order=Order.DESC)
        by_playtime = await shown(sort=LibrarySort.TOTAL_PLAYTIME, order=Order.DESC)

        assert (unplayed.name, unplayed.total_playtime_seconds, unplayed.last_played_at) == (
            "Rangers",
            0,
            None,
        )
        assert (recent.name, recent.total_playtime_seconds) == ("Ёж", 1_200)
        assert recent.last_played_at == NOON + 40 * DAY + HOUR
        assert [item.name for item in by_time] == ["Ёж", "Portal", "Rangers"]
        assert [item.name for item in by_playtime] == ["Portal", "Ёж", "Rangers"]
