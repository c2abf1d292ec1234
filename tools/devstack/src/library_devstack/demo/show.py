"""What the service promises, shown with real requests to its doors."""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from rich.table import Table

from library_adapters.system import Uuid7Source
from library_devstack import access
from library_devstack.console import PROGRAM, console
from library_devstack.demo import story
from library_devstack.demo.doors import Doors, ask
from library_devstack.demo.probes import probe_purchase
from library_devstack.events import (
    LIBRARY_EVENTS,
    PAYMENT_EVENTS,
    Envelope,
    open_producer,
    open_reader,
    record,
)
from library_devstack.sample import Dataset, Game
from library_devstack.sample.dataset import player_id
from library_devstack.stack import StackError
from library_devstack.standins.issuer import Issuer

PROBES = 20
_PAGE = 20
_SHOWN_ROWS = 12
_POLL_SECONDS = 0.05  # the rate limit is for players, who look less often
_TIMEOUT_SECONDS = 15.0
_CALL_TIMEOUT_SECONDS = 5.0


async def show(doors: Doors, dataset: Dataset, issuer: Issuer) -> UUID:
    """Print a library page, an item, an access check, the event of a purchase, and the time until it was visible.

    Then what else becomes of a game: a table of events and their effects.

    Return the user id of the player whose library it was.
    """
    player = _interesting_player(dataset)
    games = [game for game in dataset.games.values() if game.parent is None]
    async with httpx.AsyncClient(
        base_url=doors.api_url, timeout=_CALL_TIMEOUT_SECONDS, trust_env=False
    ) as client:
        page = await _show_page(client, issuer, player_id(player))
        await _show_item(client, issuer, player_id(player), page["items"])

        owned = UUID(page["items"][0]["game_id"])
        titles = {play.title for play in dataset.libraries[player]}
        foreign = next(game for game in games if game.title not in titles)
        await _show_access(
            doors.grpc_address,
            issuer,
            player_id(player),
            {page["items"][0]["name"]: owned, foreign.title: foreign.game_id},
        )

        await _show_purchase(doors, client, issuer, games)
        await story.tell(doors, client, issuer, game=games[0].game_id, other=games[1].game_id)
    return player_id(player)


async def _show_page(client: httpx.AsyncClient, issuer: Issuer, user: UUID) -> dict[str, Any]:
    page = await _get(client, issuer, user, f"/api/v1/library?limit={_PAGE}")
    table = Table(
        "name",
        "type",
        "acquired",
        "how",
        "status",
        "DLC",
        title=f"GET /api/v1/library?limit={_PAGE}",
        title_justify="left",
    )
    for item in page["items"][:_SHOWN_ROWS]:
        table.add_row(
            item["name"] or "—",
            item["product_type"],
            item["acquisition_date"][:10],
            item["acquisition_type"] or "family",
            item["installation_status"],
            ", ".join(dlc["name"] or "—" for dlc in item["dlc"]),
        )
    shown = min(len(page["items"]), _SHOWN_ROWS)
    table.caption = f"{shown} of {page['total']} games of player {user}"
    console.print(table)
    return page


async def _show_item(
    client: httpx.AsyncClient, issuer: Issuer, user: UUID, items: Sequence[dict[str, Any]]
) -> None:
    chosen = next((item for item in items if item["dlc"]), items[0])
    path = f"/api/v1/library/{chosen['game_id']}"
    item = await _get(client, issuer, user, path)
    _print_document(f"GET {path}", item)


async def _show_access(address: str, issuer: Issuer, user: UUID, games: dict[str, UUID]) -> None:
    table = Table(
        "game", "has_access", "access_type", "reason", title="gRPC CheckGameAccess", title_justify="left"
    )
    for title, game in games.items():
        answer = await access.ask(address, issuer, user=user, game=game)
        table.add_row(title, str(answer.has_access), answer.access_type, answer.reason)
    console.print(table)


async def _show_purchase(
    doors: Doors, client: httpx.AsyncClient, issuer: Issuer, games: Sequence[Game]
) -> None:
    # A new player each time, so that each probe is a first purchase.
    buyer = Uuid7Source().new()
    async with (
        open_reader(doors.bootstrap, LIBRARY_EVENTS) as announced,
        open_producer(doors.bootstrap) as producer,
    ):
        visible: list[float] = []
        event: dict[str, Any] = {}
        for game in games[:PROBES]:
            purchase = probe_purchase(user_id=buyer, game_id=game.game_id)
            visible.append(await _time_to_visible(client, issuer, producer, purchase))
            event = event or await _next_about(buyer, announced)
    _print_document(f"came out on {LIBRARY_EVENTS}", event)
    console.print(
        f"From purchase to visible over REST, {len(visible)} purchases: "
        f"median [bold]{statistics.median(visible) * 1000:.0f} ms[/], longest {max(visible) * 1000:.0f} ms"
    )


async def _time_to_visible(
    client: httpx.AsyncClient, issuer: Issuer, producer: AIOKafkaProducer, purchase: Envelope
) -> float:
    user, game = purchase["data"]["user_id"], purchase["data"]["game_id"]
    began = time.monotonic()
    await producer.send_and_wait(PAYMENT_EVENTS, **record(purchase))
    while time.monotonic() - began < _TIMEOUT_SECONDS:
        answer = await ask(client, issuer, UUID(user), f"/api/v1/library/{game}")
        if answer.status_code == httpx.codes.OK:
            return time.monotonic() - began
        await asyncio.sleep(_POLL_SECONDS)
    raise StackError(f"the purchase {purchase['event_id']} was not visible within {_TIMEOUT_SECONDS:g} s")


async def _next_about(user: UUID, announced: AIOKafkaConsumer) -> dict[str, Any]:
    """Return the next event about the user. Raises StackError when none comes in time."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            async for message in announced:
                event: dict[str, Any] = json.loads(message.value)
                if event["subject"] == str(user):
                    return event
    except TimeoutError as late:
        raise StackError(f"no event about {user} on {LIBRARY_EVENTS}; see `{PROGRAM} logs relay`") from late
    raise StackError(f"{LIBRARY_EVENTS} ended")


def _print_document(title: str, document: dict[str, Any]) -> None:
    console.rule(title, align="left")
    # Never cut and never wrapped: whoever redirects it wants JSON.
    console.print_json(data=document, ensure_ascii=False)


async def _get(client: httpx.AsyncClient, issuer: Issuer, user: UUID, path: str) -> dict[str, Any]:
    answer = await ask(client, issuer, user, path)
    if answer.status_code != httpx.codes.OK:
        raise StackError(f"GET {path} answered {answer.status_code}: {answer.text}")
    data: dict[str, Any] = answer.json()["data"]
    return data


def _interesting_player(dataset: Dataset) -> str:
    """Return a player whose library fits a page and has a DLC, the fullest such; else the one with the most games."""

    def interest(player: str) -> tuple[bool, int]:
        plays = dataset.libraries[player]
        has_dlc = any(dataset.games[play.title].parent for play in plays)
        return has_dlc and len(plays) <= _SHOWN_ROWS, len(plays)

    return max(dataset.libraries, key=interest)
