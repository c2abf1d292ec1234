"""Libraries as the suites of the library's ports need them."""

from datetime import datetime, timedelta

from builders import NOON, a_grant, a_purchase, game_id, user_id
from contract.worlds import World

from library_domain.catalog.model import Game, ProductType
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import AcquisitionType, Grant, LibraryEntry
from library_domain.library.queries import LibraryQuery
from library_domain.shared.ids import UserId
from library_domain.shared.paging import Page

ALICE = user_id("alice")


LATER = NOON + timedelta(hours=1)


async def learn(world: World, *games: Game) -> None:
    async with world.uow.begin() as tx:
        await tx.games.save(list(games))


async def names(world: World, user: UserId, page: Page = Page()) -> list[str | None]:  # noqa: B008
    shown = await world.reader.page(user, LibraryQuery(page=page), now=NOON)
    return [item.name for item in shown.items]


async def epoch(world: World, at: datetime) -> int:
    return (await world.reader.version(ALICE, now=at)).epoch


async def grants_of(world: World, game: str) -> list[Grant]:
    """Return every right that Alice has to the game, live or not."""
    async with world.uow.begin(ALICE) as tx:
        return (await tx.library.entries(ALICE, (game_id(game),)))[game_id(game)].grants


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
