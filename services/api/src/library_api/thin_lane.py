"""A thin lane in front of Litestar for what is asked for most (architecture, "What makes it fast").

It runs the same endpoints behind the same guards and answers the same bytes; what it spares is how Litestar finds a route,
reads parameters and makes an answer, which would be a third of such a request. It takes only what it knows wholly: a
plain GET for a game, or for a list by a query that Litestar has read once, and a plain POST that starts, keeps alive or ends
a session. The rest is Litestar's, and so is every URL that is refused.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from litestar import Litestar, Response
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.serialization import encode_json
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from library_api.application import Application
from library_api.errors import refuse
from library_api.request import StrictRequest
from library_api.routes.library import check_access, list_library, show_item
from library_api.routes.library_query import ASKED, Asked
from library_api.routes.sessions import (
    end_session,
    end_session_of_game,
    record_heartbeat,
    start_session,
    start_session_of_game,
)

_GAME = "{game_id}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""As we spell ids; other spellings are Litestar's, with all that is no id at all."""
_HOST = re.compile(rb"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")
"""A host that nobody has anything against. Litestar looks at the others."""
_JSON = (b"content-type", b"application/json")
_MAX_QUERIES = 1_000
_MAX_QUERY_BYTES = 256
_TAKEN = (
    list_library,
    show_item,
    check_access,
    start_session,
    start_session_of_game,
    record_heartbeat,
    end_session,
    end_session_of_game,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A path of an endpoint."""

    handler: HTTPRouteHandler
    template: str
    defaults: Mapping[str, str]
    """Headers of every answer of it that says nothing else."""
    headers: Sequence[tuple[bytes, bytes]]
    """The same, as they are sent."""
    takes_query: bool
    takes_body: bool


class ThinLane:
    """Answers what it knows, and hands on all else."""

    def __init__(self, app: Litestar, application: Application, *, guards: Sequence[ASGIMiddleware]) -> None:
        """Stand in front of `app`.

        `guards` are those of its middleware, in their order, that have something to say about a GET or a POST whose
        query is in order.
        """
        self._app = app
        self._application = application
        ways = list(_ways(app))
        self._fixed = {way.template: way for way in ways if _GAME not in way.template}
        self._games = [way for way in ways if _GAME in way.template]
        self._game = re.compile("|".join(_pattern(way.template) for way in self._games))
        self._queries: OrderedDict[bytes, Asked] = OrderedDict()
        # A page of another origin gets headers that Litestar makes.
        self._has_origins = bool(application.cors_origins)
        # Like Litestar's: guards see an endpoint's refusal as any other answer, and what they raise is answered too.
        serve: ASGIApp = partial(_refusing, app=self._answer)
        for guard in reversed(guards):
            serve = partial(guard.handle, next_app=serve)
        self._serve: ASGIApp = partial(_refusing, app=serve)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP or (entered := self._find(scope)) is None:
            await self._app(scope, receive, send)
            return
        way, parameters = entered
        arguments: dict[str, Any] = {**parameters}
        if way.takes_query:
            query = scope["query_string"]
            asked = self._queries.get(query)
            if asked is None:
                await self._app(scope, receive, send)
                self._remember(query, scope["state"].get(ASKED))
                return
            self._queries.move_to_end(query)
            arguments |= {"asked": asked, "request": StrictRequest(scope, receive, send)}
        # What Litestar's router would tell, which guards and boundary look at.
        scope["app"] = scope["litestar_app"] = self._app
        scope["route_handler"] = way.handler
        scope["path_template"] = way.template
        scope["path_params"] = parameters
        scope.setdefault("state", {})[_ENTERED] = (way, arguments)
        await self._serve(scope, receive, send)

    def _find(self, scope: HTTPScope) -> tuple[_Way, dict[str, str]] | None:
        """Return the way of a request and what its path says; None if it is Litestar's."""
        path, parameters = scope["path"], {}
        way = self._fixed.get(path)
        if way is None:
            found = self._game.fullmatch(path)
            if found is None:
                return None
            place = found.lastindex or 0
            way, parameters = self._games[place - 1], {"game_id": found[place]}
        if scope["method"] not in way.handler.http_methods or not self._is_plain(scope):
            return None
        if scope["query_string"] and not way.takes_query:
            return None
        return way, parameters

    def _is_plain(self, scope: HTTPScope) -> bool:
        """Tell whether Litestar would do nothing about the request but find its route."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None or scope.get("root_path"):
            return False
        return not self._has_origins or all(name != b"origin" for name, _ in scope["headers"])

    def _remember(self, query: bytes, asked: Asked | None) -> None:
        """Keep what Litestar made of a query that many send; it depends on nothing else."""
        if asked is None or asked.is_personal or len(query) > _MAX_QUERY_BYTES:
            return
        self._queries[query] = asked
        if len(self._queries) > _MAX_QUERIES:
            self._queries.popitem(last=False)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the endpoint: the innermost application, behind all guards."""
        way, arguments = scope["state"][_ENTERED]
        if way.takes_body:
            # Bounded in size and time, and strict, as for Litestar: it is the same request.
            arguments["data"] = await StrictRequest(scope, receive, send).json()
        answered = await way.handler.fn(application=self._application, **arguments)
        headers = way.headers
        if isinstance(answered, Response):
            headers = _encoded({**way.defaults, **answered.headers})
            answered = answered.content
        body = encode_json(answered)
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": way.handler.status_code,
            "headers": [*headers, _JSON, (b"content-length", b"%d" % len(body))],
        }
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})


_ENTERED = "thin_lane"
"""The scope's state holds under this name which way a request goes, and with what."""


async def _refusing(scope: Scope, receive: Receive, send: Send, *, app: ASGIApp) -> None:
    """Answer whatever the application raises before it has begun to answer."""
    has_begun = False

    async def send_on(message: Message) -> None:
        nonlocal has_begun
        has_begun = True
        await send(message)

    try:
        await app(scope, receive, send_on)
    except Exception as error:
        if has_begun:
            raise
        await refuse(scope, receive, send, error)


def _ways(app: Litestar) -> Iterator[_Way]:
    """Yield every path of what is taken."""
    functions: set[Any] = {each.fn for each in _TAKEN}
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if handler.fn in functions:
                defaults = {each.name: str(each.value) for each in handler.resolve_response_headers()}
                yield _Way(
                    handler=handler,
                    template=route.path_format,
                    defaults=defaults,
                    headers=_encoded(defaults),
                    takes_query=handler.fn is list_library.fn,
                    takes_body=handler.parsed_data_field is not None,
                )


def _encoded(headers: Mapping[str, str]) -> Sequence[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _pattern(template: str) -> str:
    before, _, behind = template.partition(_GAME)
    return f"{re.escape(before)}({_UUID}){re.escape(behind)}"
