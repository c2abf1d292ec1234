"""The players and games of the benchmark: made from their numbers, so that every part of it knows who owns what.

The load generator asks for games that a player owns without having read them anywhere.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

ROWS_PER_PLAYER = 50
BASE_GAMES = 4_500
DLC = 500
"""The DLC of number k is a part of the base game 9k."""
GAMES = BASE_GAMES + DLC
_PER_DLC = BASE_GAMES // DLC
_OWNED_BASE_GAMES = 45
_STRIDE = 97
_SHIFT = 31


def player_id(number: int) -> UUID:
    """Return the id of a player: scattered like a random one, and the same at every run."""
    return _id(f"player/{number}")


def game_id(number: int) -> UUID:
    """Return the id of a game; from BASE_GAMES on they are DLC."""
    return _id(f"game/{number}")


def row_id(player: int, slot: int) -> str:
    """Return the id of the library row that a player's slot is; no index begins with it, so it need not be scattered."""
    return f"00000000-0000-4000-8{slot:03x}-{player:012x}"


def session_id(player: int, slot: int, began: datetime) -> UUID:
    """Return the id of a player's session of the game in a slot: a UUIDv7 that bears its start (data 8)."""
    milliseconds = int(began.timestamp() * 1000)
    chance = _id(f"session/{player}/{slot}").int & ((1 << 74) - 1)
    return UUID(
        int=(milliseconds << 80) | (7 << 76) | ((chance >> 62) << 64) | (2 << 62) | (chance & ((1 << 62) - 1))
    )


def base_game(player: int, slot: int) -> int:
    """Return which base game a player has in a slot below 45. No player has one twice: 44 × 97 < 4,500."""
    return (player * _SHIFT + slot * _STRIDE) % BASE_GAMES


def parent(dlc: int) -> int:
    """Return the base game that a DLC belongs to."""
    return (dlc - BASE_GAMES) * _PER_DLC


def library(player: int) -> Sequence[int]:
    """Return the player's 50 games by slot: 45 base games, then the DLC of those five that have one."""
    # The stride is 7 modulo 9, so 45 consecutive slots meet each remainder five times.
    owned = [base_game(player, slot) for slot in range(_OWNED_BASE_GAMES)]
    return [*owned, *(BASE_GAMES + game // _PER_DLC for game in owned if game % _PER_DLC == 0)]


def scattered(players: int) -> Iterator[tuple[int, int, int]]:
    """Yield player, slot and game so that two rows of one player lie far apart, as years of purchases leave them.

    Within a slot players come by their ids: every index begins with them, and is filled from one end to the other
    fifty times instead of everywhere at once, which takes a multiple of the time.
    """
    libraries = [(player, library(player)) for player in sorted(range(players), key=player_id)]
    for slot in range(ROWS_PER_PLAYER):
        for player, games in libraries:
            yield player, slot, games[slot]


def _id(text: str) -> UUID:
    # MD5, because PostgreSQL has it too: pgbench makes the same ids there.
    return UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest())
