"""Idempotency-Key on every POST (contract 2; data 10 and 11): one effect, one answer, however often it is sent.

The claim is the outer transaction, the use case's joins it, and what is stored are the bytes that the endpoint made; so
an effect without its answer, or the other way round, cannot be.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

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

from library_api.headers import values_of
from library_api.request import StrictRequest
from library_api.strict_json import canonical
from library_domain.shared.caller import current_caller
from library_domain.shared.errors import Unauthenticated, ValidationFailed
from library_domain.shared.ids import UserId
from library_domain.shared.ports import Answer, Once, RequestClaim

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_CHARACTERS = 255
_KEY = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY_CHARACTERS}}}")
OPT_OUT = "ignores_idempotency_key"
"""A POST that is harmless to repeat says so in its `opt` (data 11: heartbeat, ack, download-url)."""


class Claims(Protocol):
    """The part of a unit of work that is needed here."""

    def once(self, claim: RequestClaim) -> AbstractAsyncContextManager[Once]:
        """See library_domain.shared.ports.UnitOfWork."""
        ...


class _NotKept(Exception):
    """Rolls the claim back: nothing of a refusal is stored."""


class Idempotency(ASGIMiddleware):
    """Runs a POST that bears a key inside its claim, or replays what the first of that key was answered."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, claims: Claims) -> None:
        self._claims = claims

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass on what bears no key. Raises ValidationFailed for a bad key, and what the claim raises."""
        keys = values_of(scope, KEY_HEADER.lower().encode())
        if scope.get("method") != HttpMethod.POST or not keys or scope["route_handler"].opt.get(OPT_OUT):
            await next_app(scope, receive, send)
            return
        claim = await _claim(scope, receive, keys)
        answer = _CollectedAnswer()
        replay: Answer | None = None
        try:
            async with self._claims.once(claim) as once:
                replay = once.replay
                if replay is None:
                    await next_app(scope, receive, answer.collect)
                    once.store(answer.to_keep())
        except _NotKept:
            pass
        # Only now, after the commit, does the client hear of it.
        for message in answer.messages if replay is None else _replayed(replay):
            await send(message)


class _CollectedAnswer:
    """What the endpoint answers, held back until the transaction ended."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._answer = Answer()

    async def collect(self, message: Message) -> None:
        """Take a message instead of the client."""
        self.messages.append(message)
        if message["type"] == "http.response.start":
            headers = tuple(
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
            )
            self._answer = replace(self._answer, status=message["status"], headers=headers)
        elif message["type"] == "http.response.body":
            self._answer = replace(self._answer, body=self._answer.body + message["body"])

    def to_keep(self) -> Answer:
        """Return what is to be stored. Raises _NotKept for anything but a 2xx."""
        if not HTTPStatus.OK <= self._answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _NotKept
        return self._answer


def _replayed(answer: Answer) -> Iterable[Message]:
    headers = [*answer.headers, (REPLAYED_HEADER, "true")]
    start: HTTPResponseStartEvent = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }
    body: HTTPResponseBodyEvent = {"type": "http.response.body", "body": answer.body, "more_body": False}
    return start, body


async def _claim(scope: Scope, receive: Receive, keys: Sequence[str]) -> RequestClaim:
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise ValidationFailed(field=KEY_HEADER, reason="invalid", maximum=MAX_KEY_CHARACTERS)
    actor = current_caller().actor_id
    if actor is None:
        raise Unauthenticated
    request = StrictRequest(scope, receive)
    # Both spellings of a path (contract 2) and of the same JSON are one request.
    told = {"path": dict(request.path_params), "body": await request.document()}
    return RequestClaim(
        user_id=UserId(actor),
        operation=scope["route_handler"].opt["operation"],
        key=keys[0],
        request_sha256=hashlib.sha256(canonical(told)).digest(),
    )
