"""The topic `catalog-events` (details 3.1). Each event but a price is the whole new state of what it is about."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec

from library_adapters.kafka import Outcome, Poison
from library_consumers.application import Application
from library_consumers.events.decoding import Envelope
from library_consumers.events.effect import once
from library_consumers.events.members import (
    MAX_NAME,
    MAX_PROSE,
    Amount,
    Aware,
    Count,
    Currency,
    Line,
    Name,
    Percent,
    Prose,
    Size,
    Text,
    game,
    money,
    normal,
    plausible_time,
    time_to_come,
)
from library_domain.catalog.model import (
    Game,
    GameAchievement,
    GamePrice,
    LaunchOption,
    Platform,
    ProductType,
)
from library_domain.catalog.use_cases.change_price import ChangePrice
from library_domain.catalog.use_cases.update_achievement import UpdateAchievement
from library_domain.catalog.use_cases.update_game import UpdateGame
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import NO_USER

MAX_PLATFORMS = 20
MAX_LAUNCH_OPTIONS = 100
AchievementId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:-]{1,100}\Z")]


class OfferedLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """One way to start the game."""

    id: Text
    name: Name
    command: Line
    is_default: bool = False


class OfferedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What the game costs from the time of the event on."""

    amount: Amount
    currency: Currency
    original_amount: Amount
    discount_percent: Percent = 0
    valid_until: Aware | None = None


class GameUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state of a product; unknown members are allowed."""

    game_id: UUID
    name: Name
    product_type: ProductType
    platforms: Annotated[tuple[Platform, ...], msgspec.Meta(max_length=MAX_PLATFORMS)]
    size_required: Size | None
    version: Text | None
    sharing_allowed: bool
    cloud_saves_supported: bool
    launch_options: Annotated[tuple[OfferedLaunch, ...], msgspec.Meta(max_length=MAX_LAUNCH_OPTIONS)]
    is_deleted: bool
    parent_game_id: UUID | None = None
    achievements_total: Count | None = None
    cover_url: Line | None = None
    developer: Name | None = None
    price: OfferedPrice | None = None


class AchievementUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state of an achievement."""

    game_id: UUID
    achievement_id: AchievementId
    name: Name
    description: Prose | None
    icon_url: Line | None
    is_hidden: bool
    server_granted: bool
    is_deleted: bool
    min_playtime_seconds: Count | None = None


class PriceChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What a game costs in one currency, from `valid_from` on."""

    game_id: UUID
    currency: Currency
    amount: Amount
    original_amount: Amount
    discount_percent: Percent
    valid_from: Aware
    valid_until: Aware | None = None


async def game_updated(
    application: Application, envelope: Envelope, data: GameUpdated, now: datetime
) -> Outcome:
    """Describe the game to all who own it."""
    event_time = plausible_time(envelope.timestamp, member="timestamp", now=now)
    command = UpdateGame(game=_game(envelope, data, event_time), price=_offered(envelope, data, event_time))
    return await once(application, envelope, NO_USER, partial(application.update_game, command))


async def achievement_updated(
    application: Application, envelope: Envelope, data: AchievementUpdated, now: datetime
) -> Outcome:
    """Describe the achievement to all who play its game."""
    achievement = GameAchievement(
        game_id=game(data.game_id),
        achievement_id=data.achievement_id,
        event_at=plausible_time(envelope.timestamp, member="timestamp", now=now),
        event_id=envelope.event_id,
        name=normal(data.name, member="data.name", longest=MAX_NAME),
        description=_text(data.description, member="data.description"),
        icon_url=data.icon_url,
        is_hidden=data.is_hidden,
        server_granted=data.server_granted,
        min_playtime_seconds=data.min_playtime_seconds,
        is_deleted=data.is_deleted,
    )
    return await once(
        application,
        envelope,
        NO_USER,
        partial(application.update_achievement, UpdateAchievement(achievement=achievement)),
    )


async def price_changed(
    application: Application, envelope: Envelope, data: PriceChanged, now: datetime
) -> Outcome:
    """Show the price to all who wish for the game."""
    price = _price(
        envelope,
        data.game_id,
        data,
        event_time=plausible_time(envelope.timestamp, member="timestamp", now=now),
        valid_from=time_to_come(data.valid_from, member="data.valid_from"),
        member="data",
    )
    return await once(
        application, envelope, NO_USER, partial(application.change_price, ChangePrice(price=price))
    )


def _game(envelope: Envelope, data: GameUpdated, event_time: datetime) -> Game:
    parent = data.parent_game_id
    return Game(
        game_id=game(data.game_id),
        event_at=event_time,
        event_id=envelope.event_id,
        name=normal(data.name, member="data.name", longest=MAX_NAME),
        product_type=data.product_type,
        parent_game_id=None if parent is None else game(parent, member="data.parent_game_id"),
        platforms=data.platforms,
        size_required=data.size_required,
        version=data.version,
        sharing_allowed=data.sharing_allowed,
        cloud_saves_supported=data.cloud_saves_supported,
        launch_options=tuple(
            LaunchOption(id=each.id, name=each.name, command=each.command, is_default=each.is_default)
            for each in data.launch_options
        ),
        achievements_total=data.achievements_total,
        cover_url=data.cover_url,
        developer=data.developer,
        is_deleted=data.is_deleted,
    )


def _offered(envelope: Envelope, data: GameUpdated, event_time: datetime) -> GamePrice | None:
    if data.price is None:
        return None
    return _price(
        envelope,
        data.game_id,
        data.price,
        event_time=event_time,
        valid_from=event_time,
        member="data.price",
    )


def _price(
    envelope: Envelope,
    game_id: UUID,
    told: OfferedPrice | PriceChanged,
    *,
    event_time: datetime,
    valid_from: datetime,
    member: str,
) -> GamePrice:
    """Translate. Raises Poison `invalid_data`."""
    until = told.valid_until
    try:
        return GamePrice(
            game_id=game(game_id),
            amount=money(told.amount, told.currency, within=member),
            original_amount=money(
                told.original_amount, told.currency, within=member, amount_is="original_amount"
            ),
            valid_from=valid_from,
            event_at=event_time,
            event_id=envelope.event_id,
            discount_percent=told.discount_percent,
            valid_until=None if until is None else time_to_come(until, member=f"{member}.valid_until"),
        )
    except ValidationFailed as error:
        where, why = error.details["field"], error.details["reason"]
        raise Poison("invalid_data", f"{member}.{where}: {why}") from error


def _text(text: str | None, *, member: str) -> str | None:
    return None if text is None else normal(text, member=member, longest=MAX_PROSE)
