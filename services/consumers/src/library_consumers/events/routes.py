"""Which event of which topic goes where. A row more is an event more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from library_adapters.kafka import Outcome
from library_consumers.application import Application
from library_consumers.events.decoding import Envelope
from library_consumers.events.payment import PurchaseCompleted, purchase_completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one type of event is understood and handled."""

    data: type[Any]
    handle: Callable[[Application, Envelope, Any, datetime], Awaitable[Outcome]]


Routes = Mapping[str, Mapping[str, Route]]
"""Topic to event type to route."""

ROUTES: Routes = {
    "payment-events": {
        "payment.purchase.completed": Route(data=PurchaseCompleted, handle=purchase_completed),
    },
}
