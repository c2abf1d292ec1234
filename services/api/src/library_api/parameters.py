"""How what stands in a URL becomes what the domain speaks of."""

from datetime import UTC, date, datetime, time
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.exceptions import NotFoundException

from library_domain.library.errors import CategoryNotFound, GameNotFound
from library_domain.shared.caller import current_caller
from library_domain.shared.errors import Unauthenticated, ValidationFailed
from library_domain.shared.ids import GameId, UserId

_SHOWN_CHARACTERS = 64


def parse_game_id(text: str) -> GameId:
    """Return the id in a path. Raises GameNotFound for what is no UUID (details 3.4): there is no such game."""
    try:
        return GameId(msgspec.convert(text, UUID))
    except msgspec.ValidationError as error:
        raise GameNotFound(game_id=text[:_SHOWN_CHARACTERS]) from error


def parse_category_id(text: str) -> UUID:
    """Return the id in a path. Raises CategoryNotFound for what is no UUID (details 3.4)."""
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError as error:
        raise CategoryNotFound(category_id=text[:_SHOWN_CHARACTERS]) from error


def parse_user_id(text: str) -> UserId:
    """Return the id in a path. Raises NotFoundException for what is no UUID: there is no such user."""
    try:
        return UserId(msgspec.convert(text, UUID))
    except msgspec.ValidationError as error:
        raise NotFoundException from error


def parse_moment(text: str, field: str) -> datetime:
    """Return the moment in a query, in UTC: RFC 3339 with its offset, or a date for the first moment of that day.

    Raises ValidationFailed naming the field for anything else, a time without an offset too (contract 1).
    """
    try:
        if len(text) == len("2026-10-31"):
            return datetime.combine(msgspec.convert(text, date), time(), UTC)
        moment: datetime = msgspec.convert(text, Annotated[datetime, msgspec.Meta(tz=True)])
        return moment.astimezone(UTC)
    except msgspec.ValidationError as error:
        raise ValidationFailed(field=field, reason="format", expected="RFC 3339") from error
    except OverflowError as error:
        raise ValidationFailed(field=field, reason="out_of_range") from error


def acting_user() -> UserId:
    """Return whose data it is: the token's `sub`, never anything of the request (contract 3).

    Raises Unauthenticated when no doorkeeper let somebody in.
    """
    caller = current_caller()
    if caller.actor_id is None:
        raise Unauthenticated
    return UserId(caller.actor_id)
