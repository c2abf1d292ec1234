"""Withdraw access that has run out (contract 4.1): what no job has noticed, the sweeper finds."""

from dataclasses import dataclass

from library_domain.library.ports import END_WITHDRAWN, LibraryUnitOfWork, OutdatedEntries
from library_domain.shared.clock import Clock
from library_domain.shared.errors import UserErased


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireAccess:
    """Deal with at most `limit` entries."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireAccessResult:
    """How many entries were brought up to date, and whether there may be others."""

    refreshed: int
    more: bool


class ExpireAccessHandler:
    """One batch: candidates are found without locks, then dealt with user by user under the mutex (data 9 and 27).

    Several at once harm nobody: whoever comes second finds the entry as it must be.
    """

    def __init__(self, *, outdated: OutdatedEntries, uow: LibraryUnitOfWork, clock: Clock) -> None:
        self._outdated = outdated
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: ExpireAccess) -> ExpireAccessResult:
        now = self._clock.now()
        found = await self._outdated.find(now=now, limit=command.limit)
        refreshed = 0
        for user_id, game_ids in found.items():
            try:
                async with self._uow.begin(user_id) as tx:
                    entries = await tx.library.entries(user_id, tuple(game_ids))
                    games = await tx.games.known(tuple(entries))
                    for game_id, entry in entries.items():
                        entry.refresh(now=now, game_name=games[game_id].name if game_id in games else None)
                    changed = [entry for entry in entries.values() if entry.is_changed]
                    await tx.library.save(*changed)
                    if any(entry.lost_access for entry in changed):
                        await tx.jobs.enqueue(END_WITHDRAWN, [str(user_id)])
                    tx.record(*(event for entry in changed for event in entry.events))
            except UserErased:
                # Since a moment ago; whoever erases the user deletes the entries too.
                continue
            refreshed += len(changed)
        return ExpireAccessResult(refreshed=refreshed, more=sum(map(len, found.values())) == command.limit)
