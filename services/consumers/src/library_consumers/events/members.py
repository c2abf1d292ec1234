"""Members that events of several topics have, and how their values become ours."""

import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from library_adapters.kafka import Poison
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import NO_USER, GameId, UserId
from library_domain.shared.money import Money

MAX_TEXT = 100
"""Characters of the texts by which things are called."""
MAX_NAME = 255
MAX_PROSE = 4_000
_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
_NO_NUL = r"^[^\x00]*\Z"
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_AHEAD = timedelta(days=1)
"""A time further in the future than clocks differ would win against every later event of its row (data 1)."""
_NO_ID = UUID(int=0)

Aware = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with an offset."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT, pattern=_NO_CONTROLS)]
"""1 to 100 characters, none of them a control character."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME, pattern=_NO_CONTROLS)]
"""1 to 255 characters, none of them a control character."""
Line = Annotated[str, msgspec.Meta(max_length=MAX_PROSE, pattern=_NO_CONTROLS)]
"""Up to 4,000 characters, none of them a control character: an address, a path, a command."""
Prose = Annotated[str, msgspec.Meta(max_length=MAX_PROSE, pattern=_NO_NUL)]
"""Up to 4,000 characters, line ends among them, but no NUL, which PostgreSQL does not store."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Bytes."""
# Python's Decimal would also read "1_0", " 1" and digits of other scripts.
Amount = (
    Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,10}(\.[0-9]{1,2})?\Z")]
    | Annotated[int, msgspec.Meta(ge=0, le=9_999_999_999)]
    | Annotated[float, msgspec.Meta(ge=0, le=9_999_999_999.99)]
)
"""A number, or one as text; at most two decimal places."""
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
"""ISO 4217."""
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


def plausible_time(moment: datetime, *, member: str, now: datetime) -> datetime:
    """Return the moment in UTC. Raises Poison `invalid_data` when it is not between 2000 and tomorrow."""
    if not _EARLIEST <= moment <= now + _MAX_AHEAD:
        raise Poison("invalid_data", f"{member} is before 2000 or more than a day ahead")
    return moment.astimezone(UTC)


def time_to_come(moment: datetime, *, member: str) -> datetime:
    """Return a moment that may lie ahead, in UTC. Raises Poison `invalid_data` before 2000 and after the year 9999."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise Poison("invalid_data", f"{member} is no time in UTC") from error
    if moment < _EARLIEST:
        raise Poison("invalid_data", f"{member} is before 2000")
    return moment


def user(user_id: UUID) -> UserId:
    """Return whose event it is. Raises Poison `invalid_data` for nobody's."""
    if user_id == NO_USER:
        raise Poison("invalid_data", "data.user_id is nobody")
    return UserId(user_id)


def game(game_id: UUID, *, member: str = "data.game_id") -> GameId:
    """Return which game it is about. Raises Poison `invalid_data` for the zero UUID, which is none."""
    if game_id == _NO_ID:
        raise Poison("invalid_data", f"{member} is no game")
    return GameId(game_id)


def normal(text: str, *, member: str, longest: int = MAX_TEXT) -> str:
    """Return the text in NFC, in which some characters become three: what was short enough need not be any more."""
    composed = unicodedata.normalize("NFC", text)
    if len(composed) > longest:
        raise Poison("invalid_data", f"{member} is longer than {longest} characters in NFC")
    return composed


def money(amount: str | float, currency: str, *, within: str, amount_is: str = "amount") -> Money:
    """Return an amount of the object `within`. Raises Poison `invalid_data` for more than two places."""
    try:
        # Through text: a float is the decimal that was sent, not its binary neighbour.
        return Money(Decimal(str(amount)), currency)
    except ValidationFailed as error:
        where, why = error.details["field"], error.details["reason"]
        named = amount_is if where == "amount" else where
        raise Poison("invalid_data", f"{within}.{named}: {why}") from error
