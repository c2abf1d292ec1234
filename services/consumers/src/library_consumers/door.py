"""The door for events: decodes a message, says who acts, calls the handler, judges failures."""

from collections.abc import Mapping

from loguru import logger

from library_adapters.kafka import Outcome, Record, Verdict
from library_adapters.telemetry import DoorMetrics
from library_consumers.application import Application
from library_consumers.events.decoding import decode_data, decode_envelope
from library_consumers.events.routes import Routes
from library_domain.library.errors import LimitReached
from library_domain.shared.access import Role
from library_domain.shared.caller import Caller, acting
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DomainError, IdempotencyInProgress, Kind, UserErased

_BY_KIND: Mapping[Kind, Verdict] = {
    Kind.UNAVAILABLE: Verdict.RETRY,
    Kind.CONFLICT: Verdict.RETRY_SOME,
    Kind.INVALID: Verdict.DEAD_LETTER,
    Kind.UNPROCESSABLE: Verdict.DEAD_LETTER,
    Kind.NOT_FOUND: Verdict.DEAD_LETTER,
    Kind.FORBIDDEN: Verdict.DEAD_LETTER,
    Kind.UNAUTHENTICATED: Verdict.DEAD_LETTER,
}
_BY_TYPE: Mapping[type[DomainError], Verdict] = {
    IdempotencyInProgress: Verdict.RETRY,  # another process has the same event in hand
    LimitReached: Verdict.DEAD_LETTER,  # waiting makes no room
    UserErased: Verdict.SKIP,  # and a dead letter would keep what was erased (data 29)
}


def judge(error: Exception) -> Verdict:
    """Return what a failure means for its message (style 18)."""
    if not isinstance(error, DomainError):
        return Verdict.RETRY_SOME
    return _BY_TYPE.get(type(error)) or _BY_KIND[error.kind]


class Door:
    """Handles messages of every topic that has routes."""

    def __init__(
        self, application: Application, *, routes: Routes, clock: Clock, metrics: DoorMetrics
    ) -> None:
        self._application = application
        self._routes = routes
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, record: Record) -> Outcome:
        """Handle one message. Raises Poison for a bad one, and whatever its handler raises."""
        envelope = decode_envelope(record.value)
        route = self._routes[record.topic].get(envelope.event_type)
        if route is None:
            logger.bind(event_type=envelope.event_type).debug("an event of an unknown type is skipped")
            return Outcome.SKIPPED

        caller = Caller(roles=frozenset({Role.SYSTEM}), request_id=str(envelope.event_id))
        with acting(caller), self._metrics.measure(envelope.event_type):
            data = decode_data(envelope, route.data)
            return await route.handle(self._application, envelope, data, self._clock.now())
