"""Catalog over gRPC: the real `GameCatalog` of `library_domain.catalog.ports`."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from cachetools import TLRUCache
from loguru import logger
from opentelemetry import trace
from prometheus_client import CollectorRegistry

from library_adapters.catalog.messages import GameMalformed, game_from
from library_adapters.catalog.settings import CatalogSettings
from library_adapters.platform import Link
from library_adapters.platform._generated.platform.catalog.v1 import (
    BatchGetGamesRequest,
    BatchGetGamesResponse,
    CatalogServiceStub,
)
from library_adapters.platform._generated.platform.catalog.v1 import Game as GameMessage
from library_domain.catalog.model import Game
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import GameId

BATCH = 100
"""Ids per request, Catalog's own limit (proto/platform/catalog)."""


class CatalogClient:
    """Asks Catalog for games and remembers the answers for a while.

    Construct it inside the running event loop; it connects at the first call, and again whenever that is needed.
    """

    def __init__(
        self,
        settings: CatalogSettings,
        *,
        registry: CollectorRegistry,
        tracer_provider: trace.TracerProvider,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` is the clock of memory and circuit, in seconds; a test turns it by hand."""
        self._link = Link(
            "catalog", settings, registry=registry, tracer_provider=tracer_provider, monotonic=monotonic
        )
        self._stub = CatalogServiceStub(self._link.channel, timeout=settings.limits.try_seconds)

        def good_until(_: GameId, game: Game | None, now: float) -> float:
            return now + (settings.unknown_seconds if game is None else settings.known_seconds)

        self._remembered = TLRUCache[GameId, Game | None, float](settings.cached_games, good_until, monotonic)

    async def games(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        """Return what Catalog says of these games; an absent id is unknown to it.

        Raises DependencyUnavailable when it, or the issuer of our token, does not answer in time, and when it
        describes one of them in a way that makes no sense. What it did tell is remembered all the same.
        """
        found: dict[GameId, Game | None] = {}
        missing: list[GameId] = []
        for game_id in dict.fromkeys(ids):
            try:
                found[game_id] = self._remembered[game_id]
            except KeyError:
                missing.append(game_id)
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            answer = await self._link.call(
                "platform.catalog.v1.CatalogService/BatchGetGames", partial(self._ask, batch)
            )
            found |= self._learn(batch, answer.games)
        return {game_id: game for game_id, game in found.items() if game is not None}

    async def close(self) -> None:
        """Close the connections; calls that still run fail."""
        await self._link.close()

    async def _ask(self, ids: Sequence[GameId], metadata: Mapping[str, str]) -> BatchGetGamesResponse:
        request = BatchGetGamesRequest(ids=[str(game_id) for game_id in ids])
        return await self._stub.batch_get_games(request, metadata=metadata)

    def _learn(self, asked: Sequence[GameId], messages: Iterable[GameMessage]) -> dict[GameId, Game | None]:
        """Remember the answer; None stands for a game that Catalog does not know."""
        answer: dict[GameId, Game | None] = dict.fromkeys(asked)
        malformed: set[str] = set()
        for message in messages:
            try:
                game = game_from(message)
            except GameMalformed as error:
                logger.error(
                    "Catalog describes {!r:.50} in a way that makes no sense: {}", message.game_id, error
                )
                malformed.add(message.game_id.lower())
                continue
            # Only what was asked for: another service does not fill our memory.
            if game.game_id in answer:
                answer[game.game_id] = game
        self._remembered.update({key: game for key, game in answer.items() if str(key) not in malformed})
        if malformed:
            raise DependencyUnavailable("catalog")
        return answer


@asynccontextmanager
async def open_catalog(
    settings: CatalogSettings,
    *,
    registry: CollectorRegistry,
    tracer_provider: trace.TracerProvider,
) -> AsyncIterator[CatalogClient]:
    """Open a client; Catalog need not be there yet."""
    client = CatalogClient(settings, registry=registry, tracer_provider=tracer_provider)
    try:
        yield client
    finally:
        await client.close()
