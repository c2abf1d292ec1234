"""Around every request, whatever becomes of it: number, caller, trace, metrics, access log, last answer.

Litestar's own middleware runs after routing, so unknown paths and methods would pass it by; this stands in front.
"""

import re
from collections.abc import Sequence
from time import perf_counter

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send
from opentelemetry.trace import Span, StatusCode
from prometheus_client import CollectorRegistry, Gauge

from library_adapters.telemetry import DoorMetrics, FrequentLog, Tracing
from library_api.client_address import Network, client_address
from library_api.errors import refuse
from library_api.headers import values_of
from library_api.metering import quota_headers
from library_domain.shared.caller import Caller, acting, current_caller
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import IdSource

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID_NAME = REQUEST_ID_HEADER.lower().encode()
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_MAX_AGENT_CHARACTERS = 256
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERROR = 500
_UNMATCHED = "unmatched"
_TRACE_CONTEXT = {"traceparent": b"traceparent", "tracestate": b"tracestate"}
_access_log = FrequentLog(__name__)


class Boundary:
    """The outermost ASGI application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        ids: IdSource,
        tracing: Tracing,
        registry: CollectorRegistry,
        trusted_proxies: Sequence[Network],
    ) -> None:
        self._app = app
        self._ids = ids
        self._tracing = tracing
        self._trusted_proxies = trusted_proxies
        self._metrics = DoorMetrics("rest", registry)
        self._in_progress = Gauge(
            "library_requests_in_progress",
            "Requests that are being answered.",
            ("door",),
            registry=registry,
        ).labels("rest")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other scopes pass through."""
        if scope["type"] == ScopeType.HTTP:
            await self._observe(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _observe(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "HTTP"
        context = {
            name: values[0] for name, sent in _TRACE_CONTEXT.items() if (values := values_of(scope, sent))
        }
        with (
            acting(self._caller(scope)),
            self._in_progress.track_inprogress(),
            self._tracing.continued(context, method) as span,
        ):
            await self._serve(scope, receive, send, method=method, span=span)

    def _caller(self, scope: HTTPScope) -> Caller:
        """Return what is known of the caller before the token is: the audit has it of every request."""
        client = scope.get("client")
        given = values_of(scope, b"x-request-id")
        known = len(given) == 1 and _REQUEST_ID.fullmatch(given[0])
        agent = next(iter(values_of(scope, b"user-agent")), "")
        if not agent.isprintable():
            agent = "".join(filter(str.isprintable, agent))
        return Caller(
            ip_address=client_address(
                client[0] if client else None,
                values_of(scope, b"x-forwarded-for"),
                trusted=self._trusted_proxies,
            ),
            user_agent=agent[:_MAX_AGENT_CHARACTERS] or None,
            request_id=given[0] if known else str(self._ids.new()),
        )

    async def _serve(
        self, scope: HTTPScope, receive: Receive, send: Send, *, method: str, span: Span
    ) -> None:
        response = _Response(scope, send)
        started = perf_counter()
        try:
            _refuse_two_hosts(scope)
            await self._app(scope, receive, response.send)
        except Exception as error:
            if response.status is not None:
                # The client has the head of an answer already: only a broken connection tells it that this is no end.
                raise
            await refuse(scope, receive, response.send, error)
        finally:
            self._record(scope, response, method=method, seconds=perf_counter() - started, span=span)

    def _record(
        self, scope: HTTPScope, response: "_Response", *, method: str, seconds: float, span: Span
    ) -> None:
        """Tell metrics, trace and log how it ended, by route template: neither ids nor query nor headers are in it."""
        route: str = scope.get("path_template", _UNMATCHED)
        # A path that was found and has no operation was asked for its OPTIONS.
        operation = scope["route_handler"].opt.get("operation", method) if route != _UNMATCHED else _UNMATCHED
        outcome = str(response.status or "aborted")
        self._metrics.observe(operation, outcome=outcome, seconds=seconds)
        failed = response.status is None or response.status >= _SERVER_ERROR
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {"http.request.method": method, "http.route": route, "library.operation": operation}
            )
            if response.status is not None:
                span.set_attribute("http.response.status_code", response.status)
            if failed:
                span.set_status(StatusCode.ERROR)
        with acting(scope.get("user") or current_caller()):
            _access_log(
                "WARNING" if failed else "INFO",
                f"{method} {route} {outcome}",
                method=method,
                route=route,
                operation=operation,
                status=response.status,
                duration_ms=round(seconds * 1000, 3),
            )


def _refuse_two_hosts(scope: HTTPScope) -> None:
    """Raise ValidationFailed when two hosts are named (RFC 9112 3.2): a proxy in front may have read the other."""
    if len(values_of(scope, b"host")) > 1:
        raise ValidationFailed(field="Host", reason="repeated")


class _Response:
    """What goes out: watched for its status, and given the headers that every answer bears."""

    def __init__(self, scope: HTTPScope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Pass a message on to the client."""
        if message["type"] == "http.response.start":
            self._complete(message)
        await self._send(message)

    def _complete(self, head: HTTPResponseStartEvent) -> None:
        self.status = head["status"]
        # Nothing further inside sets these headers, so nothing is doubled.
        head["headers"] = [
            *head["headers"],
            (_REQUEST_ID_NAME, (current_caller().request_id or "").encode()),
            _NO_SNIFFING,
            *quota_headers(self._scope),
        ]
