"""Which event of which topic goes where. A row more is an event more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from library_adapters.kafka import Outcome
from library_consumers.application import Application
from library_consumers.events import account, catalog, download, payment
from library_consumers.events.decoding import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one type of event is understood and handled."""

    data: type[Any]
    handle: Callable[[Application, Envelope, Any, datetime], Awaitable[Outcome]]


Routes = Mapping[str, Mapping[str, Route]]
"""Topic to event type to route."""

ROUTES: Routes = {
    "payment-events": {
        "payment.purchase.completed": Route(
            data=payment.PurchaseCompleted, handle=payment.purchase_completed
        ),
        "payment.purchase.refunded": Route(data=payment.PurchaseRefunded, handle=payment.purchase_refunded),
        "payment.subscription.changed": Route(
            data=payment.SubscriptionChanged, handle=payment.subscription_changed
        ),
    },
    "catalog-events": {
        "catalog.game.updated": Route(data=catalog.GameUpdated, handle=catalog.game_updated),
        "catalog.achievement.updated": Route(
            data=catalog.AchievementUpdated, handle=catalog.achievement_updated
        ),
        "catalog.price.changed": Route(data=catalog.PriceChanged, handle=catalog.price_changed),
    },
    "download-events": {
        event_type: Route(data=data, handle=download.reported) for event_type, data in download.DATA.items()
    },
    "account-events": {
        "account.user.deleted": Route(data=account.UserDeleted, handle=account.user_deleted),
    },
}
