"""The topic `payment-events` (details 3.1)."""

import unicodedata
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from library_adapters.kafka import Outcome, Poison
from library_consumers.application import Application
from library_consumers.events.decoding import MAX_TEXT, Aware, Envelope, Text, plausible_time
from library_domain.catalog.model import ProductType
from library_domain.catalog.use_cases.learn_games import LearnGames
from library_domain.flows.add_to_library import AddToLibrary
from library_domain.library.model import AcquisitionType
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import NO_USER, GameId, UserId
from library_domain.shared.money import Money
from library_domain.shared.ports import EventClaim

CONSUMER = "library"
"""Our name in the inbox."""
MAX_DLC = 200


class PurchaseType(StrEnum):
    """How a product was bought, in Payment's words."""

    DIRECT = "direct"
    GIFT = "gift"
    SUBSCRIPTION = "subscription"
    FREE = "free"


_ACQUISITION = {
    PurchaseType.DIRECT: AcquisitionType.PURCHASE,
    PurchaseType.GIFT: AcquisitionType.GIFT,
    PurchaseType.SUBSCRIPTION: AcquisitionType.SUBSCRIPTION,
    PurchaseType.FREE: AcquisitionType.FREE,
}


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid."""

    # Python's Decimal would also read "1_0", " 1" and digits of other scripts.
    amount: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,10}(\.[0-9]{1,2})?\Z")] | int | float
    """A number, or one as text."""
    currency: str = "RUB"


class PurchaseCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """`data` of `payment.purchase.completed`; unknown members are allowed."""

    user_id: UUID
    game_id: UUID
    transaction_id: Text
    purchase_type: PurchaseType
    product_type: ProductType | None = None
    price: Price | None = None
    dlc: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=MAX_DLC)] | None = None
    gifted_by: UUID | None = None
    purchased_at: Aware | None = None


async def purchase_completed(
    application: Application, envelope: Envelope, data: PurchaseCompleted, now: datetime
) -> Outcome:
    """Add what was bought to the buyer's library, once however often the event comes."""
    command = _add_to_library(envelope, data, now)
    # Outside the transaction, for it may ask Catalog; what is known already costs one read.
    await application.learn_games(
        LearnGames(game_id=command.game_id, product_type=command.product_type, dlc=command.dlc)
    )
    claim = EventClaim(user_id=command.user_id, consumer=CONSUMER, event_id=command.event_id)
    async with application.once(claim) as once:
        if once.replay is not None:
            return Outcome.DUPLICATE
        await application.add_to_library(command)
    return Outcome.PROCESSED


def _add_to_library(envelope: Envelope, data: PurchaseCompleted, now: datetime) -> AddToLibrary:
    """Translate. Raises Poison `invalid_data`."""
    if data.user_id == NO_USER:
        raise Poison("invalid_data", "data.user_id is nobody")
    event_time = plausible_time(envelope.timestamp, member="timestamp", now=now)
    purchased_at = event_time
    if data.purchased_at is not None:
        purchased_at = plausible_time(data.purchased_at, member="data.purchased_at", now=now)
    return AddToLibrary(
        user_id=UserId(data.user_id),
        game_id=GameId(data.game_id),
        acquisition_type=_ACQUISITION[data.purchase_type],
        transaction_id=_normal(data.transaction_id, member="data.transaction_id"),
        purchase_type=data.purchase_type,
        event_id=envelope.event_id,
        event_time=event_time,
        purchased_at=purchased_at,
        product_type=data.product_type,
        price=None if data.price is None else _money(data.price),
        gifted_by=None if data.gifted_by is None else UserId(data.gifted_by),
        dlc=tuple(GameId(each) for each in data.dlc or ()),
    )


def _normal(text: str, *, member: str) -> str:
    """Return the text in NFC, in which some characters become three: what was short enough need not be any more."""
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > MAX_TEXT:
        raise Poison("invalid_data", f"{member} is longer than {MAX_TEXT} characters in NFC")
    return normal


def _money(price: Price) -> Money:
    try:
        # Through text: a float is the decimal that was sent, not its binary neighbour.
        return Money(Decimal(str(price.amount)), price.currency)
    except ValidationFailed as error:
        where, why = error.details["field"], error.details["reason"]
        raise Poison("invalid_data", f"data.price.{where}: {why}") from error
