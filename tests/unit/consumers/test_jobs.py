"""What each kind of job does with its key and payload, and when it comes again."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import event_id, game_id, user_id
from fakes.clock import START, FakeClock

from library_consumers.jobs import PURCHASE_PATIENCE, Steps
from library_domain.catalog.use_cases.fetch_metadata import FetchMetadata, FetchMetadataResult
from library_domain.flows.end_withdrawn_sessions import EndWithdrawnSessions, EndWithdrawnSessionsResult
from library_domain.jobs.model import Again, Continue, Done, Dropped, Job, JobResult
from library_domain.library.use_cases.apply_subscription import ApplySubscription, ApplySubscriptionResult
from library_domain.library.use_cases.record_installation import RecordInstallationResult

ALICE, PORTAL = user_id("alice"), game_id("Portal 2")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
REPORT = json.dumps(
    {
        "event_id": str(event_id("report")),
        "event_type": "download.game.installed",
        "timestamp": "2026-11-20T12:00:00Z",
        "version": "1.0",
        "data": {"user_id": str(ALICE), "game_id": str(PORTAL), "device_id": "desk"},
    }
).encode()


class Bench:
    """The steps over use cases that answer what a test says and remember what they were asked."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.answer: Any = None
        self.commands: list[Any] = []
        self._steps = Steps(
            fetch_metadata=self._use_case,
            apply_subscription=self._use_case,
            record_installation=self._use_case,
            end_withdrawn=self._use_case,
            clock=clock,
        ).by_kind()

    async def _use_case(self, command: Any) -> Any:
        self.commands.append(command)
        return self.answer

    async def work(self, kind: str, key: str, **values: Any) -> JobResult:
        job = Job(kind=kind, key=key, lease=event_id("lease"), created_at=START)
        return await self._steps[kind](replace(job, **values))


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


class TestFetchMetadata:
    async def work(self, bench: Bench) -> JobResult:
        return await bench.work("catalog.fetch_metadata", str(PORTAL))

    async def test_asks_for_the_game(self, bench: Bench) -> None:
        bench.answer = FetchMetadataResult(is_known=True)

        assert await self.work(bench) == Done()

        assert bench.commands == [FetchMetadata(game_id=PORTAL)]

    @pytest.mark.parametrize(
        ("age", "pause"),
        [(SECOND, MINUTE), (7 * MINUTE, 7 * MINUTE), (timedelta(days=30), timedelta(hours=1))],
    )
    async def test_asks_for_what_catalog_does_not_know_ever_more_rarely(
        self, bench: Bench, clock: FakeClock, age: timedelta, pause: timedelta
    ) -> None:
        bench.answer = FetchMetadataResult(is_known=False)
        clock.advance(age)

        assert await self.work(bench) == Again(clock.now() + pause)


class TestApplySubscription:
    async def work(self, bench: Bench, answer: ApplySubscriptionResult) -> JobResult:
        bench.answer = answer
        # Payment's ids may contain anything.
        return await bench.work("library.apply_subscription", f"{ALICE}:sub:1")

    async def test_is_done_when_nothing_differs(self, bench: Bench) -> None:
        assert await self.work(bench, ApplySubscriptionResult(done=True)) == Done()

        assert bench.commands == [ApplySubscription(user_id=ALICE, subscription_id="sub:1")]

    async def test_goes_on_while_something_differs(self, bench: Bench) -> None:
        assert isinstance(await self.work(bench, ApplySubscriptionResult(done=False)), Continue)

    async def test_comes_back_when_the_rights_run_out(self, bench: Bench, clock: FakeClock) -> None:
        end = clock.now() + 30 * MINUTE

        assert await self.work(bench, ApplySubscriptionResult(done=True, again_at=end)) == Again(end)


class TestEndWithdrawn:
    async def test_ends_what_the_user_plays_without_a_right(self, bench: Bench) -> None:
        bench.answer = EndWithdrawnSessionsResult(ended=(PORTAL,))

        assert await bench.work("playtime.end_withdrawn", str(ALICE)) == Done()

        assert bench.commands == [EndWithdrawnSessions(user_id=ALICE)]


class TestRecordInstallation:
    async def work(self, bench: Bench, *, recorded: bool = False, **values: Any) -> JobResult:
        bench.answer = RecordInstallationResult(recorded=recorded, changed=recorded)
        key = f"{ALICE}:{PORTAL}:files:desk"
        return await bench.work("library.record_installation", key, **{"payload": REPORT} | values)

    async def test_records_what_was_reported(self, bench: Bench) -> None:
        assert await self.work(bench, recorded=True) == Done()

        (command,) = bench.commands
        assert (command.user_id, command.game_id, command.report.device_id) == (ALICE, PORTAL, "desk")
        assert command.report.event_id == event_id("report")

    async def test_waits_for_the_purchase_and_gives_up_in_the_end(
        self, bench: Bench, clock: FakeClock
    ) -> None:
        tries: list[float] = []
        result: JobResult = Again(clock.now())
        while isinstance(result, Again):
            clock.advance(result.at - clock.now())
            tries.append((clock.now() - START) / SECOND)
            result = await self.work(bench)

        assert result == Dropped()
        assert tries == [0, 1, 2, 4, 8, 16, 32, *range(62, 300, 30), 300]
        assert PURCHASE_PATIENCE == 300 * SECOND

    async def test_without_a_report_is_a_bug(self, bench: Bench) -> None:
        with pytest.raises(ValueError, match="without a report"):
            await self.work(bench, payload=None)
