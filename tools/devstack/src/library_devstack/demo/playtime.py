"""An evening of the sample's players at fast-forward, and what the service then says of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from library_devstack.console import console
from library_devstack.demo.doors import Doors, ask
from library_devstack.demo.evening import LENGTH_MINUTES, ROLES, Role
from library_devstack.demo.fast_forward import FastForward, fast_forwarded, last_evening
from library_devstack.demo.pictures import Bar, bars, timeline
from library_devstack.demo.player import PLAYTIME, Pace, Player
from library_devstack.sample import Dataset
from library_devstack.sample.dataset import player_id
from library_devstack.stack import Stack, StackError
from library_devstack.standins.issuer import Issuer

FAST_FORWARD = 450.0
"""A session that is silent for three minutes is over: this machine may hold up a heartbeat for a quarter of a second."""
_CALL_TIMEOUT_SECONDS = 5.0
_SWEPT_SECONDS = 15.0
_POLL_SECONDS = 0.1
_DAY = timedelta(days=1)
_GAMES = 2
"""Of a player, on one evening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody of the sample, and what they do."""

    user: UUID
    role: Role
    games: Sequence[UUID]


Histories = Sequence[tuple[Actor, list[dict[str, Any]]]]
"""Everybody's sessions, as they were answered."""


def play(
    stack: Stack, doors: Doors, dataset: Dataset, issuer: Issuer, *, rate: float, began: datetime
) -> None:
    """Let players who have not played yet play an evening, and print what became of it; `began` is now.

    The same players do not play the same evening twice, so another run has others of them play. Raises StackError.
    """
    actors = asyncio.run(_cast(doors, dataset, issuer))
    if not actors:
        console.print("everybody who was loaded has played already\n")
        return
    with fast_forwarded(stack, start=last_evening(began), rate=rate) as forwarded:
        start = asyncio.run(_play(forwarded, actors, issuer))
    histories = asyncio.run(_show(doors, actors, issuer, start))
    picture = stack.state.path("playtime.svg")
    picture.write_text(
        timeline(_lanes(histories), start=start, end=start + timedelta(minutes=LENGTH_MINUTES)),
        encoding="utf-8",
    )
    console.print(f"the evening as a picture: {picture}\n", highlight=False, soft_wrap=True)


def pace_of(forwarded: FastForward) -> Pace:
    """Return the pace of an evening that begins when it should, or now if that moment is over."""
    return Pace(
        clock=forwarded.clock,
        rate=forwarded.rate,
        start=max(forwarded.start, forwarded.clock.now()),
    )


async def _cast(doors: Doors, dataset: Dataset, issuer: Issuer) -> list[Actor]:
    """Return as many players without a session as there are roles, those with several games first."""
    games = {
        player_id(player): [
            game.game_id for game in (dataset.games[each.title] for each in plays) if game.parent is None
        ]
        for player, plays in dataset.libraries.items()
    }
    actors: list[Actor] = []
    async with _client(doors.api_url) as client:
        for user in sorted(filter(games.get, games), key=lambda user: len(games[user]) < _GAMES):
            if not await _history(client, issuer, user, limit=1):
                actors.append(Actor(user=user, role=ROLES[len(actors)], games=games[user][:_GAMES]))
                if len(actors) == len(ROLES):
                    break
    return actors


async def _play(forwarded: FastForward, actors: Sequence[Actor], issuer: Issuer) -> datetime:
    """Play, wait until the sweeper has ended what nobody did, and return when it all began."""
    players = [
        Player(user=actor.user, role=actor.role, games=actor.games, token=issuer.mint(actor.user))
        for actor in actors
    ]
    async with _client(forwarded.api_url) as client:
        # The first requests to a process take longest: they fetch keys and open connections.
        await asyncio.gather(*(player.running(client) for player in players))
        pace = pace_of(forwarded)
        await pace.until(0)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for player in players:
                group.create_task(player.play(client, pace))
        await _until_all_is_over(client, players)
        took, minutes = time.monotonic() - began, pace.minute()
    asked, lost = sum(player.requests for player in players), sum(player.lost for player in players)
    slow = f"; {lost} sessions were lost to the slowness of this machine, and begun anew" if lost else ""
    console.print(
        f"{len(players)} of the sample's players played for {minutes:.0f} minutes in {took:.1f} s "
        f"(CLOCK_RATE={forwarded.rate:g}), {asked} requests{slow}\n",
        highlight=False,
    )
    return pace.start


