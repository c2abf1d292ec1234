"""What is asked: the same distribution of players and games for every generator but wrk, which has its own in load.lua."""

import random
from pathlib import Path

from library_devstack.bench.population import BASE_GAMES, GAMES, base_game, game_id, library
from library_devstack.bench.tokens import read_tokens

ACCESS = "/library.v1.LibraryQueryService/CheckGameAccess"
BATCH = "/library.v1.LibraryQueryService/BatchCheckGameAccess"
BATCH_GAMES = 100
LIST = "/api/v1/library?sort=-acquisition_date&limit=20"
BY_NAME = "/api/v1/library?limit=20"
_FOREIGN = 0.2
"""Share of access checks for a game that the player most likely does not own."""
_OWNED = 45


class Asker:
    """Makes random requests, the same for the same seed."""

    def __init__(self, tokens: Path, *, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - nothing is to be guessed here
        self._players = read_tokens(tokens)
        self._games = [str(game_id(number)).encode() for number in range(GAMES)]

    def access(self) -> bytes:
        """Return a CheckGameAccessRequest: four of five for a game that the player has."""
        number, user, _ = self._chance.choice(self._players)
        return field(1, str(user).encode()) + field(2, self._games[self._game(number)])

    def batch(self) -> bytes:
        """Return a BatchCheckGameAccessRequest for 100 games: all that the player has, and as many others."""
        number, user, _ = self._chance.choice(self._players)
        owned = library(number)
        others = self._chance.sample(range(BASE_GAMES), BATCH_GAMES - len(owned))
        games = b"".join(field(2, self._games[game]) for game in (*owned, *others))
        return field(1, str(user).encode()) + games

    def list(self, host: str, *, etag: str | None = None) -> bytes:
        """Return a request for a page; with an ETag for one that the player may have already."""
        _, _, token = self._chance.choice(self._players)
        return _get(LIST, host, token, etag)

    def item(self, host: str) -> bytes:
        """Return a request for a game that the player has."""
        number, _, token = self._chance.choice(self._players)
        game = self._games[base_game(number, self._chance.randrange(_OWNED))].decode()
        return _get(f"/api/v1/library/{game}", host, token, None)

    def _game(self, player: int) -> int:
        if self._chance.random() < _FOREIGN:
            return self._chance.randrange(BASE_GAMES)
        return base_game(player, self._chance.randrange(_OWNED))


def _get(path: str, host: str, token: str, etag: str | None) -> bytes:
    condition = "" if etag is None else f"If-None-Match: {etag}\r\n"
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{condition}\r\n"
    return head.encode("ascii")


def field(number: int, text: bytes) -> bytes:
    """Return a field of the wire format; an id is short enough for a length of one byte."""
    return bytes((number << 3 | 2, len(text))) + text
