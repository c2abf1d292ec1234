"""Add a purchased game and its DLC to the buyer's library (contract 4.1; spec flow 1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from library_domain.catalog.model import Game, ProductType
from library_domain.catalog.ports import GameReader
from library_domain.library.model import AcquisitionType, Grant, LibraryEntry, source_of_transaction
from library_domain.library.ports import END_WITHDRAWN, LibraryRepository, RefundRepository
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, IdSource, UserId
from library_domain.shared.money import Money
from library_domain.shared.ports import JobQueue, Recorder, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToLibrary:
    """A completed purchase, as the event tells it (details 3.1)."""

    user_id: UserId
    game_id: GameId
    acquisition_type: AcquisitionType
    transaction_id: str
    purchase_type: str
    event_id: UUID
    event_time: datetime
    purchased_at: datetime
    product_type: ProductType | None = None
    price: Money | None = None
    gifted_by: UserId | None = None
    dlc: tuple[GameId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToLibraryResult:
    """What the purchase brought: the products that the user could not play before."""

    added: tuple[GameId, ...]


class AddToLibraryTransaction(Recorder, Protocol):
    """The part of a transaction that this flow needs."""

    @property
    def library(self) -> LibraryRepository:
        """Entries and rights."""
        ...

    @property
    def refunds(self) -> RefundRepository:
        """What was refunded before it was bought, as it seems from here."""
        ...

    @property
    def games(self) -> GameReader:
        """Names and kinds."""
        ...

    @property
    def jobs(self) -> JobQueue:
        """The queue of later work."""
        ...


AddToLibraryUnitOfWork = UnitOfWork[AddToLibraryTransaction]


class AddToLibraryHandler:
    """Give the buyer a right to the game and to each DLC.

    The same transaction adds nothing twice, in whatever order and however often its event arrives; a newer event of it
    may describe it anew. What was refunded already is added without a right to it, as if the refund had come later. The
    purchase is announced once: by the game, naming its DLC; by the DLC themselves where the game was there before.
    """

    def __init__(self, *, uow: AddToLibraryUnitOfWork, clock: Clock, ids: IdSource) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: AddToLibrary) -> AddToLibraryResult:
        now = self._clock.now()
        dlc_ids = tuple(sorted(set(command.dlc) - {command.game_id}))

        async with self._uow.begin(command.user_id) as tx:
            games = await tx.games.known((command.game_id, *dlc_ids))
            refunds = await tx.refunds.of(command.user_id, command.transaction_id)
            grants = {
                product_id: refunds.applied(product_id, self._grant(command, product_id))
                for product_id in (command.game_id, *dlc_ids)
            }
            entries = await tx.library.entries(command.user_id, (command.game_id, *dlc_ids))
            for product_id, grant in grants.items():
                if product_id not in entries:
                    entries[product_id] = self._open(command, product_id, grant, games, now)

            base = entries[command.game_id]
            base_added = base.add(
                grants[command.game_id],
                now=now,
                game_name=_name(games, command.game_id),
                dlc=tuple(dlc_id for dlc_id in dlc_ids if entries[dlc_id].is_brought_by(grants[dlc_id], now)),
            )
            added = [command.game_id] if base_added else []
            for dlc_id in dlc_ids:
                dlc_added = entries[dlc_id].add(
                    grants[dlc_id],
                    now=now,
                    game_name=_name(games, dlc_id),
                    came_with=command.game_id if base_added else None,
                )
                added += [dlc_id] if dlc_added else []

            in_order = [entries[product_id] for product_id in sorted(entries)]
            await tx.library.save(*in_order)
            if any(entry.lost_access for entry in in_order):
                # It was noticed here that another right ran out, and this one is refunded already.
                await tx.jobs.enqueue(END_WITHDRAWN, [str(command.user_id)])
            tx.record(*(event for entry in in_order for event in entry.events))
        return AddToLibraryResult(added=tuple(added))

    def _open(
        self,
        command: AddToLibrary,
        product_id: GameId,
        grant: Grant,
        games: Mapping[GameId, Game],
        now: datetime,
    ) -> LibraryEntry:
        declared = command.product_type if product_id == command.game_id else ProductType.DLC
        described = games.get(product_id)
        kind = described.product_type if described is not None else declared or ProductType.GAME
        return LibraryEntry.open(
            entry_id=self._ids.new(),
            user_id=command.user_id,
            game_id=product_id,
            product_type=kind,
            grant=grant,
            now=now,
        )

    @staticmethod
    def _grant(command: AddToLibrary, product_id: GameId) -> Grant:
        """Make the right that this purchase gives; the price is the whole purchase's and stays with the game."""
        return Grant(
            acquisition_type=command.acquisition_type,
            source_id=source_of_transaction(command.acquisition_type, command.transaction_id),
            granted_at=command.purchased_at,
            event_time=command.event_time,
            event_id=command.event_id,
            transaction_id=command.transaction_id,
            purchase_type=command.purchase_type,
            price=command.price if product_id == command.game_id else None,
            gifted_by=command.gifted_by,
        )


def _name(games: Mapping[GameId, Game], game_id: GameId) -> str | None:
    game = games.get(game_id)
    return None if game is None else game.name
