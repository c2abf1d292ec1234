"""Around every call, whatever becomes of it: number, caller, trace, time limit, metrics, last answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

from grpclib.const import Status
from grpclib.events import RecvRequest, SendTrailingMetadata
from grpclib.server import Stream
from h2.exceptions import StreamClosedError
from loguru import logger
from opentelemetry.trace import Span, StatusCode

from library_adapters.telemetry import DoorMetrics, Tracing
from library_domain.shared.caller import Caller, acting
from library_domain.shared.ids import IdSource
from library_grpc.admission import Admission
from library_grpc.doorkeeper import Doorkeeper
from library_grpc.errors import OUR_FAULT, refusal_for, too_late

REQUEST_ID = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_MAX_AGENT_CHARACTERS = 256
_TRACE_CONTEXT = ("traceparent", "tracestate")

Method = Callable[[Stream[Any, Any]], Awaitable[None]]


class Boundary:
    """Stands between grpclib and the methods: `admit` listens to RecvRequest, `label` to SendTrailingMetadata."""

    def __init__(
        self,
        operations: Mapping[str, str],
        *,
        admission: Admission,
        doorkeeper: Doorkeeper,
        ids: IdSource,
        tracing: Tracing,
        metrics: DoorMetrics,
        call_seconds: float,
    ) -> None:
        self._operations = operations
        self._admission = admission
        self._doorkeeper = doorkeeper
        self._ids = ids
        self._tracing = tracing
        self._metrics = metrics
        self._call_seconds = call_seconds

    async def admit(self, event: RecvRequest) -> None:
        """Wrap the method that is called. Health and reflection are open to all and stay as they are."""
        operation = self._operations.get(event.method_name)
        if operation is not None:
            event.method_func = partial(self._serve, event.method_func, event.method_name, operation)

    async def label(self, event: SendTrailingMetadata) -> None:
        """Give refusals that grpclib itself writes, those of the caller's deadline, their `error-code`."""
        if event.status is Status.DEADLINE_EXCEEDED:
            event.metadata.setdefault("error-code", too_late().slug)

    async def _serve(self, method: Method, path: str, operation: str, stream: Stream[Any, Any]) -> None:
        caller = self._caller(stream)
        context = {name: value for name in _TRACE_CONTEXT if (value := _single(stream, name))}
        service, _, name = path.strip("/").partition("/")
        with (
            acting(caller),
            self._tracing.continued(
                context,
                f"{service}/{name}",
                attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
            ) as span,
        ):
            started = perf_counter()
            status = Status.CANCELLED  # what it is when nobody is left to be answered
            try:
                status = await self._answer(method, operation, stream, caller)
            except asyncio.CancelledError:
                if stream.deadline is not None and not stream.deadline.time_remaining():
                    status = Status.DEADLINE_EXCEEDED
                raise
            except StreamClosedError:
                logger.debug("the caller of {} left before the answer", operation)
            finally:
                seconds = perf_counter() - started
                self._metrics.observe(operation, outcome=status.name, seconds=seconds)
                _tell(span, status)
                logger.info(
                    "call", operation=operation, status=status.name, duration_ms=round(seconds * 1000, 3)
                )

    async def _answer(
        self, method: Method, operation: str, stream: Stream[Any, Any], caller: Caller
    ) -> Status:
        """Call the method; send its refusal if it refuses; return the status."""
        limit = asyncio.timeout(self._call_seconds)
        try:
            self._admission.enter()
            async with limit:
                authorization = _single(stream, "authorization")
                with acting(await self._doorkeeper.admit(operation, authorization, caller)):
                    _refuse_late(stream)
                    await method(stream)
        except StreamClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer and the log the rest
            over = isinstance(error, TimeoutError) and limit.expired()
            refusal = too_late() if over else refusal_for(error)
            await stream.send_trailing_metadata(
                status=refusal.status,
                status_message=refusal.message,
                metadata={"error-code": refusal.slug, REQUEST_ID: caller.request_id or ""},
            )
            return refusal.status
        return Status.OK

    def _caller(self, stream: Stream[Any, Any]) -> Caller:
        """Return what is known of the caller before the token is."""
        given = _single(stream, REQUEST_ID)
        agent = "".join(filter(str.isprintable, stream.user_agent or ""))
        peer = stream.peer.addr()
        return Caller(
            ip_address=peer[0] if peer else None,
            user_agent=agent[:_MAX_AGENT_CHARACTERS] or None,
            request_id=given if given and _REQUEST_ID.fullmatch(given) else str(self._ids.new()),
        )


def _single(stream: Stream[Any, Any], name: str) -> str | None:
    """Return the metadatum if it was sent once, as text; of two, none is the right one."""
    values = stream.metadata.getall(name, []) if stream.metadata else []
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def _refuse_late(stream: Stream[Any, Any]) -> None:
    """Raise Refusal if the caller does not wait any more: verifying the token may have taken that long."""
    if stream.deadline is not None and not stream.deadline.time_remaining():
        raise too_late()


def _tell(span: Span, status: Status) -> None:
    span.set_attribute("rpc.grpc.status_code", status.value)
    if status in OUR_FAULT:
        span.set_status(StatusCode.ERROR)
