"""An event has its effect once (contract 6)."""

from collections.abc import Awaitable, Callable

from library_adapters.kafka import Outcome
from library_consumers.application import Application
from library_consumers.events.decoding import Envelope
from library_domain.shared.ids import UserId
from library_domain.shared.ports import EventClaim

CONSUMER = "library"
"""Our name in the inbox."""


async def once(
    application: Application, envelope: Envelope, user_id: UserId, effect: Callable[[], Awaitable[object]]
) -> Outcome:
    """Do what the event asks for, in the transaction that takes its id into the inbox; do nothing for one that is there.

    Raises whatever `effect` raises; then the inbox does not have it either.
    """
    claim = EventClaim(user_id=user_id, consumer=CONSUMER, event_id=envelope.event_id)
    async with application.once(claim) as claimed:
        if claimed.replay is not None:
            return Outcome.DUPLICATE
        await effect()
    return Outcome.PROCESSED
