"""Which dead letters a command is about."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from library_adapters.kafka import DeadLetter


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dead letter lies: PARTITION/OFFSET, as `list` prints it."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """Return what `parse` reads."""
        return f"{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read what `list` printed. Raises ValueError."""
        partition, _, offset = text.partition("/")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise ValueError(f"{text!r} is not PARTITION/OFFSET, such as 3/17")
        return cls(int(partition), int(offset))

    @classmethod
    def of(cls, letter: DeadLetter) -> "Place":
        """Return where this one lies."""
        return cls(letter.partition, letter.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which dead letters of a topic."""

    since: timedelta | None = None
    reasons: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()

    def has(self, letter: DeadLetter) -> bool:
        """Tell whether this one is among them; its age is looked at where they are read."""
        return (not self.reasons or letter.reason in self.reasons) and (
            not self.places or Place.of(letter) in self.places
        )


@dataclass(slots=True)
class Listing:
    """The oldest of many letters, and how many there are; it never holds many more than it is to show."""

    limit: int
    reasons: Counter[str] = field(default_factory=Counter)
    _held: list[DeadLetter] = field(default_factory=list)

    def add(self, letter: DeadLetter) -> None:
        """Count it, and keep it if it is among the oldest."""
        self.reasons[letter.reason] += 1
        self._held.append(letter)
        if len(self._held) >= 2 * self.limit:
            self._held = self.oldest()

    def oldest(self) -> list[DeadLetter]:
        """Return those to be shown."""
        in_order = sorted(
            self._held, key=lambda each: (each.buried_at, each.topic, each.partition, each.offset)
        )
        return in_order[: self.limit]

    def summary(self) -> str:
        """Say how many there are, and why."""
        total = self.reasons.total()
        if not total:
            return "no dead letters"
        counted = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
        shown = f", the oldest {self.limit} are shown" if total > self.limit else ""
        return f"{total} dead letters{shown}: {counted}"
