"""End what nobody ended: sessions that are over by their own rules (contract 4.2; data 8 and 9)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from library_domain.playtime.model import EndReason, SessionRecord
from library_domain.playtime.ports import FoundSession, PlaytimeUnitOfWork, StaleSessions
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable, UserErased
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSessions:
    """Deal with at most `limit` sessions beyond `after`, of users whose id is less than `before`."""

    limit: int
    after: FoundSession | None = None
    before: UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSessionsResult:
    """What was ended, by reason; how late each of them was; and behind which session to go on, None at the end."""

    ended: Mapping[EndReason, int]
    busy: int
    """How many were skipped because somebody else held the user's mutex; the next pass finds them again."""
    lateness: Sequence[timedelta]
    failed: Sequence[tuple[FoundSession, Exception]]
    """Those that could not be ended, each with its error; the rest of the batch was ended all the same."""
    next_after: FoundSession | None


class SweepSessionsHandler:
    """One batch: candidates are found without locks, then ended user by user, by the session's own rule.

    Several at once harm nobody, and a client that ends its session at the same moment either finds it ended or was first.

    Raises DependencyUnavailable when the database is away.
    """

    def __init__(self, *, stale: StaleSessions, uow: PlaytimeUnitOfWork, clock: Clock) -> None:
        self._stale = stale
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: SweepSessions) -> SweepSessionsResult:
        now = self._clock.now()
        found = await self._stale.find(
            now=now, after=command.after, before=command.before, limit=command.limit
        )
        ended: Counter[EndReason] = Counter()
        lateness: list[timedelta] = []
        failed: list[tuple[FoundSession, Exception]] = []
        busy = 0
        for each in found:
            try:
                async with self._uow.begin_if_free(each.user_id) as tx:
                    if tx is None:
                        busy += 1
                        continue
                    session = await tx.sessions.running(each.user_id, each.session_id)
                    if session is None or session.over(now) is None:
                        continue
                    games = await tx.games.known((session.game_id,))
                    record = await tx.sessions.close(session.end(now, EndReason.TIMEOUT))
                    name = games[session.game_id].name if session.game_id in games else None
                    tx.record(*record.events(now=now, game_name=name))
            except UserErased:
                # Since a moment ago; whoever erases the user deletes the session too.
                continue
            except Exception as error:  # noqa: BLE001 - told to the caller, who logs it
                if isinstance(error, DependencyUnavailable):
                    # Either the database is away, and says so again, or it is this one's: its row is locked by somebody
                    # who takes no mutex, or its month has no partition yet.
                    await self._stale.find(now=now, after=each, before=command.before, limit=1)
                failed.append((each, error))
                continue
            ended[record.session.reason] += 1
            lateness.append(_lateness(record, now))
        return SweepSessionsResult(
            ended=ended,
            busy=busy,
            lateness=lateness,
            failed=failed,
            next_after=found[-1] if len(found) == command.limit else None,
        )


def _lateness(record: SessionRecord, now: datetime) -> timedelta:
    return max(timedelta(), now - record.session.over_since)
