"""Of which game, and from when to when: what playtime is asked for, as it stands in a URL (details 3.8)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar.openapi.spec import OpenAPIFormat, OpenAPIType, Schema
from litestar.params import QueryParameter

from library_api.parameters import parse_moment
from library_domain.playtime.model import Aggregation
from library_domain.shared.ids import GameId

_MOMENT = {
    "any_of": [
        Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
        Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE),
    ]
}

GameParameter = Annotated[UUID | None, QueryParameter(description="Of this game alone.")]
FromParameter = Annotated[
    str | None,
    QueryParameter(
        name="from",
        description="From this moment on: a time with its offset (RFC 3339), or a date for the first moment of its day, UTC.",
        schema_extra=_MOMENT,
    ),
]
ToParameter = Annotated[
    str | None,
    QueryParameter(
        name="to",
        description=(
            "Up to this moment, not including it; written like `from`. Statistics add up whole days: a moment inside a day"
            " includes that day."
        ),
        schema_extra=_MOMENT,
    ),
]
AggregationParameter = Annotated[Aggregation, QueryParameter(description="What is added up by.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedStats:
    """A request for statistics."""

    aggregation: Aggregation
    game_id: GameId | None
    start: datetime | None
    end: datetime | None


def asked_stats(
    *,
    aggregation: AggregationParameter = Aggregation.DAILY,
    game_id: GameParameter = None,
    start: FromParameter = None,
    end: ToParameter = None,
) -> AskedStats:
    """Read the query of statistics. Raises ValidationFailed naming the parameter that is wrong."""
    return AskedStats(
        aggregation=aggregation,
        game_id=None if game_id is None else GameId(game_id),
        start=None if start is None else parse_moment(start, "from"),
        end=None if end is None else parse_moment(end, "to"),
    )
