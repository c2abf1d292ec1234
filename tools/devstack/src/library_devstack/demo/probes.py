"""Purchases that are made by hand, or to be watched."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from library_adapters.system import Uuid7Source
from library_devstack.events import Envelope, purchase_completed


def probe_purchase(
    *, user_id: UUID, game_id: UUID, purchase_type: str = "direct", dlc: Sequence[UUID] = ()
) -> Envelope:
    """Return a purchase of this moment, with an id and a transaction of its own."""
    event_id = Uuid7Source().new()
    return purchase_completed(
        event_id=event_id,
        user_id=user_id,
        game_id=game_id,
        transaction_id=f"probe-{event_id}",
        at=datetime.now(UTC),
        purchase_type=purchase_type,
        dlc=dlc,
    )
