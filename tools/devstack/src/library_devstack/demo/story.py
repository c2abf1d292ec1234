"""What becomes of a game: bought, installed, given by a subscription too, refunded, and taken away in the end."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer
from rich.table import Table

from library_adapters.system import Uuid7Source
from library_devstack import access
from library_devstack.console import console
from library_devstack.demo.doors import Doors, ask
from library_devstack.event_contract import EventContract
from library_devstack.events import LIBRARY_EVENTS, open_producer, open_reader, record
from library_devstack.stack import StackError
from library_devstack.standins.issuer import Issuer

Item = Mapping[str, Any]
_POLL_SECONDS = 0.05  # the rate limit is for players, who look less often
_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One event, and how the player sees that it had its effect."""

    title: str
    event_type: str
    data: Mapping[str, object]
    look_at: UUID
    """The game that shows it."""
    seen: Callable[[Item], bool]


def chapters(game: UUID, other: UUID) -> Sequence[Chapter]:
    """Return what happens, in order."""
    own = f"story-{Uuid7Source().new()}"
    subscription = {"subscription_id": own, "games": [str(game), str(other)]}
    return (
        Chapter(
            title="bought",
            event_type="payment.purchase.completed",
            data={"transaction_id": own, "dlc": []},
            look_at=game,
            seen=lambda item: bool(item["access"]["allowed"]),
        ),
        Chapter(
            title="installed",
            event_type="download.game.installed",
            data={},
            look_at=game,
            seen=lambda item: item["installation_status"] == "installed",
        ),
        Chapter(
            title="subscribed to as well",
            event_type="payment.subscription.changed",
            data={**subscription, "status": "active"},
            # What was bought shows nothing of it, the purchase being the stronger right.
            look_at=other,
            seen=lambda item: bool(item["access"]["allowed"]),
        ),
        Chapter(
            title="refunded",
            event_type="payment.purchase.refunded",
            data={"transaction_id": own, "dlc": []},
            look_at=game,
            seen=lambda item: item["acquisition_type"] == "subscription",
        ),
        Chapter(
            title="at the end of that",
            event_type="payment.subscription.changed",
            data={**subscription, "status": "expired"},
            look_at=game,
            seen=lambda item: not item["access"]["allowed"],
        ),
    )


async def tell(doors: Doors, client: httpx.AsyncClient, issuer: Issuer, *, game: UUID, other: UUID) -> None:
    """Let it happen to a new player; print after each event what REST and gRPC say, and what was announced."""
    player, contract = Uuid7Source().new(), EventContract()
    table = Table(title="What else becomes of a game", title_justify="left")
    for heading in ("it is", "by the event", "seen after", "playable", "by or why not"):
        table.add_column(heading, overflow="fold")
    async with (
        open_reader(doors.bootstrap, LIBRARY_EVENTS) as announced,
        open_producer(doors.bootstrap) as producer,
    ):
        for chapter in chapters(game, other):
            event = contract.example(chapter.event_type, user=player, game=game, changes=chapter.data)
            topic = contract.topic_of(chapter.event_type)
            contract.check(topic, [event])
            began = time.monotonic()
            await producer.send_and_wait(topic, **record(event))
            await _wait(chapter, partial(ask, client, issuer, player, f"/api/v1/library/{chapter.look_at}"))
            took = time.monotonic() - began
            verdict = await access.ask(doors.grpc_address, issuer, user=player, game=game)
            table.add_row(
                chapter.title,
                chapter.event_type,
                f"{took * 1000:.0f} ms",
                "yes" if verdict.has_access else "no",
                verdict.access_type or verdict.reason,
            )
        types = await _announced(announced, player, until="library.game.access_revoked")
    console.print(table)
    console.print(f"announced on {LIBRARY_EVENTS}: {', '.join(types)}\n", highlight=False)


async def _wait(chapter: Chapter, look: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Return as soon as the player sees what happened. Raises StackError when that takes too long."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while True:
                answer = await look()
                if answer.status_code == httpx.codes.OK and chapter.seen(answer.json()["data"]):
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as late:
        raise StackError(f"{chapter.event_type} had no effect within {_TIMEOUT_SECONDS:g} s") from late


async def _announced(announced: AIOKafkaConsumer, player: UUID, *, until: str) -> list[str]:
    """Return the types of the events about the player, up to the first of the type that is waited for."""
    types: list[str] = []
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            async for message in announced:
                event = json.loads(message.value)
                if event["subject"] == str(player):
                    types.append(event["event_type"])
                    if event["event_type"] == until:
                        return types
    except TimeoutError as late:
        raise StackError(f"no {until} about {player} on {LIBRARY_EVENTS}") from late
    raise StackError(f"{LIBRARY_EVENTS} ended")
