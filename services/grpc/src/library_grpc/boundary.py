"""Around every call, whatever becomes of it: number, caller, trace, time limit, metrics, last answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, cast

from grpclib.const import Status
from grpclib.events import RecvMessage, RecvRequest, SendTrailingMetadata
from grpclib.server import Stream
from h2.exceptions import StreamClosedError
from loguru import logger
from opentelemetry.trace import Span, StatusCode
from prometheus_client import CollectorRegistry, Gauge

from library_adapters.telemetry import DoorMetrics, FrequentLog, Tracing
from library_domain.shared.caller import Caller, acting
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import IdSource
from library_grpc.admission import Admission
from library_grpc.answers import UnaryStream, Writes
from library_grpc.doorkeeper import Doorkeeper
from library_grpc.errors import OUR_FAULT, Refusal, refusal_for, too_late

REQUEST_ID = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_MAX_AGENT_CHARACTERS = 256
_TRACE_CONTEXT = ("traceparent", "tracestate")

_call_log = FrequentLog(__name__)

Method = Callable[[Stream[Any, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGate:
    """How a method is entered that is open to all: so many at a time, for so many seconds (None: as long as they wish)."""

    admission: Admission
    seconds: float | None


class Boundary:
    """Stands between grpclib and the methods.

    `admit` listens to RecvRequest, `begin` to RecvMessage, `label` to SendTrailingMetadata.

    `operations` are the methods behind the doorkeeper, `open_to_all` the others, each with the gate that it passes.
    `within` hands the caller's deadline to the stores. `whole_answers`: see `answers`.
    """

    def __init__(
        self,
        operations: Mapping[str, str],
        *,
        open_to_all: Mapping[str, OpenGate],
        admission: Admission,
        doorkeeper: Doorkeeper,
        within: Callable[[float | None], AbstractContextManager[None]],
        ids: IdSource,
        tracing: Tracing,
        registry: CollectorRegistry,
        call_seconds: float,
        whole_answers: bool,
    ) -> None:
        self._operations = operations
        self._open_to_all = open_to_all
        self._admission = admission
        # Each knows its own calls.
        self._admissions = [admission, *{gate.admission for gate in open_to_all.values()}]
        self._doorkeeper = doorkeeper
        self._within = within
        self._ids = ids
        self._tracing = tracing
        self._metrics = DoorMetrics("grpc", registry)
        self._in_progress = Gauge(
            "library_requests_in_progress",
            "Requests that are being answered.",
            ("door",),
            registry=registry,
        ).labels("grpc")
        self._call_seconds = call_seconds
        self._writes = Writes() if whole_answers else None

    async def admit(self, event: RecvRequest) -> None:
        """Wrap the method that is called."""
        operation = self._operations.get(event.method_name)
        if operation is not None:
            event.method_func = partial(self._serve, event.method_func, event.method_name, operation)
        else:
            gate = self._open_to_all[event.method_name]
            event.method_func = partial(self._serve_all, event.method_func, gate)

    async def begin(self, _: RecvMessage) -> None:
        """Count the call as one that has its request. Raises Refusal when there are too many."""
        for admission in self._admissions:
            admission.begin()

    async def label(self, event: SendTrailingMetadata) -> None:
        """Give refusals that are not ours, those of the caller's deadline and of health, their `error-code`."""
        if event.status is Status.DEADLINE_EXCEEDED:
            event.metadata.setdefault("error-code", too_late().slug)
        elif event.status is not Status.OK:
            event.metadata.setdefault("error-code", event.status.name)

    async def _serve(self, method: Method, path: str, operation: str, stream: Stream[Any, Any]) -> None:
        caller = self._caller(stream)
        context = {name: value for name in _TRACE_CONTEXT if (value := _single(stream, name))}
        service, _, name = path.strip("/").partition("/")
        with (
            acting(caller),
            self._in_progress.track_inprogress(),
            self._tracing.continued(
                context,
                f"{service}/{name}",
                attributes={
                    "rpc.system": "grpc",
                    "rpc.service": service,
                    "rpc.method": name,
                    "library.operation": operation,
                    **_peer(stream),
                },
            ) as span,
        ):
            started = perf_counter()
            status = Status.CANCELLED  # what it is when nobody is left to be answered
            try:
                status = await self._answer(method, operation, stream, caller)
            except asyncio.CancelledError:
                if _is_late(stream):
                    status = Status.DEADLINE_EXCEEDED
                raise
            except StreamClosedError:
                logger.debug("the caller of {} left before the answer", operation)
            finally:
                seconds = perf_counter() - started
                self._metrics.observe(operation, outcome=status.name, seconds=seconds)
                _tell(span, status)
                _call_log(
                    "INFO",
                    "call",
                    operation=operation,
                    status=status.name,
                    duration_ms=round(seconds * 1000, 3),
                )

    async def _answer(
        self, method: Method, operation: str, stream: Stream[Any, Any], caller: Caller
    ) -> Status:
        """Call the method; send its refusal if it refuses; return the status."""
        limit = asyncio.timeout(self._call_seconds)
        try:
            async with limit:
                self._admission.enter(limit)
                authorization = _single(stream, "authorization")
                with acting(await self._doorkeeper.admit(operation, authorization, caller)):
                    _refuse_late(stream)
                    with self._within(_seconds_left(stream)):
                        await self._call(method, stream)
        except StreamClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer and the log the rest
            refusal = too_late() if _is_over(error, limit, stream) else refusal_for(error)
            await _refuse(stream, refusal, {REQUEST_ID: caller.request_id or ""})
            return refusal.status
        return Status.OK

    async def _call(self, method: Method, stream: Stream[Any, Any]) -> None:
        """Let the method, which is unary as all of ours, answer. Grpclib ends the call if nobody has."""
        if self._writes is None:
            await method(stream)
            return
        answer = UnaryStream(stream, self._writes)
        await method(cast("Stream[Any, Any]", answer))
        await answer.finish()

    async def _serve_all(self, method: Method, gate: OpenGate, stream: Stream[Any, Any]) -> None:
        """Call a method that is open to all: nobody is asked who they are, and nothing is counted."""
        limit = asyncio.timeout(gate.seconds)
        try:
            async with limit:
                gate.admission.enter(limit)
                await method(stream)
        except StreamClosedError:
            logger.debug("the caller left before the answer")
        except Exception as error:  # noqa: BLE001 - see `_answer`
            await _refuse(stream, too_late() if _is_over(error, limit, stream) else refusal_for(error), {})

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


