"""Before anything is measured: do all answer the same? A peer that leaves something out would be fast for nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import httpx
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError

from library_devstack.bench.messages import ACCESS, BATCH, BY_NAME, LIST, field
from library_devstack.bench.population import game_id, library
from library_devstack.stack import StackError

Player = tuple[int, UUID, str]
"""Number, user id and token, as `read_tokens` gives them."""
_TIMEOUT_SECONDS = 10.0
_PLAYERS = 3
_FOREIGN_GAMES = 3
_OURS_ALONE = "next_cursor"
"""Signed by us; the peers have none."""


def compare_rest(addresses: Mapping[str, str], players: Sequence[Player]) -> str:
    """Ask everybody for the pages and games of some players. Return the ETag of the first one's list.

    Raises StackError naming who answers otherwise than the first, and where.
    """
    etag = ""
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        for number, _, token in players[:_PLAYERS]:
            games = (f"/api/v1/library/{game_id(game)}" for game in library(number))
            for path in (LIST, BY_NAME, *games):
                headers = {"Authorization": f"Bearer {token}"}
                answers = {
                    name: client.get(f"http://{address}{path}", headers=headers)
                    for name, address in addresses.items()
                }
                _require_same(f"GET {path}", {name: _content(each) for name, each in answers.items()})
                if path == LIST:
                    etag = next(iter(answers.values())).headers["etag"]
    return etag


def require_unchanged(address: str, player: Player, etag: str) -> None:
    """Make sure that the ETag is good for another player's page too: one is enough for all. Raises StackError."""
    headers = {"Authorization": f"Bearer {player[2]}", "If-None-Match": etag}
    answer = httpx.get(f"http://{address}{LIST}", headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)
    if answer.status_code != httpx.codes.NOT_MODIFIED:
        raise StackError(f"an unchanged page answered {answer.status_code} to {etag}")


def compare_access(addresses: Mapping[str, str], player: Player, *, token: str) -> bool:
    """Ask everybody about games that a player has and has not; return whether the first answers batches too.

    Raises StackError naming who answers otherwise than the first, and about which game.
    """
    return asyncio.run(_compare_access(addresses, player, token))


async def _compare_access(addresses: Mapping[str, str], player: Player, token: str) -> bool:
    number, user, _ = player
    head = field(1, str(user).encode())
    games = [field(2, str(game_id(game)).encode()) for game in (*library(number), *range(_FOREIGN_GAMES))]
    singly = {
        name: await _ask(address, ACCESS, [head + game for game in games], token=token)
        for name, address in addresses.items()
    }
    for position, game in enumerate(games):
        _require_same(f"CheckGameAccess {game!r}", {name: each[position] for name, each in singly.items()})

    name, address = next(iter(addresses.items()))
    try:
        (together,) = await _ask(address, BATCH, [head + b"".join(games)], token=token)
    except GRPCError as refused:
        if refused.status is not Status.UNIMPLEMENTED:
            raise StackError(f"BatchCheckGameAccess answered {refused.status.name}") from refused
        return False
    if together != b"".join(field(1, each) for each in singly[name]):
        raise StackError("BatchCheckGameAccess answers otherwise than CheckGameAccess")
    return True


class _Raw(CodecBase):
    """Messages as they are on the wire: equal ones are equal bytes."""

    __content_subtype__ = "proto"

    def encode(self, message: bytes, message_type: type[bytes]) -> bytes:  # noqa: ARG002 - grpclib's interface
        return message

    def decode(self, data: bytes, message_type: type[bytes]) -> bytes:  # noqa: ARG002 - grpclib's interface
        return data


async def _ask(address: str, path: str, messages: Sequence[bytes], *, token: str) -> list[bytes]:
    host, _, port = address.rpartition(":")
    async with Channel(host, int(port), codec=_Raw()) as channel:
        method = UnaryUnaryMethod(channel, path, bytes, bytes)
        metadata = {"authorization": f"Bearer {token}"}
        return [await method(each, timeout=_TIMEOUT_SECONDS, metadata=metadata) for each in messages]


def _require_same(question: str, answers: Mapping[str, object]) -> None:
    (first, expected), *others = answers.items()
    for name, answer in others:
        if answer != expected:
            raise StackError(
                f"{question}: {name} answers otherwise than {first}:\n{answer!r}\ninstead of\n{expected!r}"
            )


def _content(answer: httpx.Response) -> object:
    if answer.status_code != httpx.codes.OK:
        raise StackError(f"GET {answer.url} answered {answer.status_code}: {answer.text}")
    return _normal(answer.json())


def _normal(value: object) -> object:
    """Return JSON without what may differ: how a time is written, and what only ours has."""
    if isinstance(value, dict):
        return {name: _normal(member) for name, member in value.items() if name != _OURS_ALONE}
    if isinstance(value, list):
        return [_normal(member) for member in value]
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value
