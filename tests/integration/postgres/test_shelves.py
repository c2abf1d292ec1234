"""`verify` finds what does not fit, and nothing where all fits (reliability I1 to I3)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from builders import a_dlc, a_game, a_purchase, event_id, game_id, user_id
from conftest import postgres_settings
from contract.worlds import PostgresWorld
from fakes.clock import FakeClock, SequentialIds

from library_adapters.postgres.ledgers import PostgresLedgers
from library_adapters.postgres.pool import open_pool
from library_adapters.postgres.shelves import PostgresShelves, PostgresUsers
from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.verify_users import VerifyUsers, VerifyUsersHandler
from library_domain.library.model import DownloadReport, InstallationStatus, SubscriptionStatus
from library_domain.library.use_cases.apply_subscription import ApplySubscription, ApplySubscriptionHandler
from library_domain.library.use_cases.change_subscription import ChangeSubscription, ChangeSubscriptionHandler
from library_domain.library.use_cases.record_installation import RecordInstallation, RecordInstallationHandler
from library_domain.library.use_cases.refund_purchase import RefundPurchase, RefundPurchaseHandler
from library_domain.shared.ids import GameId, UserId

ALICE, BOB, CAROL = (user_id(name) for name in ("alice", "bob", "carol"))
PORTAL, BRAID, HADES = (game_id(name) for name in ("Portal 2", "Braid", "Hades"))
DAY = timedelta(days=1)


class Library(PostgresWorld):
    """A world with what users did in it, and a look at all of it."""

    def __init__(self, pool: Any, settings: Any, *, clock: FakeClock, ids: SequentialIds) -> None:
        super().__init__(pool, settings, clock=clock, ids=ids)
        self.clock = clock
        self._ids = ids
        self._verify = verifier(pool, clock)

    async def fill(self) -> None:
        """Let three users buy, install, subscribe and refund."""
        uow, clock, ids = self.uow, self.clock, self._ids
        async with uow.begin() as tx:
            await tx.games.save([a_game("Portal 2"), a_game("Braid"), a_dlc("Art book", of="Portal 2")])
        add = AddToLibraryHandler(uow=uow, clock=clock, ids=ids)
        for user in ("alice", "bob"):
            await add(a_purchase("Portal 2", by=user, dlc=(game_id("Art book"),), transaction_id=f"t-{user}"))
            await add(a_purchase("Braid", by=user, transaction_id=f"braid-{user}"))
        record = RecordInstallationHandler(uow=uow, clock=clock)
        for number, status in enumerate((InstallationStatus.INSTALLED, InstallationStatus.INSTALLING)):
            report = DownloadReport(
                status=status,
                event_time=clock.now() + number * DAY,
                event_id=event_id(f"report {number}"),
                device_id=f"device {number}",
                platform=Platform.LINUX,
            )
            await record(RecordInstallation(user_id=ALICE, game_id=PORTAL, report=report))
        await ChangeSubscriptionHandler(uow=uow, clock=clock)(
            ChangeSubscription(
                user_id=CAROL,
                subscription_id="pass",
                status=SubscriptionStatus.ACTIVE,
                games=frozenset({BRAID, HADES}),
                expires_at=clock.now() + DAY,
                event_id=event_id("pass"),
                event_time=clock.now(),
            )
        )
        await ApplySubscriptionHandler(uow=uow, clock=clock, ids=ids)(
            ApplySubscription(user_id=CAROL, subscription_id="pass")
        )
        await RefundPurchaseHandler(uow=uow, clock=clock)(
            RefundPurchase(
                user_id=BOB,
                transaction_id="braid-bob",
                game_id=None,
                dlc=(),
                event_id=event_id("refund"),
                event_time=clock.now(),
            )
        )

    async def spoil(self, statement: Any) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(statement)

    async def verify(self, *, limit: int = 2) -> set[tuple[Any, Any, str]]:
        found = set()
        query: VerifyUsers | None = VerifyUsers(limit=limit)
        while query is not None:
            result = await self._verify(query)
            found |= {(each.user_id, each.game_id, each.what) for each in result.found}
            query = VerifyUsers(after=result.next_after, limit=limit) if result.next_after else None
        return found


def verifier(pool: Any, clock: FakeClock) -> VerifyUsersHandler:
    return VerifyUsersHandler(
        users=PostgresUsers(pool), shelves=PostgresShelves(pool), ledgers=PostgresLedgers(pool), clock=clock
    )


def showing(user: UserId, game: GameId, members: str) -> str:
    """Return the statement that makes an entry show something else."""
    return f"UPDATE user_libraries SET {members} WHERE user_id = '{user}' AND game_id = '{game}'"


@pytest.fixture
async def library(database: str, clock: FakeClock, ids: SequentialIds) -> AsyncIterator[Library]:
    settings = postgres_settings(database)
    async with open_pool(settings) as pool:
        library = Library(pool, settings, clock=clock, ids=ids)
        await library.fill()
        yield library


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_all_fits_whatever_users_did(library: Library, limit: int) -> None:
    assert await library.verify(limit=limit) == set()


async def test_what_ran_out_is_late_only_after_a_while(library: Library, clock: FakeClock) -> None:
    clock.advance(DAY + timedelta(minutes=5))
    assert await library.verify() == set()

    clock.advance(timedelta(minutes=5))

    assert await library.verify() == {(CAROL, BRAID, "shown_until"), (CAROL, HADES, "shown_until")}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            showing(ALICE, BRAID, "acquisition_type = 'gift'"),
            {(ALICE, BRAID, "acquisition_type")},
        ),
        (
            showing(ALICE, BRAID, "revoked_at = '2026-11-23', revoke_reason = 'refunded'"),
            {(ALICE, BRAID, "revoked_at"), (ALICE, BRAID, "revoke_reason"), (ALICE, None, "total")},
        ),
        (
            showing(BOB, BRAID, "revoked_at = NULL, revoke_reason = NULL, access_expires_at = NULL"),
            {(BOB, BRAID, "revoked_at"), (BOB, BRAID, "revoke_reason"), (BOB, None, "total")},
        ),
        (
            showing(ALICE, PORTAL, "installation_status = 'failed', install_device_id = 'device 1'"),
            {(ALICE, PORTAL, "installation_status"), (ALICE, PORTAL, "install_device_id")},
        ),
        (
            f"DELETE FROM user_installations WHERE user_id = '{ALICE}'",
            {
                (ALICE, PORTAL, what)
                for what in ("installation_status", "install_device_id", "platform", "install_event_at")
            },
        ),
        (
            f"DELETE FROM user_libraries WHERE user_id = '{ALICE}' AND game_id = '{PORTAL}'",
            {(ALICE, PORTAL, "entry")},
        ),
        (
            f"DELETE FROM library_grants WHERE user_id = '{ALICE}' AND game_id = '{BRAID}'",
            {(ALICE, BRAID, "rights"), (ALICE, None, "total")},
        ),
        (
            showing(CAROL, HADES, "revision = 99"),
            {(CAROL, HADES, "revision")},
        ),
    ],
)
async def test_what_does_not_fit_is_found(
    library: Library, statement: str, found: set[tuple[Any, Any, str]]
) -> None:
    await library.spoil(statement)

    assert await library.verify() == found


async def test_nothing_is_written(library: Library) -> None:
    await library.spoil("ALTER DATABASE tests SET default_transaction_read_only = on")
    try:
        async with open_pool(library.settings) as pool:
            result = await verifier(pool, library.clock)(VerifyUsers(limit=100))
    finally:
        await library.spoil("ALTER DATABASE tests RESET default_transaction_read_only")

    assert (result.verified, result.found) == (3, ())
