"""The evening that `make run` shows: what its players ask for, and the pictures of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import httpx
import pytest

from library_adapters.system import FastClock
from library_devstack.demo.evening import (
    BEFORE_MIDNIGHT_MINUTES,
    LENGTH_MINUTES,
    ROLES,
    Asleep,
    Away,
    Begin,
    Crash,
    Present,
    Role,
    Step,
    Stop,
)
from library_devstack.demo.fast_forward import BOOT_SECONDS, FastForward, last_evening
from library_devstack.demo.pictures import Bar, bars, timeline
from library_devstack.demo.player import Pace, Player
from library_devstack.demo.playtime import FAST_FORWARD, pace_of
from library_devstack.stack import StackError

START = datetime(2026, 11, 22, 22, 50, tzinfo=UTC)
PC, HANDHELD = ("desktop", "windows"), ("handheld", "linux")
RATE = 100_000.0
"""A minute of theirs is shorter than a millisecond."""


def minute_of(step: Step) -> float | None:
    match step:
        case Begin() | Stop():
            return step.at
        case Present() | Away() | Asleep():
            return step.until
        case Crash():
            return None


class TestRoles:
    @pytest.mark.parametrize("role", ROLES, ids=lambda role: role.title)
    def test_go_forward_in_time_and_end_with_the_evening(self, role: Role) -> None:
        minutes = [minute for step in role.steps if (minute := minute_of(step)) is not None]

        assert minutes == sorted(minutes)
        assert minutes[-1] < LENGTH_MINUTES

    def test_let_the_first_play_through_midnight_whenever_it_begins(self) -> None:
        steps = ROLES[0].steps
        begun = max(step.at for step in steps if isinstance(step, Begin))
        stopped = max(step.at for step in steps if isinstance(step, Stop))

        assert begun < BEFORE_MIDNIGHT_MINUTES - 30
        assert stopped > BEFORE_MIDNIGHT_MINUTES


class TestLastEvening:
    @pytest.mark.parametrize(
        ("now", "start"),
        [
            ("2026-11-23T18:00:00+00:00", "2026-11-22T22:50:00+00:00"),
            ("2026-11-23T06:00:00+00:00", "2026-11-22T22:50:00+00:00"),
            ("2026-11-23T05:59:59+00:00", "2026-11-21T22:50:00+00:00"),
            ("2026-11-23T07:00:00+03:00", "2026-11-21T22:50:00+00:00"),
            ("2027-01-01T12:00:00+00:00", "2026-12-31T22:50:00+00:00"),
        ],
    )
    def test_is_over_for_hours(self, now: str, start: str) -> None:
        assert last_evening(datetime.fromisoformat(now)) == datetime.fromisoformat(start)


def forwarded(*, epoch: datetime, rate: float) -> FastForward:
    clock = FastClock(rate=rate, epoch=epoch, start=START)
    return FastForward(api_url="http://api", clock=clock, start=START, rate=rate)


class TestPace:
    async def test_lets_nobody_play_before_the_evening(self) -> None:
        ready_early = forwarded(epoch=datetime.now(UTC) + timedelta(seconds=0.2), rate=6_000)

        pace = pace_of(ready_early)
        await pace.until(0)

        assert pace.start == START
        assert ready_early.clock.now() >= START

    async def test_begins_when_the_processes_are_there_if_they_were_slow(self) -> None:
        ready_late = forwarded(epoch=datetime.now(UTC) - timedelta(seconds=2), rate=600)

        pace = pace_of(ready_late)

        assert timedelta(minutes=20) <= pace.start - START < timedelta(minutes=30)
        assert 0 <= pace.minute() < 1

    def test_leaves_slow_processes_ten_seconds_before_midnight_is_missed(self) -> None:
        half_an_hour = 30 * 60 / FAST_FORWARD

        assert BOOT_SECONDS + half_an_hour >= 10


class Service:
    """Answers as the service does, as far as a client can tell; `answer` decides about heartbeats."""

    def __init__(self, answer: Callable[[int], httpx.Response | None] = lambda _: None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answer = answer
        self._beats = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        what = request.url.path.rpartition("/")[2]
        body = json.loads(request.content)
        self.asked.append((what, body))
        if what == "heartbeat":
            self._beats += 1
            return self._answer(self._beats) or success({"status": "active"})
        if what == "start" and body["device_id"] == "handheld" and "takeover" not in body:
            return refusal("SESSION_ALREADY_ACTIVE")
        return success({"session_id": f"{len(self.asked)}"})

    def told(self, what: str, name: str) -> list[Any]:
        return [body.get(name) for asked, body in self.asked if asked == what]


def success(data: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data})


def refusal(code: str, **details: str) -> httpx.Response:
    return httpx.Response(409, json={"status": "error", "error": {"code": code, "details": details}})


async def play(service: Service, *steps: Step, rate: float = RATE) -> Player:
    player = Player(
        user=UUID(int=1), role=Role("plays", steps), games=[UUID(int=2), UUID(int=3)], token="token"
    )
    pace = Pace(clock=FastClock(rate=rate, epoch=datetime.now(UTC), start=START), rate=rate, start=START)
    async with httpx.AsyncClient(base_url="http://api", transport=httpx.MockTransport(service)) as client:
        await player.play(client, pace)
    return player


class TestPlayer:
    async def test_sends_signs_of_life_until_the_end(self) -> None:
        service = Service()

        player = await play(service, Begin(0, 1, PC), Present(30), Stop(31), rate=6_000)

        kinds = [what for what, _ in service.asked]
        assert (kinds[0], kinds[-1]) == ("start", "end")
        assert set(kinds[1:-1]) == {"heartbeat"}
        assert service.told("start", "game_id") == [str(UUID(int=3))]
        assert set(service.told("heartbeat", "session_id")) == {"1"}
        assert player.requests == len(kinds)

    async def test_tells_for_how_long_nobody_was_there(self) -> None:
        service = Service()

        await play(service, Begin(0, 0, PC), Away(60), rate=6_000)

        idle = service.told("heartbeat", "idle_seconds")
        assert idle == sorted(idle)
        assert idle[-1] > 1_800

    async def test_tells_how_long_the_device_slept(self) -> None:
        service = Service()

        await play(service, Begin(0, 0, PC), Asleep(2), Stop(3), rate=600)

        (slept,) = service.told("heartbeat", "suspended_seconds")
        # Since the start was answered, which takes a while at this pace.
        assert slept > 60

    async def test_takes_over_what_is_played_elsewhere(self) -> None:
        service = Service()

        player = await play(service, Begin(0, 0, PC), Begin(1, 0, HANDHELD, elsewhere=True), Stop(2))

        assert service.told("start", "takeover") == [None, None, True]
        assert player.refused == 1

    async def test_says_no_more_after_a_crash(self) -> None:
        service = Service()

        await play(service, Begin(0, 0, PC), Crash(), Present(20), Stop(21))

        assert [what for what, _ in service.asked] == ["start"]

    async def test_begins_anew_what_the_machine_was_too_slow_for(self) -> None:
        service = Service(lambda beat: refusal("SESSION_ENDED", reason="timeout") if beat == 1 else None)

        player = await play(service, Begin(0, 0, PC), Present(30), Stop(31), rate=6_000)

        assert [what for what, _ in service.asked][:3] == ["start", "heartbeat", "start"]
        assert player.lost == 1

    async def test_stays_asleep_when_the_session_is_over(self) -> None:
        service = Service(lambda _: refusal("SESSION_ENDED", reason="afk"))

        player = await play(service, Begin(0, 0, PC), Away(60), rate=6_000)

        assert [what for what, _ in service.asked] == ["start", "heartbeat"]
        assert player.lost == 0

    async def test_does_not_go_on_after_an_answer_that_should_not_be(self) -> None:
        service = Service(lambda _: httpx.Response(500, text="a bug"))

        with pytest.raises(StackError, match="heartbeat answered 500: a bug"):
            await play(service, Begin(0, 0, PC), Present(30))


class TestPictures:
    def test_bars_are_as_long_as_their_values(self) -> None:
        lines = list(bars([("Portal", 60), ("Dota 2", 15), ("Hades", 0)], unit="min"))

        assert [line.count("█") for line in lines] == [40, 10, 0]
        assert lines[0].startswith("Portal ")
        assert lines[1].endswith("15 min")
        assert list(bars([], unit="min")) == []

    def test_the_evening_is_well_formed_whatever_games_are_called(self) -> None:
        session = Bar(
            start=START,
            end=START + timedelta(minutes=30),
            counted_seconds=600,
            label='<Tom & "Jerry">',
            ended_by="access_revoked",
        )

        drawn = timeline(
            [("plays & sleeps", [session]), ("does not play", [])],
            start=START,
            end=START + timedelta(minutes=LENGTH_MINUTES),
        )

        picture = ET.fromstring(drawn)
        words = "".join(picture.itertext())
        assert '<Tom & "Jerry">, 10 min' in words
        assert "00:00" in words
