"""The gRPC door in this process, on loopback, with real tokens and scripted use cases."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

import pytest
from grpclib.client import Channel
from grpclib.const import Cardinality, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError
from grpclib.metadata import Deadline
from joserfc import jwt
from joserfc.jwk import ECKey
from loguru import logger
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from library_adapters.postgres.deadline import within
from library_adapters.system import SystemClock, Uuid7Source
from library_adapters.telemetry import Tracing, TracingSettings
from library_adapters.tokens import TokenSettings, TokenVerifier, open_verifier
from library_domain.library.model import Access, Via
from library_domain.library.queries import LibraryPage
from library_domain.library.use_cases.check_game_ownership import Ownership
from library_grpc._generated.library.v1 import (
    LibraryCommandServiceStub,
    LibraryQueryServiceStub,
    LibraryServiceStub,
)
from library_grpc.application import Application
from library_grpc.server import LibraryServer
from library_grpc.settings import GrpcSettings

ISSUER = "https://issuer.test"
SERVICE = UUID("018f0000-0000-7000-8000-00000000005e")
USER = "018f0000-0000-7000-8000-000000000001"
GAME = "018f0000-0000-7000-8000-000000000002"
ACCESS = "/library.v1.LibraryQueryService/CheckGameAccess"

Mint = Callable[..., dict[str, str]]


class Script:
    """A use case that does as it is told, and remembers what it was asked."""

    def __init__(self, answer: object) -> None:
        self.asked: list[Any] = []
        self.does: Callable[[], Awaitable[object]] | None = None
        self.raises: Exception | None = None
        self._answer = answer

    def answers(self, answer: object) -> None:
        self._answer = answer

    async def __call__(self, query: Any) -> Any:
        self.asked.append(query)
        if self.raises is not None:
            raise self.raises
        if self.does is not None:
            await self.does()
        return self._answer


class RawCodec(CodecBase):
    """Sends and shows bytes as they are."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


@dataclass
class Door:
    """A running server and a client of it."""

    server: LibraryServer
    channel: Channel
    raw: Channel
    registry: CollectorRegistry
    spans: InMemorySpanExporter
    list_library: Script
    check_access: Script
    batch_check_access: Script
    check_ownership: Script
    show_lifetime: Script
    show_stats: Script
    start_session: Script
    end_session: Script
    stub: LibraryQueryServiceStub = field(init=False)
    commands: LibraryCommandServiceStub = field(init=False)
    examples: LibraryServiceStub = field(init=False)

    def __post_init__(self) -> None:
        self.stub = LibraryQueryServiceStub(self.channel, timeout=5)
        self.commands = LibraryCommandServiceStub(self.channel, timeout=5)
        self.examples = LibraryServiceStub(self.channel, timeout=5)

    def counted(self, operation: str, outcome: str) -> float:
        labels = {"door": "grpc", "operation": operation, "outcome": outcome}
        return self.registry.get_sample_value("library_requests_total", labels) or 0.0


@dataclass
class Refused:
    """How a call was refused."""

    status: Status
    message: str
    trailers: dict[str, str]


async def refused(
    channel: Channel,
    route: str = ACCESS,
    *,
    message: bytes = b"",
    frames: bytes | None = None,
    metadata: dict[str, str] | None = None,
    deadline: float | None = None,
    end: bool = True,
) -> Refused:
    """Make a raw call that must fail.

    `frames` replaces the framed message; `deadline` (seconds) is told to the server and not watched on this side.
    """
    stream = channel.request(route, Cardinality.UNARY_UNARY, bytes, bytes, metadata=metadata or {})
    try:
        async with asyncio.timeout(5), stream:
            if deadline is not None:
                stream._deadline = Deadline.from_timeout(deadline)
            await stream.send_request()
            sent = frames if frames is not None else b"\0" + len(message).to_bytes(4, "big") + message
            await stream._stream.send_data(sent, end_stream=end)
            stream._end_done = True
            await stream.recv_message()
    except GRPCError as error:
        return Refused(
            error.status,
            error.message or "",
            {name: str(value) for name, value in (stream.trailing_metadata or {}).items()},
        )
    raise AssertionError("the call was answered")


@pytest.fixture(scope="session")
def signing_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "test", "alg": "ES256", "use": "sig"})


@pytest.fixture(scope="session")
def mint(signing_key: ECKey) -> Mint:
    """Return the metadata that bear a token."""

    def mint(role: str = "system", *, lives: int = 300) -> dict[str, str]:
        now = int(time())
        claims = {
            "iss": ISSUER,
            "aud": "library-service",
            "sub": str(SERVICE),
            "iat": now + min(0, lives) - 60,
            "exp": now + lives,
            "role": role,
        }
        token = jwt.encode({"alg": "ES256", "kid": "test", "typ": "JWT"}, claims, signing_key)
        return {"authorization": f"Bearer {token}"}

    return mint


@pytest.fixture(scope="session")
def jwks_file(signing_key: ECKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jwks") / "jwks.json"
    path.write_text(json.dumps({"keys": [signing_key.as_dict(private=False)]}))
    return path


@pytest.fixture(scope="session")
async def verifier(jwks_file: Path) -> AsyncIterator[TokenVerifier]:
    settings = TokenSettings(issuer=ISSUER, jwks_file=jwks_file)
    async with open_verifier(settings, clock=SystemClock(), registry=CollectorRegistry()) as verifier:
        yield verifier


OpenDoor = Callable[..., Any]


@pytest.fixture(scope="session")
def open_door(verifier: TokenVerifier) -> OpenDoor:
    """Return a context manager that runs a server with the given settings."""

    @asynccontextmanager
    async def open_door(**settings: Any) -> AsyncIterator[Door]:
        spans, registry = InMemorySpanExporter(), CollectorRegistry()
        tracing = Tracing(TracingSettings(ratio=1.0), component="grpc", exporter=spans)
        scripts = {
            "list_library": Script(LibraryPage(items=[], total=0, next=None)),
            "check_access": Script(Access(allowed=True, via=Via.OWNED)),
            "batch_check_access": Script([]),
            "check_ownership": Script(Ownership(owned=False)),
            "show_lifetime": Script(None),
            "show_stats": Script(None),
            "start_session": Script(None),
            "end_session": Script(None),
        }
        application = Application(
            **scripts,
            within=within,
            tokens=verifier,
            ids=Uuid7Source(),
            tracing=tracing,
            registry=registry,
        )
        server = LibraryServer(application, GrpcSettings(**{"port": 0, "notice_seconds": 0.0} | settings))
        async with (
            server,
            Channel("127.0.0.1", server.port) as channel,
            Channel("127.0.0.1", server.port, codec=RawCodec()) as raw,
        ):
            yield Door(server, channel, raw, registry, spans, **scripts)
        tracing.close()

    return open_door


@pytest.fixture
async def door(open_door: OpenDoor) -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


@pytest.fixture
def errors_logged() -> Iterator[list[str]]:
    """Collect what is logged as an error."""
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="ERROR", format="{message}")
    yield lines
    logger.remove(sink)
