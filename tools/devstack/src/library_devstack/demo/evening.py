"""What six players do on one evening, in minutes from its beginning."""

from collections.abc import Sequence
from dataclasses import dataclass

LENGTH_MINUTES = 75
BEFORE_MIDNIGHT_MINUTES = 70
"""How long before midnight, UTC, the evening begins at the earliest. The first player then plays at midnight, and also if
it begins half an hour later."""
PC, LAPTOP, HANDHELD = ("desktop", "windows"), ("laptop", "macos"), ("handheld", "linux")
"""Devices and what they run."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a game, the player's first or second. With `elsewhere` it runs on another device: refused at first, then taken over."""

    at: float
    game: int
    device: tuple[str, str]
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Present:
    """Play."""

    until: float


@dataclass(frozen=True, slots=True)
class Away:
    """Leave the game running: signs of life, and no input."""

    until: float


@dataclass(frozen=True, slots=True)
class Asleep:
    """Close the lid: nothing until it is opened, then a sign of life that tells how long that was."""

    until: float


@dataclass(frozen=True, slots=True)
class Crash:
    """Nothing more is heard."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Leave the game as one should."""

    at: float


Step = Begin | Present | Away | Asleep | Crash | Stop


@dataclass(frozen=True, slots=True)
class Role:
    """What one of them does."""

    title: str
    steps: Sequence[Step]


ROLES = (
    Role(
        "has supper, plays past midnight",
        (
            Begin(1, 0, PC),
            Present(14),
            Away(26),
            Present(33),
            Stop(34),
            Begin(36, 1, PC),
            Present(72),
            Stop(73),
        ),
    ),
    Role(
        "changes the device",
        (Begin(6, 0, PC), Present(38), Begin(39, 0, HANDHELD, elsewhere=True), Present(70), Stop(71)),
    ),
    Role("has a power cut", (Begin(3, 0, PC), Present(30), Crash())),
    Role("falls asleep at the keyboard", (Begin(2, 0, LAPTOP), Present(8), Away(74))),
    Role(
        "crashes, and is back at once",
        (Begin(10, 0, PC), Present(20), Crash(), Begin(21, 0, PC), Present(64), Stop(65)),
    ),
    Role(
        "closes the lid now and then",
        (
            Begin(5, 1, LAPTOP),
            Present(17),
            Asleep(18.5),
            Present(30),
            Asleep(31.5),
            Present(42),
            Stop(43),
            Begin(45, 0, LAPTOP),
            Present(66),
            Stop(67),
        ),
    ),
)
