"""Give messages that were refused for good another chance, once a person has removed the reason (contract 6)."""

from dataclasses import dataclass
from uuid import UUID

from library_domain.outbox.ports import ParkedMessages

MAX_REPLAYED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayParked:
    """Put these back, or all; of those at most the oldest MAX_REPLAYED are seen."""

    event_ids: frozenset[UUID] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayParkedResult:
    """What is on its way again, and which ids are not parked."""

    replayed: tuple[UUID, ...]
    missing: frozenset[UUID]


class ReplayParkedHandler:
    """Put messages back into the outbox under their old ids; consumers that had one of them know it by its id.

    Later events of the same user may be out already: `sequence` tells consumers which is newer.
    """

    def __init__(self, *, parked: ParkedMessages) -> None:
        self._parked = parked

    async def __call__(self, command: ReplayParked) -> ReplayParkedResult:
        wanted = command.event_ids
        found = [each.message for each in await self._parked.oldest(limit=MAX_REPLAYED)]
        chosen = [message for message in found if wanted is None or message.id in wanted]
        replayed = tuple([message.id for message in chosen if await self._parked.put_back(message)])
        return ReplayParkedResult(replayed=replayed, missing=(wanted or frozenset()) - set(replayed))
