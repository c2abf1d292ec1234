"""gzip for larger answers, when asked for (contract 2).

Litestar's own takes `gzip;q=0` for a yes, and stands behind our middleware, so a stored answer would be stored packed.
"""

import gzip
import re

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from library_api.headers import values_of

MINIMUM_BYTES = 1024
MAXIMUM_BYTES = 1024 * 1024
"""More would hold up every other request of the process; no answer but a file of the documentation is so large."""
_VARIES = "Accept-Encoding"
_LEVEL = 4
"""Most of the gain at a third of the time of level 9."""
_PACKED_TYPES = (b"application/json", b"application/vnd.oai.openapi", b"text/")
_MAX_CODINGS = 32
_NOTHING = re.compile(r"0(\.0*)?")


class Compression:
    """Packs answers that come in one piece, as all of ours do; whatever streams passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == ScopeType.HTTP:
            send = _Packing(send, is_wanted=accepts_gzip(values_of(scope, b"accept-encoding"))).send
        await self._app(scope, receive, send)


def accepts_gzip(lines: list[str]) -> bool:
    """Tell whether the client takes gzip (RFC 9110 12.5.3): by name, else by `*`, with a weight above 0."""
    weights: dict[str, bool] = {}
    for part in ",".join(lines).split(",", _MAX_CODINGS)[:_MAX_CODINGS]:
        coding, _, parameter = part.partition(";")
        key, _, weight = parameter.partition("=")
        is_refused = key.strip().lower() == "q" and _NOTHING.fullmatch(weight.strip()) is not None
        weights[coding.strip().lower()] = not is_refused
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


class _Packing:
    """Holds the head back until the body is known."""

    def __init__(self, send: Send, *, is_wanted: bool) -> None:
        self._send = send
        self._is_wanted = is_wanted
        self._head: HTTPResponseStartEvent | None = None

    async def send(self, message: Message) -> None:
        """Pass a message on, packed if that is wanted and worth it."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None and message["type"] == "http.response.body":
            is_whole = not message.get("more_body", False)
            if is_whole and MINIMUM_BYTES <= len(message["body"]) <= MAXIMUM_BYTES and _is_packable(head):
                headers = MutableScopeHeaders.from_message(head)
                if _VARIES not in headers.get("vary", ""):
                    headers.extend_header_value("vary", _VARIES)
                if self._is_wanted:
                    message["body"] = gzip.compress(message["body"], _LEVEL, mtime=0)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(message["body"]))
        if head is not None:
            await self._send(head)
        await self._send(message)


def _is_packable(head: HTTPResponseStartEvent) -> bool:
    headers = dict(head["headers"])
    return headers.get(b"content-type", b"").startswith(_PACKED_TYPES) and b"content-encoding" not in headers
