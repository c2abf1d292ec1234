"""OPTIONS tells every method of a path: Litestar tells those of the handler that was registered first."""

from collections import defaultdict
from collections.abc import Mapping

from litestar import Litestar
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import HttpMethod, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send

METHODS = "methods"
"""The application's state holds `methods_of` under this name."""


def methods_of(app: Litestar) -> Mapping[str, str]:
    """Return by path template what its Allow header says."""
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            methods[route.path_format] |= set(route.methods)
    return {path: ", ".join(sorted(each)) for path, each in methods.items()}


class ToldMethods(ASGIMiddleware):
    """Corrects the answer to OPTIONS."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass everything else on as it is."""
        if scope.get("method") != HttpMethod.OPTIONS:
            await next_app(scope, receive, send)
            return
        allowed: Mapping[str, str] = scope["litestar_app"].state[METHODS]

        async def send_corrected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers["Allow"] = allowed.get(scope["path_template"], headers.get("Allow", ""))
            await send(message)

        await next_app(scope, receive, send_corrected)
