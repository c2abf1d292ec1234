"""A player as the model sees one, and the search for an order in which what happened at once explains all that is seen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from timeline import ACTIVE, ASLEEP, AWAY, DAY, SECOND, End, Timeline

from library_domain.playtime.model import SessionId
from library_domain.shared.ids import GameId

Answer = tuple[Any, ...]
UNKNOWN: Answer = ("unknown",)
NOTHING: Answer = ("nothing",)


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What somebody asked for one player's session, at what time by the clock of whoever did it, and the answer."""

    kind: Literal["start", "beat", "end", "sweep"]
    now: datetime
    answer: Answer | None
    """None: nobody knows whether it was done."""
    session: SessionId | None
    """The session that it is about; of a start the id that was minted for it."""
    game: GameId | None = None
    device: str = ""
    takeover: bool = False
    idle: int = 0
    suspended: int = 0


@dataclass(kw_only=True)
class Books:
    """What is stored of a player: as the model has it, or as it was read. Two that are equal tell the same."""

    live: dict[SessionId, tuple[Any, ...]] = field(default_factory=dict)
    leases: dict[GameId, SessionId] = field(default_factory=dict)
    records: dict[SessionId, tuple[Any, ...]] = field(default_factory=dict)
    days: dict[tuple[date, GameId], tuple[int, int, int]] = field(default_factory=dict)
    """Seconds, sessions, the longest of them."""
    months: dict[tuple[int, int, GameId], tuple[int, int, int]] = field(default_factory=dict)
    items: dict[GameId, tuple[int, datetime]] = field(default_factory=dict)
    recent: dict[GameId, list[tuple[Any, ...]]] = field(default_factory=dict)
    """The last ten that ended, the latest first: id, start, end, seconds."""
    told: Counter[tuple[str, SessionId]] = field(default_factory=Counter)
    """How often each fact was published."""


@dataclass(kw_only=True)
class Live:
    session: SessionId
    device: str
    time: Timeline

    def copy(self) -> "Live":
        return Live(session=self.session, device=self.device, time=self.time.copy())


@dataclass(frozen=True, kw_only=True)
class Record:
    game: GameId
    device: str
    end: End
    total: int


@dataclass(kw_only=True)
class Player:
    live: dict[GameId, Live] = field(default_factory=dict)
    records: dict[SessionId, Record] = field(default_factory=dict)
    last_end: dict[GameId, datetime] = field(default_factory=dict)

    def copy(self) -> "Player":
        return Player(
            live={game: live.copy() for game, live in self.live.items()},
            records=dict(self.records),
            last_end=dict(self.last_end),
        )

    def do(self, deed: Deed) -> Answer:
        """Do it; return what is to be answered."""
        if deed.kind == "start":
            return self._start(deed)
        found = next(((game, live) for game, live in self.live.items() if live.session == deed.session), None)
        if found is None:
            return NOTHING if deed.kind == "sweep" else self._ended(deed)
        game, live = found
        is_over = live.time.broken(deed.now) is not None
        if deed.kind == "sweep":
            if is_over:
                self._close(game, deed.now, "nobody")
            return NOTHING
        if deed.kind == "beat" and not is_over:
            live.time.contact(deed.now, idle=deed.idle, asleep=deed.suspended)
            return "alive", "afk" if live.time.is_afk else "active", live.time.played
        if deed.game in (None, game):
            self._close(game, deed.now, "client")
        return self._ended(deed)

    def _start(self, deed: Deed) -> Answer:
        assert deed.game is not None
        live = self.live.get(deed.game)
        if live is not None and live.time.broken(deed.now) is None:
            if live.device == deed.device:
                live.time.contact(deed.now)
                return "resumed", live.session, live.time.played
            if not deed.takeover:
                return "elsewhere", live.session, live.device, live.time.start
        if deed.session is None:
            return NOTHING
        if live is not None:
            self._close(deed.game, deed.now, "taken_over")
        # What is counted already cannot be played once more, whatever another pod's clock says.
        begins = max(deed.now, self.last_end.get(deed.game, deed.now))
        begun = Live(session=deed.session, device=deed.device, time=Timeline.beginning(begins))
        self.live[deed.game] = begun
        return "started", begun.session, begun.time.start

    def _close(self, game: GameId, now: datetime, reason: str) -> None:
        live = self.live.pop(game)
        end = live.time.end(now, reason)
        total = end.active + sum(record.end.active for record in self.records.values() if record.game == game)
        self.records[live.session] = Record(game=game, device=live.device, end=end, total=total)
        self.last_end[game] = max(end.end, self.last_end.get(game, end.end))

    def _ended(self, deed: Deed) -> Answer:
        record = self.records.get(deed.session) if deed.session else None
        if record is None or deed.game not in (None, record.game):
            return UNKNOWN
        end = record.end
        return "over", deed.session, end.reason, end.end, end.active, end.afk, end.suspended, record.total

    def books(self) -> Books:
        """Write down what is to be stored."""
        books = Books(leases={game: live.session for game, live in self.live.items()})
        for game, live in self.live.items():
            books.live[live.session] = game, live.device, *_running(live.time)
            books.told["started", live.session] += 1
        for session, record in self.records.items():
            self._enter(books, session, record)
        return books

    def _enter(self, books: Books, session: SessionId, record: Record) -> None:
        game, end = record.game, record.end
        first_day = end.start.date()
        books.records[session] = (
            game,
            record.device,
            end.start,
            end.end,
            end.reason,
            end.over_since,
            end.active,
            end.active_by_day[first_day],
            end.afk,
            end.suspended,
            record.total,
        )
        for day, seconds in end.active_by_day.items():
            counts = day == first_day
            share = seconds, int(counts), end.active if counts else 0
            books.days[day, game] = _plus(books.days.get((day, game)), share)
            month = day.year, day.month, game
            books.months[month] = _plus(books.months.get(month), share)
        total = books.items[game][0] if game in books.items else 0
        books.items[game] = total + end.active, self.last_end[game]
        earlier = books.recent.get(game, [])
        books.recent[game] = [(session, end.start, end.end, end.active), *earlier][:10]
        for fact in ("started", "ended", "updated"):
            books.told[fact, session] += 1


def explained(player: Player, deeds: Sequence[Deed], seen: Books) -> Player | None:
    """Return the player after the deeds in an order in which each answer is right, and so is what is seen afterwards.

    None if there is no such order. A deed whose answer nobody knows may not have been done at all.
    """
    if all(deed.answer is None for deed in deeds) and player.books() == seen:
        return player
    for number, deed in enumerate(deeds):
        after = player.copy()
        answer = after.do(deed)
        if answer != deed.answer and (deed.answer is not None or after == player):
            continue
        found = explained(after, [*deeds[:number], *deeds[number + 1 :]], seen)
        if found is not None:
            return found
    return None


def _running(time: Timeline) -> tuple[Any, ...]:
    today = (
        datetime.combine(time.start.date() + DAY, datetime.min.time(), time.start.tzinfo) - time.start
    ) // SECOND
    return (
        time.start,
        time.start + len(time.seconds) * SECOND,
        time.start + time.input * SECOND,
        time.seconds[:today].count(ACTIVE),
        time.seconds[today:].count(ACTIVE),
        time.seconds.count(AWAY),
        time.seconds.count(ASLEEP),
    )


def _plus(sums: tuple[int, int, int] | None, share: tuple[int, int, int]) -> tuple[int, int, int]:
    seconds, count, longest = sums or (0, 0, 0)
    return seconds + share[0], count + share[1], max(longest, share[2])