async def _refuse(stream: Stream[Any, Any], refusal: Refusal, metadata: Mapping[str, str]) -> None:
    await stream.send_trailing_metadata(
        status=refusal.status,
        status_message=refusal.message,
        metadata={**refusal.trailers, **metadata},
    )


def _single(stream: Stream[Any, Any], name: str) -> str | None:
    """Return the metadatum if it was sent once, as text; of two, none is the right one."""
    values = stream.metadata.getall(name, []) if stream.metadata else []
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def _peer(stream: Stream[Any, Any]) -> dict[str, str | int]:
    peer = stream.peer.addr()
    return {"network.peer.address": peer[0], "network.peer.port": peer[1]} if peer else {}


def _seconds_left(stream: Stream[Any, Any]) -> float | None:
    """Return how long the caller waits yet; None: it did not say."""
    return None if stream.deadline is None else float(stream.deadline.time_remaining())


def _is_late(stream: Stream[Any, Any]) -> bool:
    """Tell whether the caller does not wait any more."""
    return _seconds_left(stream) == 0


def _refuse_late(stream: Stream[Any, Any]) -> None:
    """Raise Refusal if the caller does not wait any more: verifying the token may have taken that long."""
    if _is_late(stream):
        raise too_late()


def _is_over(error: Exception, limit: asyncio.Timeout, stream: Stream[Any, Any]) -> bool:
    """Tell whether the call failed because its time was over: the door's, or the caller's, which the stores heed."""
    if isinstance(error, TimeoutError):
        return limit.expired()
    return isinstance(error, DependencyUnavailable) and _is_late(stream)


def _tell(span: Span, status: Status) -> None:
    span.set_attribute("rpc.grpc.status_code", status.value)
    if status in OUR_FAULT:
        span.set_status(StatusCode.ERROR)
