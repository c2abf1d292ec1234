"""Catalog's messages in our words, and nothing of theirs that our rules could stumble over."""

from uuid import UUID

from library_adapters.platform._generated.platform.catalog.v1 import Game as GameMessage
from library_domain.catalog.model import Game, LaunchOption, ProductType
from library_domain.shared.ids import GameId


class GameMalformed(Exception):
    """Catalog described something that cannot be a game."""


def game_from(message: GameMessage) -> Game:
    """Return the game that the message describes.

    Raises GameMalformed for one without name or time, or with a kind, size or id that does not exist.
    """
    if not message.name or message.updated_at is None:
        raise GameMalformed("without name or time")
    try:
        return Game(
            game_id=GameId(UUID(message.game_id)),
            event_at=message.updated_at,
            name=message.name,
            product_type=ProductType(message.product_type),
            parent_game_id=GameId(UUID(message.parent_game_id)) if message.parent_game_id else None,
            platforms=tuple(message.platforms),
            size_required=message.size_required,
            version=message.version,
            sharing_allowed=message.sharing_allowed,
            cloud_saves_supported=message.cloud_saves_supported,
            launch_options=tuple(
                LaunchOption(id=each.id, name=each.name, command=each.command, is_default=each.is_default)
                for each in message.launch_options
            ),
            achievements_total=message.achievements_total,
            cover_url=message.cover_url,
            developer=message.developer,
            is_deleted=message.is_deleted,
        )
    except ValueError as error:
        raise GameMalformed(str(error)) from error
