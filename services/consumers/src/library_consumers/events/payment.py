"""The topic `payment-events` (details 3.1)."""

from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec

from library_adapters.kafka import Outcome
from library_consumers.application import Application
from library_consumers.events.decoding import Envelope
from library_consumers.events.effect import once
from library_consumers.events.members import (
    Amount,
    Aware,
    Currency,
    Text,
    game,
    money,
    normal,
    plausible_time,
    time_to_come,
    user,
)
from library_domain.catalog.model import ProductType
from library_domain.catalog.use_cases.learn_games import LearnGames
from library_domain.flows.add_to_library import AddToLibrary
from library_domain.library.model import MAX_SUBSCRIPTION_GAMES, AcquisitionType, SubscriptionStatus
from library_domain.library.use_cases.change_subscription import ChangeSubscription
from library_domain.library.use_cases.refund_purchase import RefundPurchase
from library_domain.shared.ids import UserId

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
DLC = Annotated[tuple[UUID, ...], msgspec.Meta(max_length=MAX_DLC)]


class PaidPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid."""

    amount: Amount
    currency: Currency = "RUB"


class PurchaseCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """A product was bought, given or taken for free; unknown members are allowed."""

    user_id: UUID
    game_id: UUID
    transaction_id: Text
    purchase_type: PurchaseType
    product_type: ProductType | None = None
    price: PaidPrice | None = None
    dlc: DLC | None = None
    gifted_by: UUID | None = None
    purchased_at: Aware | None = None


class PurchaseRefunded(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase was taken back; without `game_id` and `dlc`, all of it. It may come before its purchase."""

    user_id: UUID
    transaction_id: Text
    game_id: UUID | None = None
    dlc: DLC | None = None


class SubscriptionChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The whole new state of a subscription: a game that is not in it any more is not given by it any more."""

    user_id: UUID
    subscription_id: Text
    status: SubscriptionStatus
    games: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=MAX_SUBSCRIPTION_GAMES)]
    expires_at: Aware


async def purchase_completed(
    application: Application, envelope: Envelope, data: PurchaseCompleted, now: datetime
) -> Outcome:
    """Add what was bought to the buyer's library."""
    command = _add_to_library(envelope, data, now)
    # Outside the transaction, for it may ask Catalog; what is known already costs one read.
    await application.learn_games(
        LearnGames(game_id=command.game_id, product_type=command.product_type, dlc=command.dlc)
    )
    return await once(application, envelope, command.user_id, partial(application.add_to_library, command))


async def purchase_refunded(
    application: Application, envelope: Envelope, data: PurchaseRefunded, now: datetime
) -> Outcome:
    """Take back what the purchase gave, or will give once it comes."""
    command = RefundPurchase(
        user_id=user(data.user_id),
        transaction_id=normal(data.transaction_id, member="data.transaction_id"),
        game_id=None if data.game_id is None else game(data.game_id),
        dlc=tuple(game(each, member="data.dlc") for each in data.dlc or ()),
        event_id=envelope.event_id,
        event_time=plausible_time(envelope.timestamp, member="timestamp", now=now),
    )
    return await once(application, envelope, command.user_id, partial(application.refund_purchase, command))


async def subscription_changed(
    application: Application, envelope: Envelope, data: SubscriptionChanged, now: datetime
) -> Outcome:
    """Keep the new state; a job brings the library in line with it, for that may be thousands of rows (data 20)."""
    command = ChangeSubscription(
        user_id=user(data.user_id),
        subscription_id=normal(data.subscription_id, member="data.subscription_id"),
        status=data.status,
        games=frozenset(game(each, member="data.games") for each in data.games),
        expires_at=time_to_come(data.expires_at, member="data.expires_at"),
        event_id=envelope.event_id,
        event_time=plausible_time(envelope.timestamp, member="timestamp", now=now),
    )
    return await once(
        application, envelope, command.user_id, partial(application.change_subscription, command)
    )


def _add_to_library(envelope: Envelope, data: PurchaseCompleted, now: datetime) -> AddToLibrary:
    """Translate. Raises Poison `invalid_data`."""
    event_time = plausible_time(envelope.timestamp, member="timestamp", now=now)
    purchased_at = event_time
    if data.purchased_at is not None:
        purchased_at = plausible_time(data.purchased_at, member="data.purchased_at", now=now)
    price = data.price
    return AddToLibrary(
        user_id=user(data.user_id),
        game_id=game(data.game_id),
        acquisition_type=_ACQUISITION[data.purchase_type],
        transaction_id=normal(data.transaction_id, member="data.transaction_id"),
        purchase_type=data.purchase_type,
        event_id=envelope.event_id,
        event_time=event_time,
        purchased_at=purchased_at,
        product_type=data.product_type,
        price=None if price is None else money(price.amount, price.currency, within="data.price"),
        gifted_by=None if data.gifted_by is None else UserId(data.gifted_by),
        dlc=tuple(game(each, member="data.dlc") for each in data.dlc or ()),
    )
