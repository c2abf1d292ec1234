"""Catalog, played from a data set. What the data set does not know of a game is generated, seeded."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from library_adapters.platform._generated.platform.catalog.v1 import (
    BatchGetGamesRequest,
    BatchGetGamesResponse,
    CatalogServiceBase,
    LaunchOption,
    Price,
)
from library_adapters.platform._generated.platform.catalog.v1 import Game as Message
from library_devstack.sample import Game, chance
from library_devstack.sample.dataset import derived_id, title_key

_MAX_IDS = 100
_MEGABYTE = 1024 * 1024
_SMALLEST_MEGABYTES = 200
_LARGEST_MEGABYTES = 80_000
_MOST_ACHIEVEMENTS = 100
_SHARED = 0.8
_SAVES = 0.6
# The day of the store's scrape.
_UPDATED_AT = datetime(2023, 5, 31, tzinfo=UTC)


class CatalogStandIn(CatalogServiceBase):
    """Knows these games and no others."""

    def __init__(self, games: Iterable[Game]) -> None:
        self._games = {game.game_id: game for game in games}

    async def batch_get_games(self, message: BatchGetGamesRequest) -> BatchGetGamesResponse:
        """Describe the games that are known; see the proto for what is refused."""
        if len(message.ids) > _MAX_IDS:
            raise GRPCError(Status.INVALID_ARGUMENT, f"ids: at most {_MAX_IDS}")
        known = (self._games.get(parse_id(text, field="ids")) for text in message.ids)
        return BatchGetGamesResponse(games=[_describe(game) for game in known if game is not None])


def parse_id(text: str, *, field: str) -> UUID:
    """Return the UUID. Raises GRPCError with INVALID_ARGUMENT and the field's name."""
    try:
        return UUID(text)
    except ValueError as malformed:
        raise GRPCError(Status.INVALID_ARGUMENT, f"{field}: not a UUID") from malformed


def _describe(game: Game) -> Message:
    key = title_key(game.title)
    megabytes = _SMALLEST_MEGABYTES + chance.number(f"size/{key}") % (
        _LARGEST_MEGABYTES - _SMALLEST_MEGABYTES
    )
    is_dlc = game.parent is not None
    return Message(
        game_id=str(game.game_id),
        name=game.title,
        product_type=game.product_type,
        parent_game_id=None if game.parent is None else str(derived_id("game", title_key(game.parent))),
        platforms=list(game.platforms),
        size_required=megabytes * _MEGABYTE,
        version=f"1.{chance.number(f'version/{key}') % 20}",
        sharing_allowed=chance.happens(f"sharing/{key}", probability=_SHARED),
        cloud_saves_supported=not is_dlc and chance.happens(f"saves/{key}", probability=_SAVES),
        launch_options=[]
        if is_dlc
        else [LaunchOption(id="default", name="Play", command="play", is_default=True)],
        achievements_total=0 if is_dlc else chance.number(f"achievements/{key}") % _MOST_ACHIEVEMENTS,
        price=Price(amount=str(game.price), currency=game.currency, original_amount=str(game.price)),
        updated_at=_UPDATED_AT,
    )
