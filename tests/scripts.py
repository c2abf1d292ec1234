"""Scripts for the arcade, written by chance."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from arcade import DEVICES, GAMES, WHO_PLAYS, Move, Scene

EVENINGS = (
    datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
    datetime(2026, 11, 24, 23, 55, tzinfo=UTC),
    datetime(2026, 11, 30, 23, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 22, 58, 0, 700_000, tzinfo=UTC),
)
"""When scripts begin: at noon, and before the end of a day, a month, a year."""
_PAUSES = (0, 0, 0, 0.3, 0.7, 1, 5, 20, 60, 60, 60, 100, 150, 179, 180)
_LONG_PAUSES = (181, 182, 240, 3_000)
_TOLD = (0, 0, 0, 0, 5, 30, 60, 120, 100_000)
_STEPS = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)
"""Steps of the event loop after which a process dies; most calls take fewer than the last of them."""


def script(chance: Random, *, players: int, pods: int, scenes: int, at_once: int) -> Sequence[Scene]:
    """Write scenes: in most of them up to so many act at once; some are a whole evening, a few a whole day."""
    written: list[Scene] = []
    for _ in range(scenes):
        kind = chance.random()
        if kind < 0.14:
            written += _evening(chance, players, pods)
        elif kind < 0.15:
            written += _day(chance, players, pods)
        else:
            pauses = _LONG_PAUSES if chance.random() < 0.06 else _PAUSES
            written.append(
                Scene(
                    passes=timedelta(seconds=chance.choice(pauses)),
                    moves=[_move(chance, players, pods) for _ in range(chance.randint(1, at_once))],
                )
            )
    return written


def _move(chance: Random, players: int, pods: int) -> Move:
    common: dict[str, Any] = {
        "player": chance.randrange(players),
        # Most of the time the same, so that they meet.
        "game": chance.choice((0, 0, 0, *range(len(GAMES)))),
        "pod": chance.randrange(pods),
        "dies_after": chance.choice(_STEPS) if chance.random() < 0.15 else None,
    }
    device = chance.choice((WHO_PLAYS, WHO_PLAYS, WHO_PLAYS, *DEVICES))
    is_confused = chance.random() < 0.05
    match chance.choice(("start", "start", "beat", "beat", "beat", "end", "end", "sweep")):
        case "start":
            return Move(kind="start", device=chance.choice(DEVICES), takeover=chance.random() < 0.4, **common)
        case "beat":
            told: dict[str, Any] = {"idle": chance.choice(_TOLD), "suspended": chance.choice(_TOLD)}
            return Move(kind="beat", device=device, is_confused=is_confused, **told, **common)
        case "end":
            names = chance.random() < 0.5
            return Move(kind="end", device=device, is_confused=is_confused, names_game=names, **common)
        case _:
            return Move(kind="sweep", pod=common["pod"])


def _evening(chance: Random, players: int, pods: int) -> Sequence[Scene]:
    """Somebody plays for up to seventy minutes, or leaves the game open for as long."""
    return _stretch(
        chance, players, pods, passes=60, times=chance.randint(5, 70), idle=chance.choice((0, 10, 100_000))
    )


def _day(chance: Random, players: int, pods: int) -> Sequence[Scene]:
    """Somebody plays for as long as one may, and on."""
    return _stretch(chance, players, pods, passes=175, times=500, idle=chance.choice((0, 15)))


def _stretch(
    chance: Random, players: int, pods: int, *, passes: int, times: int, idle: int
) -> Sequence[Scene]:
    player, pod = chance.randrange(players), chance.randrange(pods)
    start = Move(kind="start", player=player, pod=pod, device=chance.choice(DEVICES), takeover=True)
    beat = Move(kind="beat", player=player, pod=pod, device=WHO_PLAYS, idle=idle)
    return (
        Scene(passes=timedelta(seconds=1), moves=[start]),
        Scene(passes=timedelta(seconds=passes), moves=[beat], times=times),
    )
