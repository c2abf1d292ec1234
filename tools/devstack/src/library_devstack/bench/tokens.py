"""A token for every player that is asked for, kept between runs as long as they are good."""

import time
from pathlib import Path
from uuid import UUID

from library_devstack.bench.population import player_id
from library_devstack.standins.issuer import Issuer, client_user_id

MAX_TOKENS = 20_000
"""Of more players these are enough to keep any memory of tokens busy; signing them takes seconds."""
_TTL_SECONDS = 24 * 3600  # the longest that we accept
_ENOUGH_SECONDS = 4 * 3600


def chosen_players(players: int) -> range:
    """Return the numbers of those who ask: all, or 20,000 evenly among them."""
    return range(0, players, max(players // MAX_TOKENS, 1))[:MAX_TOKENS]


def write_tokens(path: Path, issuer: Issuer, *, players: int) -> Path:
    """Write a line for each player who asks: number, user id, token. Return the path."""
    chosen = chosen_players(players)
    if _is_good(path, issuer, len(chosen)):
        return path
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    with draft.open("w") as file:
        file.write(f"{int(time.time()) + _TTL_SECONDS}\t{issuer.url}\t{len(chosen)}\n")
        for number in chosen:
            user = player_id(number)
            file.write(f"{number}\t{user}\t{issuer.mint(user, ttl_seconds=_TTL_SECONDS)}\n")
    draft.replace(path)
    return path


def read_tokens(path: Path) -> list[tuple[int, UUID, str]]:
    """Return number, user id and token of each player who asks."""
    with path.open() as file:
        next(file)
        return [
            (int(number), UUID(user), token)
            for number, user, token in (line.rstrip().split("\t") for line in file)
        ]


def system_token(issuer: Issuer) -> str:
    """Return the token of another service, as gRPC's callers are."""
    return issuer.mint(client_user_id("library-dev bench"), "system", ttl_seconds=_TTL_SECONDS)


def _is_good(path: Path, issuer: Issuer, count: int) -> bool:
    if not path.exists():
        return False
    with path.open() as file:
        expires_at, url, found = file.readline().rstrip().split("\t")
    return int(expires_at) > time.time() + _ENOUGH_SECONDS and (url, int(found)) == (issuer.url, count)
