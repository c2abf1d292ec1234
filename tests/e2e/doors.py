"""Clients of the front doors: REST and gRPC as a game client and a service would use them, Kafka on both sides."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self
from uuid import UUID

import httpx2
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from waiting import until

from library_devstack.events import PAYMENT_EVENTS, Envelope, open_producer, record
from library_devstack.standins.issuer import Issuer, client_user_id
from library_grpc._generated.library.v1 import (
    CheckGameAccessRequest,
    CheckGameAccessResponse,
    CheckGameOwnershipRequest,
    CheckGameOwnershipResponse,
    EndGameSessionRequest,
    EndGameSessionResponse,
    LibraryCommandServiceStub,
    LibraryQueryServiceStub,
    StartGameSessionRequest,
    StartGameSessionResponse,
)

BASE = "/api/v1/library"
_SECONDS = 5.0
_FETCH_WAIT_MILLISECONDS = 50
_MAX_RECORD_BYTES = 4 * 1024 * 1024


class Rest:
    """The REST door, for any user."""

    def __init__(self, url: str, issuer: Issuer) -> None:
        self._client = httpx2.AsyncClient(
            base_url=url, timeout=_SECONDS, trust_env=False, limits=httpx2.Limits(max_connections=50)
        )
        self._issuer = issuer
        self._tokens: dict[UUID, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(
        self, path: str, *, user: UUID | None = None, token: str | None = None, language: str | None = None
    ) -> httpx2.Response:
        """Ask as a user, with a token of the test's own, or with none."""
        headers = {"Accept-Language": language} if language else {}
        if user is not None:
            token = self._token(user)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return await self._client.get(path, headers=headers)

    async def post(self, path: str, body: Mapping[str, Any], *, user: UUID) -> httpx2.Response:
        """Change something as a user."""
        headers = {"Authorization": f"Bearer {self._token(user)}"}
        return await self._client.post(path, json=dict(body), headers=headers)

    def _token(self, user: UUID) -> str:
        return self._tokens.get(user) or self._tokens.setdefault(user, self._issuer.mint(user))

    async def item(self, user: UUID, game: UUID) -> httpx2.Response:
        """Ask for one game."""
        return await self.get(f"{BASE}/{game}", user=user)

    async def page(
        self, user: UUID, *, limit: int = 100, offset: int = 0, query: str = ""
    ) -> httpx2.Response:
        """Ask for a page of the library; `query` are further parameters."""
        return await self.get(f"{BASE}?limit={limit}&offset={offset}&{query}".rstrip("&"), user=user)

    async def visible(self, user: UUID, game: UUID) -> dict[str, Any] | None:
        """Return the game as the user sees it, None while it is not there. Nothing else is expected."""
        answer = await self.item(user, game)
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        assert answer.status_code == httpx2.codes.OK, answer.text
        item: dict[str, Any] = answer.json()["data"]
        return item

    async def wait_for(
        self, user: UUID, game: UUID, *, within: float = 15, every: float = 0.02
    ) -> dict[str, Any]:
        """Return the game as soon as the user sees it."""
        seen = await until(
            lambda: self.visible(user, game),
            within=within,
            every=every,
            what=f"{game} in the library of {user}",
        )
        assert seen is not None
        return seen


class Grpc:
    """The gRPC door, as another service of the platform uses it."""

    def __init__(self, address: str, issuer: Issuer) -> None:
        host, _, port = address.rpartition(":")
        self.channel = Channel(host, int(port))
        self._stub = LibraryQueryServiceStub(self.channel)
        self._commands = LibraryCommandServiceStub(self.channel)
        self._token = issuer.mint(client_user_id("tests"), "system")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.channel.close()

    async def access(self, user: UUID, game: UUID, *, token: str | None = None) -> CheckGameAccessResponse:
        """Ask whether the user may play; `token` "" means none at all."""
        return await self._stub.check_game_access(
            CheckGameAccessRequest(user_id=str(user), game_id=str(game)),
            timeout=_SECONDS,
            metadata=self._metadata(token),
        )

    async def may_play(self, user: UUID, game: UUID) -> bool:
        """Tell whether the user may play; False also while the service says that it is unavailable."""
        try:
            return (await self.access(user, game)).has_access
        except GRPCError as refused:
            if refused.status is not Status.UNAVAILABLE:
                raise
            return False

    async def ownership(self, user: UUID, game: UUID) -> CheckGameOwnershipResponse:
        """Ask whether and how the user owns the game."""
        return await self._stub.check_game_ownership(
            CheckGameOwnershipRequest(user_id=str(user), game_id=str(game)),
            timeout=_SECONDS,
            metadata=self._metadata(None),
        )

    async def start_session(self, user: UUID, game: UUID, device: str) -> StartGameSessionResponse:
        """Let the user begin to play, as a launcher would."""
        return await self._commands.start_game_session(
            StartGameSessionRequest(user_id=str(user), game_id=str(game), client_id=device, platform="linux"),
            timeout=_SECONDS,
            metadata=self._metadata(None),
        )

    async def end_session(self, user: UUID, session: str) -> EndGameSessionResponse:
        """Let the user stop playing."""
        return await self._commands.end_game_session(
            EndGameSessionRequest(user_id=str(user), session_id=session),
            timeout=_SECONDS,
            metadata=self._metadata(None),
        )

    def _metadata(self, token: str | None) -> dict[str, str]:
        token = self._token if token is None else token
        return {"authorization": f"Bearer {token}"} if token else {}


