"""What sessions can be asked for, as it stands in a URL (contract 2, Lists; details 3.8 and 3.9)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from litestar.params import QueryParameter

from library_api.application import Wired
from library_api.cursors import Cursors
from library_api.fields import fields_pattern, parse_fields, trim
from library_api.parameters import parse_moment
from library_api.routes.library_query import CursorParameter, LimitParameter, OffsetParameter
from library_api.routes.span import FromParameter, GameParameter, ToParameter
from library_domain.playtime.queries import PlaytimeSession, SessionPage, SessionQuery
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page

ActiveParameter = Annotated[
    bool,
    QueryParameter(
        description="`true`: the sessions that run now, as of their last heartbeat, instead of those that ended; their pages have no cursors."
    ),
]
SessionFieldsParameter = Annotated[
    str | None,
    QueryParameter(
        description="Members of the sessions to show, divided by commas; all if it is left out.",
        schema_extra={"pattern": fields_pattern(PlaytimeSession)},
    ),
]


@dataclass(slots=True, kw_only=True)
class SessionList:
    """A part of the sessions, the newest first."""

    items: list[PlaytimeSession]
    total: int | None
    """How many all pages have together; null on a page that a cursor asked for."""
    limit: int
    offset: int | None
    """Null on a page that a cursor asked for."""
    next_cursor: str | None
    """Asks for the page behind this one; null on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSessions:
    """A request for a part of the sessions, its cursor still to be read."""

    filter: SessionQuery
    active: bool
    cursor: str | None
    cursors: Cursors
    fields: Sequence[str] | None

    def query(self, *, user_id: UserId, prefix: str) -> SessionQuery:
        """Return what the domain is asked. Raises ValidationFailed for a cursor of another request."""
        if self.cursor is None:
            return self.filter
        after = self.cursors.read(self.cursor, bound_to=self._binding(user_id, prefix))
        return replace(self.filter, page=replace(self.filter.page, after=after))

    def answer(self, found: SessionPage, *, user_id: UserId, prefix: str) -> SessionList:
        """Return the page as it is shown."""
        binding = self._binding(user_id, prefix)
        return SessionList(
            items=[trim(item, self.fields) for item in found.items],
            total=found.total,
            limit=self.filter.page.limit,
            offset=self.filter.page.offset if self.cursor is None else None,
            next_cursor=None if found.next is None else self.cursors.write(found.next, bound_to=binding),
        )

    def _binding(self, user_id: UserId, prefix: str) -> Sequence[object]:
        return [prefix, user_id, "sessions", self.filter.game_id, self.filter.start, self.filter.end]


def asked_sessions(
    *,
    application: Wired,
    game_id: GameParameter = None,
    start: FromParameter = None,
    end: ToParameter = None,
    active: ActiveParameter = False,
    limit: LimitParameter = 20,
    offset: OffsetParameter = 0,
    cursor: CursorParameter = None,
    fields: SessionFieldsParameter = None,
) -> AskedSessions:
    """Read the query of a list of sessions. Raises ValidationFailed naming the parameter that is wrong."""
    if cursor is not None and (active or offset):
        raise ValidationFailed(
            field="cursor" if active else "offset", reason="not_with_active" if active else "not_with_cursor"
        )
    return AskedSessions(
        filter=SessionQuery(
            game_id=None if game_id is None else GameId(game_id),
            start=None if start is None else parse_moment(start, "from"),
            end=None if end is None else parse_moment(end, "to"),
            page=Page(limit=limit, offset=offset),
        ),
        active=active,
        cursor=cursor,
        cursors=Cursors(application.cursor_key),
        fields=parse_fields(fields, PlaytimeSession),
    )
