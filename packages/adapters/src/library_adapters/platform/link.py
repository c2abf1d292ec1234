"""The way to one service of the platform: a connection, our token, limits and a circuit breaker, a span per try."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from grpclib.client import Channel
from grpclib.const import Status
from grpclib.encoding.proto import ProtoCodec
from grpclib.exceptions import GRPCError
from opentelemetry import trace
from prometheus_client import CollectorRegistry

from library_adapters.platform.calls import Calls
from library_adapters.platform.service_token import ServiceToken
from library_adapters.platform.settings import ServiceSettings
from library_adapters.telemetry import trace_headers
from library_domain.shared.caller import current_caller

AnswerT = TypeVar("AnswerT")
Metadata = Mapping[str, str]


class Link:
    """Construct it inside the running event loop; it connects at the first call, and again whenever that is needed.

    `channel` is for the service's stub, which is given `settings.limits.try_seconds` as its timeout.
    """

    def __init__(
        self,
        dependency: str,
        settings: ServiceSettings,
        *,
        registry: CollectorRegistry,
        tracer_provider: trace.TracerProvider,
        monotonic: Callable[[], float],
    ) -> None:
        """`dependency` is what metrics and errors call it; `monotonic` the circuit's clock, in seconds."""
        host, _, port = settings.address.rpartition(":")
        self.channel = Channel(host, int(port), ssl=settings.tls or None, codec=_AnswerCodec())
        self._token = ServiceToken(settings)
        # A connection to a machine that vanished looks alive for minutes: the probe must not go through it.
        self._calls = Calls(
            dependency,
            settings.limits,
            registry=registry,
            on_open=self.channel.close,
            clock=_Clock(monotonic),
        )
        self._tracer = tracer_provider.get_tracer("library_adapters.platform")

    async def call(self, method: str, attempt: Callable[[Metadata], Awaitable[AnswerT]]) -> AnswerT:
        """Return what `attempt` answers; it is given the metadata to send, once per try.

        Raises DependencyUnavailable when the service, or the issuer of our token, does not answer in time.
        """
        token = await self._token.get()
        return await self._calls(partial(self._try, method, attempt, token))

    async def close(self) -> None:
        """Close the connections; calls that still run fail."""
        self.channel.close()
        await self._token.close()

    async def _try(
        self, method: str, attempt: Callable[[Metadata], Awaitable[AnswerT]], token: str
    ) -> AnswerT:
        with self._tracer.start_as_current_span(
            method,
            kind=trace.SpanKind.CLIENT,
            attributes={"rpc.system": "grpc"},
            record_exception=False,
        ):
            try:
                return await attempt(_metadata(token))
            except GRPCError as error:
                if error.status is Status.UNAUTHENTICATED:
                    self._token.forget(token)
                raise


class _AnswerCodec(ProtoCodec):
    """Turns whatever betterproto raises on bad bytes (five builtin types, reliability 2 #4) into one error."""

    def decode(self, data: bytes, message_type: type) -> object:  # type: ignore[override] # grpclib types messages as google's
        """Return the message."""
        try:
            return super().decode(data, message_type)
        except Exception as error:
            raise GRPCError(Status.INTERNAL, f"malformed {message_type.__name__}") from error


class _Clock:
    """Makes a function the breaker's clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic


def _metadata(token: str) -> Metadata:
    metadata = {"authorization": f"Bearer {token}", **trace_headers()}
    if request_id := current_caller().request_id:
        metadata["x-request-id"] = request_id
    return metadata