class Payments:
    """Payment: publishes to `payment-events`, every record acknowledged by the broker."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._opened = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        self._producer = await self._opened.enter_async_context(open_producer(self._bootstrap))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def publish(self, envelope: Envelope, *, traceparent: str | None = None) -> Any:
        """Publish one event and return where the broker put it."""
        fields = record(envelope)
        if traceparent is not None:
            fields["headers"] = [*fields["headers"], ("traceparent", traceparent.encode())]
        assert self._producer is not None
        return await self._producer.send_and_wait(PAYMENT_EVENTS, **fields)

    async def publish_to(self, events: Iterable[tuple[str, Envelope]]) -> None:
        """Publish events to their topics, in this order within each key, as fast as the broker takes them."""
        assert self._producer is not None
        sent = [await self._producer.send(topic, **record(event)) for topic, event in events]
        await asyncio.gather(*sent)

    async def publish_all(self, envelopes: Iterable[Envelope]) -> None:
        """Publish many, in this order within each user, as fast as the broker takes them."""
        await self.publish_to((PAYMENT_EVENTS, each) for each in envelopes)

    @asynccontextmanager
    async def large(self) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
        """Give a function that publishes whatever it is given, by a producer that lets large records through."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", max_request_size=_MAX_RECORD_BYTES
        )
        await producer.start()

        async def publish(
            value: bytes | None, *, key: bytes | None, headers: Collection[tuple[str, bytes]] = ()
        ) -> Any:
            return await producer.send_and_wait(PAYMENT_EVENTS, value, key=key, headers=list(headers))

        try:
            yield publish
        finally:
            await producer.stop()


@dataclass(frozen=True)
class Published:
    """A record of a topic of ours."""

    raw: ConsumerRecord[bytes | None, bytes | None]

    @cached_property
    def headers(self) -> dict[str, str]:
        return {name: (value or b"").decode(errors="replace") for name, value in self.raw.headers}

    @cached_property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.raw.value or b"null")
        return event

    @property
    def id(self) -> UUID:
        return UUID(self.event["event_id"])

    @property
    def user(self) -> UUID:
        return UUID(self.event["subject"])

    @property
    def type(self) -> str:
        return str(self.event["event_type"])

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.event["data"]
        return data

    @property
    def sequence(self) -> tuple[int, int]:
        return self.event["sequence"]["revision"], self.event["sequence"]["n"]


class Tail:
    """Everything that a topic holds and gets, in the order of its partitions. In no group: joining one takes seconds."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.topic = topic
        self.records: list[Published] = []
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            fetch_max_wait_ms=_FETCH_WAIT_MILLISECONDS,
            max_partition_fetch_bytes=_MAX_RECORD_BYTES,
        )
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        await self._consumer.topics()  # or it knows no partitions yet
        numbers = self._consumer.partitions_for_topic(self.topic)
        assert numbers, f"{self.topic} has no partitions"
        partitions = [TopicPartition(self.topic, number) for number in sorted(numbers)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_beginning(*partitions)
        self._reading = asyncio.create_task(self._read(), name=f"tail-{self.topic}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._consumer.stop()

    async def _read(self) -> None:
        async for message in self._consumer:
            self.records.append(Published(message))

    def of(self, *users: UUID) -> list[Published]:
        """Return the events about these users, duplicates too."""
        wanted = set(users)
        return [each for each in self.records if each.user in wanted]

    async def wait_for(self, user: UUID, *, count: int = 1, within: float = 15) -> list[Published]:
        """Return the events about the user once there are so many different ones."""

        async def enough() -> bool:
            return len({each.id for each in self.of(user)}) >= count

        await until(enough, within=within, what=f"{count} events about {user} on {self.topic}")
        return self.of(user)


def deduped(published: Iterable[Published]) -> list[Published]:
    """Return the first record of each event id, in order: what a consumer with an inbox acts upon."""
    first: dict[UUID, Published] = {}
    for each in published:
        first.setdefault(each.id, each)
    return list(first.values())


def sequences(published: Iterable[Published]) -> Mapping[UUID, list[tuple[int, int]]]:
    """Return each user's sequence numbers after dedupe, in the order in which they came."""
    found: defaultdict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for each in deduped(published):
        found[each.user].append(each.sequence)
    return found
