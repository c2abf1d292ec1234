"""A game's client: what players do becomes requests, at the pace of a clock that runs faster."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from library_adapters.system import FastClock
from library_devstack.demo.evening import Asleep, Away, Begin, Crash, Present, Role, Stop
from library_devstack.stack import StackError

PLAYTIME = "/api/v1/library/playtime"
_HEARTBEAT_MINUTES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Tells and awaits the minutes of an evening."""

    clock: FastClock
    rate: float
    start: datetime

    def minute(self) -> float:
        """Return the minute that it is."""
        return (self.clock.now() - self.start) / timedelta(minutes=1)

    async def until(self, minute: float) -> None:
        """Return at that minute, or at once when it is over."""
        left = minute - self.minute()
        if left > 0:
            await asyncio.sleep(left * 60 / self.rate)


@dataclass(slots=True, kw_only=True)
class Player:
    """One player in a role; counts what was asked, and which sessions this machine was too slow to keep alive."""

    user: UUID
    role: Role
    games: Sequence[UUID]
    token: str
    requests: int = 0
    refused: int = 0
    lost: int = 0
    _session: str | None = None
    _begun: Begin | None = None
    _beat_at: float = 0.0

    async def running(self, client: httpx.AsyncClient) -> bool:
        """Tell whether any session of theirs runs."""
        answer = await client.get(f"{PLAYTIME}/sessions", params={"active": "true"}, headers=self._headers())
        items: list[Any] = _data(answer)["items"]
        return bool(items)

    async def play(self, client: httpx.AsyncClient, pace: Pace) -> None:
        """Do everything, each at its minute. Raises StackError for an answer that should not be."""
        for step in self.role.steps:
            match step:
                case Begin():
                    await pace.until(step.at)
                    await self._begin(client, pace, step)
                case Present():
                    await self._stay(client, pace, step.until)
                case Away():
                    await self._stay(client, pace, step.until, since=pace.minute())
                case Asleep():
                    fell_asleep = self._beat_at
                    await pace.until(step.until)
                    await self._heartbeat(client, pace, asleep_since=fell_asleep)
                case Crash():
                    self._session = None
                case Stop():
                    await pace.until(step.at)
                    await self._stop(client)

    async def _begin(self, client: httpx.AsyncClient, pace: Pace, begin: Begin) -> None:
        body: dict[str, Any] = {
            "game_id": str(self.games[begin.game % len(self.games)]),
            "device_id": begin.device[0],
            "platform": begin.device[1],
        }
        if begin.elsewhere:
            refused = await self._ask(client, "start", body)
            if _conflict(refused) == "SESSION_ALREADY_ACTIVE":
                self.refused += 1
            body["takeover"] = True
        self._session = _data(await self._ask(client, "start", body))["session_id"]
        self._begun = begin
        self._beat_at = pace.minute()

    async def _stay(
        self, client: httpx.AsyncClient, pace: Pace, until: float, *, since: float | None = None
    ) -> None:
        """Send a heartbeat a minute; `since` is the minute of the last input of somebody who is away."""
        while self._session is not None and (due := self._beat_at + _HEARTBEAT_MINUTES) <= until:
            await pace.until(due)
            await self._heartbeat(client, pace, idle_since=since)
        await pace.until(until)

    async def _heartbeat(
        self,
        client: httpx.AsyncClient,
        pace: Pace,
        *,
        idle_since: float | None = None,
        asleep_since: float | None = None,
    ) -> None:
        if self._session is None or self._begun is None:
            return
        now = pace.minute()
        body = {
            "session_id": self._session,
            "idle_seconds": 0 if idle_since is None else int(60 * (now - idle_since)),
            "suspended_seconds": 0 if asleep_since is None else int(60 * (now - asleep_since)),
        }
        self._beat_at = now
        answer = await self._ask(client, "heartbeat", body)
        if answer.status_code == httpx.codes.OK:
            return
        if _conflict(answer) != "SESSION_ENDED":
            raise _unexpected(answer)
        self._session = None
        if answer.json()["error"]["details"]["reason"] == "timeout":
            # A second of this machine is minutes of theirs: it had something else to do.
            self.lost += 1
            await self._begin(client, pace, replace(self._begun, elsewhere=False))

    async def _stop(self, client: httpx.AsyncClient) -> None:
        if self._session is not None:
            _data(await self._ask(client, "end", {"session_id": self._session}))
        self._session = None

    async def _ask(self, client: httpx.AsyncClient, what: str, body: Mapping[str, Any]) -> httpx.Response:
        self.requests += 1
        return await client.post(f"{PLAYTIME}/{what}", json=body, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def _data(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:
        raise _unexpected(answer)
    data: dict[str, Any] = answer.json()["data"]
    return data


def _conflict(answer: httpx.Response) -> str | None:
    if answer.status_code != httpx.codes.CONFLICT:
        return None
    code: str = answer.json()["error"]["code"]
    return code


def _unexpected(answer: httpx.Response) -> StackError:
    return StackError(
        f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {answer.text}"
    )