async def _until_all_is_over(client: httpx.AsyncClient, players: Sequence[Player]) -> None:
    try:
        async with asyncio.timeout(_SWEPT_SECONDS):
            for player in players:
                while await player.running(client):  # noqa: ASYNC110 - the sweeper sets no event of ours
                    await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as late:
        raise StackError(f"sessions were not swept within {_SWEPT_SECONDS:g} s") from late


async def _show(doors: Doors, actors: Sequence[Actor], issuer: Issuer, start: datetime) -> Histories:
    async with _client(doors.api_url) as client:
        histories = [(actor, await _history(client, issuer, actor.user)) for actor in actors]
        first = actors[0].user
        span = f"from={start.date()}&to={start.date() + 2 * _DAY}"
        stats = await _get(client, issuer, first, f"{PLAYTIME}/stats?{span}")
        report = await _get(client, issuer, first, f"{PLAYTIME}/report?period={start:%Y-%m}")
    _print_sessions(histories, start)
    _print_stats(first, stats, span)
    _print_report(report)
    return histories


def _lanes(histories: Histories) -> list[tuple[str, list[Bar]]]:
    return [
        (
            actor.role.title,
            [
                Bar(
                    start=datetime.fromisoformat(session["start_time"]),
                    end=datetime.fromisoformat(session["end_time"]),
                    counted_seconds=session["duration_seconds"],
                    label=session["game_name"] or "—",
                    ended_by=session["end_reason"],
                )
                for session in sessions
            ],
        )
        for actor, sessions in histories
    ]


def _print_sessions(histories: Histories, start: datetime) -> None:
    _print_request(f"{PLAYTIME}/sessions", "each of them")
    # Numbers are what it is about: on a narrow terminal names are wrapped, and numbers are not cut.
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("who, what, on what", overflow="fold")
    for heading in ("from", "to", "ended by"):
        table.add_column(heading, no_wrap=True)
    for heading in ("played", "away", "asleep"):
        table.add_column(heading, justify="right", no_wrap=True)
    for actor, sessions in histories:
        table.add_row(f"[bold]{actor.role.title}[/]")
        for session in sessions:
            table.add_row(
                f"  {escape(session['game_name'] or '—')}, {session['device_id']}",
                _clock(session["start_time"]),
                _clock(session["end_time"]),
                session["end_reason"],
                _length(session["duration_seconds"]),
                _length(session["afk_seconds"]),
                _length(session["suspended_seconds"]),
            )
        table.add_section()
    table.caption = f"the night of {start:%d %B %Y}, UTC; played + away + asleep = to − from, to the second"
    console.print(table)


def _print_stats(user: UUID, stats: dict[str, Any], span: str) -> None:
    _print_request(f"{PLAYTIME}/stats?{span}", f"player {user}")
    table = Table("day", "played", "sessions begun", "games")
    for period in stats["periods"]:
        table.add_row(
            period["period"],
            _length(period["total_playtime_seconds"]),
            str(period["sessions_count"]),
            str(len(period["games_played"])),
        )
    console.print(table)
    console.print(
        f"together {_length(stats['total_playtime_seconds'])} in {stats['sessions_count']} sessions, "
        f"the longest {_length(stats['longest_session_seconds'])}",
        highlight=False,
    )


def _print_report(report: dict[str, Any]) -> None:
    _print_request(
        f"{PLAYTIME}/report?period={report['period']}", "the same; as a table with Accept: text/csv"
    )
    streak = report["longest_streak"]
    console.print(
        f"busiest hour {report['busiest_hour']}:00 UTC, longest streak {streak['days'] if streak else 0} days, top games",
        highlight=False,
    )
    top = [(game["name"] or "—", game["total_playtime_seconds"] / 60) for game in report["top_games"]]
    for line in bars(top, unit="min"):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def _print_request(path: str, who: str) -> None:
    console.print(f"[bold]GET {path}[/] ({who})", highlight=False, soft_wrap=True)


async def _history(
    client: httpx.AsyncClient, issuer: Issuer, user: UUID, *, limit: int = 50
) -> list[dict[str, Any]]:
    """Return the player's ended sessions, the oldest first."""
    page = await _get(client, issuer, user, f"{PLAYTIME}/sessions?limit={limit}")
    items: list[dict[str, Any]] = page["items"]
    return items[::-1]


async def _get(client: httpx.AsyncClient, issuer: Issuer, user: UUID, path: str) -> dict[str, Any]:
    answer = await ask(client, issuer, user, path)
    if answer.status_code != httpx.codes.OK:
        raise StackError(f"GET {path} answered {answer.status_code}: {answer.text}")
    data: dict[str, Any] = answer.json()["data"]
    return data


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=_CALL_TIMEOUT_SECONDS, trust_env=False)


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%H:%M:%S}"


def _length(seconds: int) -> str:
    return f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else "–"
