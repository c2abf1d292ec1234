"""ETags from the user's revision (data 15): a client that has the newest is told so before any page is read."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version

from litestar.enums import HttpMethod, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Message,
    Receive,
    Scope,
    Send,
)

from library_api.application import UseCase
from library_api.headers import values_of
from library_api.media_types import wanted
from library_domain.library.queries import Version
from library_domain.library.use_cases.show_version import ShowVersion
from library_domain.shared.caller import current_caller
from library_domain.shared.errors import Unauthenticated
from library_domain.shared.ids import UserId

VERSIONED = "versioned"
"""An operation whose `opt` says so answers from the caller's data alone, so their version tells when it changed.

An answer that says `no-store` is excepted: it gets no ETag.
"""
VERSION = "version"
"""Under this name the scope's state holds the Version that was read for the request."""
VARY = "Accept-Encoding, Authorization"
"""Two users of one browser may be at the same revision."""
CACHE_CONTROL = "private, no-cache"
"""A client may keep what it got, but asks before it shows it again; shared caches keep nothing."""
NO_STORE = "no-store"
"""What is true for a moment only (data 15)."""
_LIVE = (b"cache-control", NO_STORE.encode())
_RELEASE = version("library-api")
_OK = 200
_NOT_MODIFIED = 304
_MAX_TAGS = 64
_ANYTHING = "*"
_TARGET_CHARACTERS = 16


class Conditional(ASGIMiddleware):
    """Gives versioned answers their ETag, and spares a client what it has."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, show_version: UseCase[ShowVersion, Version]) -> None:
        self._show_version = show_version

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer 304 if the client's ETag is current. Raises what reading the version raises."""
        if scope.get("method") != HttpMethod.GET or not scope["route_handler"].opt.get(VERSIONED):
            await next_app(scope, receive, send)
            return
        actor = current_caller().actor_id
        if actor is None:
            raise Unauthenticated
        # Read before the page: what changes in between makes the next request's ETag new, and no change is missed.
        current = await self._show_version(ShowVersion(user_id=UserId(actor)))
        scope["state"][VERSION] = current
        tag = etag(current, of=_target(scope))
        known = _tags(values_of(scope, b"if-none-match"))
        if tag.removeprefix("W/") in known:
            await _send_not_modified(send, tag, vary=_vary(scope))
            return
        # A star means: if there is anything at all. Only the endpoint knows that.
        is_spared = _ANYTHING in known
        is_swallowed = False

        async def send_tagged(message: Message) -> None:
            nonlocal is_swallowed
            if message["type"] == "http.response.start" and message["status"] == _OK:
                is_live = _LIVE in message["headers"]
                is_swallowed = is_spared and not is_live
                if not is_live:
                    # No endpoint sets these headers itself, so nothing is doubled.
                    more = [(b"etag", tag.encode()), (b"vary", _vary(scope).encode())]
                    message["headers"] = [*message["headers"], *more]
            if not is_swallowed:
                await send(message)

        await next_app(scope, receive, send_tagged)
        if is_swallowed:
            await _send_not_modified(send, tag, vary=_vary(scope))


def etag(current: Version, *, of: bytes) -> str:
    """Return the ETag of what is answered from this version to a request of this target.

    Whoever has it was answered 200 there. One tag for all targets would be a 304 for what is not there, or is no proper
    request (RFC 9110 13.2.1).
    """
    target = hashlib.sha256(of).hexdigest()[:_TARGET_CHARACTERS]
    return f'W/"{_RELEASE}.{current.timeline}.{current.epoch}.{current.revision}.{target}"'


def _target(scope: Scope) -> bytes:
    target = scope["path"].encode("utf-8", "surrogateescape") + b"?" + scope["query_string"]
    form = wanted(scope)
    return target if form is None else target + b" " + form.encode()


def _vary(scope: Scope) -> str:
    return VARY if wanted(scope) is None else f"Accept, {VARY}"


def cursor_prefix(current: Version) -> str:
    """Return what a cursor outlives neither: the release and the database's timeline (data 15)."""
    return f"{_RELEASE}.{current.timeline}"


def _tags(lines: Iterable[str]) -> set[str]:
    """Return the tags as they are compared: weakly (RFC 9110 13.1.2). No tag of ours has a comma in it."""
    given = (each.strip() for line in lines for each in line.split(",", _MAX_TAGS)[:_MAX_TAGS])
    return {each.removeprefix("W/") for each in given}


async def _send_not_modified(send: Send, tag: str, *, vary: str) -> None:
    headers = {"etag": tag, "cache-control": CACHE_CONTROL, "vary": vary}
    start: HTTPResponseStartEvent = {
        "type": "http.response.start",
        "status": _NOT_MODIFIED,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    body: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}
    await send(start)
    await send(body)
