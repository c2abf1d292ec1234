"""The benchmark's own parts, and a run of it so small that it says nothing: only that it has not rotted."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]  # no type information is published for it
import pytest
from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError
from grpclib.server import Server, Stream

from library_devstack.bench import population
from library_devstack.bench.goals import judged
from library_devstack.bench.growth import compared
from library_devstack.bench.growth import judged as judged_growth
from library_devstack.bench.lines import CallLine, GetLines
from library_devstack.bench.plan import FULL_ROWS, SCENARIOS, Plan
from library_devstack.bench.report import PAGE, PICTURE, write, write_growth
from library_devstack.bench.results import Load, Measurement, Results, seen_as_load, summed_up
from library_devstack.bench.seed import _tables
from library_devstack.bench.usage import Meter
from library_devstack.stack import Stack, StackError

DOCS = Path(__file__).parents[2] / "docs"
ECHO, REFUSE = "/test.Service/Echo", "/test.Service/Refuse"


class Raw(CodecBase):
    __content_subtype__ = "proto"

    def encode(self, message: bytes, message_type: type[bytes]) -> bytes:
        return message

    def decode(self, data: bytes, message_type: type[bytes]) -> bytes:
        return data


class Service:
    async def echo(self, stream: Stream[bytes, bytes]) -> None:
        message = await stream.recv_message()
        assert message is not None
        await stream.send_message(message)

    async def refuse(self, stream: Stream[bytes, bytes]) -> None:
        raise GRPCError(Status.PERMISSION_DENIED)

    def __mapping__(self) -> dict[str, Handler]:
        kind = Cardinality.UNARY_UNARY
        return {
            ECHO: Handler(self.echo, kind, bytes, bytes),
            REFUSE: Handler(self.refuse, kind, bytes, bytes),
        }


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server([Service()], codec=Raw())
    await served.start("127.0.0.1", 0)
    yield served
    served.close()
    await served.wait_closed()


def address_of(server: Server) -> str:
    assert isinstance(server._server, asyncio.Server)
    (listening,) = server._server.sockets
    return "{}:{}".format(*listening.getsockname())


class TestCallLine:
    async def test_counts_answers_with_a_message(self, server: Server) -> None:
        line = CallLine(address_of(server), path=ECHO, token="t")

        # More than the windows of HTTP/2 let through at once, in both directions.
        answers = await asyncio.gather(*(line.ask(b"x" * 16_000) for _ in range(100)))

        assert answers == [True] * 100
        line.close()

    async def test_does_not_count_refusals(self, server: Server) -> None:
        line = CallLine(address_of(server), path=REFUSE, token="t")

        assert not await line.ask(b"x")
        line.close()

    async def test_connects_again_when_the_server_has_ended_the_connection(self, server: Server) -> None:
        line = CallLine(address_of(server), path=ECHO, token="t")
        assert await line.ask(b"x")
        assert line._calls is not None

        line._calls.close()

        assert await line.ask(b"x")
        line.close()


class TestGetLines:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", True),
            (b"HTTP/1.1 304 Not Modified\r\nETag: W/1\r\n\r\n", True),
            (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", False),
            (b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno", False),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
            (b"", False),
        ],
        ids=["body", "304", "404", "503", "endless", "hangs up"],
    )
    async def test_counts_answers_below_400_that_are_whole(self, answer: bytes, expected: bool) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readuntil(b"\r\n\r\n"):
                if not answer:
                    writer.close()
                    return
                for position in range(0, len(answer), 7):  # in pieces, as networks may
                    writer.write(answer[position : position + 7])
                    await writer.drain()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
            host, port = listening.sockets[0].getsockname()
            lines = GetLines(f"{host}:{port}", connections=1, waiting_max=10)

            answers = [await lines.ask(b"GET / HTTP/1.1\r\n\r\n") for _ in range(2)]

            lines.close()

        assert answers == [expected] * 2


class TestPopulation:
    def test_gives_everybody_fifty_different_games_with_the_base_of_every_dlc(self) -> None:
        for player in range(0, 20_000, 137):
            games = population.library(player)

            assert len(set(games)) == population.ROWS_PER_PLAYER
            owned_dlc = [game for game in games if game >= population.BASE_GAMES]
            assert len(owned_dlc) == 5
            assert {population.parent(game) for game in owned_dlc} <= set(games)

    def test_scatters_the_rows_of_a_player(self) -> None:
        places = [place for place, (player, _, _) in enumerate(population.scattered(100)) if player == 7]

        assert {after - before for before, after in pairwise(places)} == {100}

    def test_has_a_value_for_every_column(self) -> None:
        for table in _tables(2):
            assert {len(line.rstrip("\n").split("\t")) for line in table.lines} == {len(table.columns)}


class TestPlan:
    @pytest.mark.parametrize(
        ("wrong", "named"),
        [
            ({"only": ("lists",)}, "--only: lists"),
            ({"without": ("luck",)}, "--without: luck"),
            ({"rounds": 0}, "rounds"),
            ({"seconds": 0.0}, "seconds"),
            ({"rates": (0,)}, "rates"),
            ({"grow": 1}, "--grow"),
        ],
    )
    def test_refuses_what_cannot_be_done(self, wrong: dict[str, object], named: str) -> None:
        with pytest.raises(StackError, match=named):
            msgspec.convert(wrong, Plan)

    def test_writes_the_page_of_whole_runs_only(self) -> None:
        assert Plan().is_whole
        assert not Plan(only=("list",)).is_whole
        assert not Plan(peers=False).is_whole
        assert not Plan(rows=FULL_ROWS * 10).is_whole
        assert not Plan(seconds=1).is_whole

    def test_measures_ours_twice_to_see_what_a_trick_is_worth(self) -> None:
        plan = Plan(without=("hot_reads",), peers=False)

        assert [each.name for each in plan.contestants(SCENARIOS[0])] == ["ours", "without"]
        assert plan.switched_off == {"LIBRARY_POSTGRES__HOT_READS__ENABLED": "false"}


class TestMeter:
    def test_tells_who_spent_the_time(self) -> None:
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        idle = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            process = psutil.Process(busy.pid)
            before = process.cpu_times().user
            with Meter({"app": (busy.pid,), "postgres": (idle.pid,)}) as meter:
                while process.cpu_times().user - before < 0.2:
                    process.cpu_percent(0.01)
        finally:
            for each in (busy, idle):
                each.kill()
                each.communicate()

        assert meter.cpu["app"] >= 0.2
        assert meter.cpu["postgres"] < 0.2
        assert 0 <= meter.others <= 1


def measured(scenario: str, contestant: str, rate: float, **more: object) -> Measurement:
    return Measurement(
        scenario=scenario,
        contestant=contestant,
        load=seen_as_load([1.0, 2.0, 30.0], requests=int(rate * 10), seconds=10),
        cpu={"app": 1.0, "postgres": 0.5},
        others=0.01,
        **more,  # type: ignore[arg-type]
    )


class TestResults:
    def test_take_the_median_of_the_rounds(self) -> None:
        row = summed_up([measured("list", "ours", rate) for rate in (900, 1_000, 4_000)])

        assert (row.rate, row.slowest, row.fastest) == (1_000, 900, 4_000)
        assert row.p99 == 30.0
        assert row.app == pytest.approx(100.0)
        assert row.redis is None

    def test_have_no_latencies_where_nobody_told(self) -> None:
        assert seen_as_load([], requests=5, seconds=1) == Load(requests=5, seconds=1)

    def test_are_judged_by_ratios_of_the_same_run(self) -> None:
        rows = [
            summed_up([measured(scenario, contestant, rate)])
            for scenario, contestant, rate in [
                ("list", "ours", 2_600),
                ("list", "fastapi", 1_000),
                ("item", "ours", 2_900),
                ("item", "fastapi", 1_000),
                ("unchanged", "ours", 6_000),
                ("batch", "ours", 400),
            ]
        ]

        goals = list(judged(Results(facts={}, rows=rows, notes=[])))

        assert [goal.is_met for goal in goals] == [
            True,
            False,
            True,
            None,
            True,
            *[None] * 4,  # what is written
            False,
            *[None] * 4,
        ]


class TestReport:
    def test_is_put_into_its_places_and_changes_no_other_word(self, tmp_path: Path) -> None:
        shutil.copy(DOCS / PAGE, tmp_path)
        rows = [
            summed_up([measured(each.name, contestant.name, 100)])
            for each in SCENARIOS[:-1]
            for contestant in Plan().contestants(each)
        ]
        results = Results(facts={"CPU": "two"}, rows=rows, notes=["<none>"])

        write(results, tmp_path)
        once = (tmp_path / PAGE).read_text()
        write(results, tmp_path)

        assert (tmp_path / PAGE).read_text() == once
        assert "| Library Service | 100 |" in once
        assert {"### List: 20 newest games and the total", "### gRPC CheckGameAccess"} <= set(
            once.splitlines()
        )
        assert "| CPU | two |" in once
        heads = [line for line in (DOCS / PAGE).read_text().splitlines() if line.startswith("## ")]
        assert [line for line in once.splitlines() if line.startswith("## ")] == heads
        assert ET.parse(tmp_path / PICTURE).getroot().tag.endswith("svg")

    def test_wants_a_page_with_places(self, tmp_path: Path) -> None:
        (tmp_path / PAGE).write_text("# Performance\n")

        with pytest.raises(StackError, match="places"):
            write(Results(facts={}, rows=[], notes=[]), tmp_path)


class TestGrowth:
    def cost(self, *rates: float) -> list[Results]:
        return [
            Results(facts={}, rows=[summed_up([measured("item", "ours", rate)])], notes=[]) for rate in rates
        ]

    def test_compares_the_least_that_a_request_has_cost(self) -> None:
        # A second and a half of CPU for ten seconds at these rates.
        (item,) = compared(self.cost(1_000, 500), self.cost(400, 800))

        assert item.scenario == "item"
        assert [item.few, item.many, item.ratio] == pytest.approx([150.0, 187.5, 1.25])
        assert not judged_growth([item], grow=10).is_met

    def test_is_put_into_its_place(self, tmp_path: Path) -> None:
        shutil.copy(DOCS / PAGE, tmp_path)
        growth = list(compared(self.cost(1_000), self.cost(900)))

        write_growth(growth, Plan(grow=10), tmp_path)

        text = (tmp_path / PAGE).read_text()
        assert "| item: one game, all of it | 150 | 167 | 1.11 × |" in text
        assert "✓ 10 × the rows ≤ 1.2 × the CPU: 1.11 ×" in text


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load; `make bench` installs it")
class TestRun:
    @pytest.fixture
    def state(self, tmp_path: Path) -> Iterator[Path]:
        yield tmp_path / "state"
        Stack(tmp_path / "state" / "bench" / "2000").destroy()

    def test_measures_every_scenario_and_leaves_nothing_running(self, state: Path) -> None:
        tiny = "--rows 2000 --seconds 0.5 --warmup 0 --rounds 1 --rates 20 --no-peers --without hot_reads"

        run = subprocess.run(
            [sys.executable, "-m", "library_devstack", "bench", *tiny.split()],
            env={**os.environ, "DEVSTACK_STATE": str(state)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

        assert run.returncode == 0, run.stderr
        rows = json.loads((state / "bench" / "results.json").read_text())["rows"]
        assert {row["scenario"] for row in rows} == {each.name for each in SCENARIOS}
        assert {row["contestant"] for row in rows} == {"ours", "without", "besieged", "rest", "grpc"}
        assert [row for row in rows if row["errors"]] == []
        assert [
            each for each in psutil.process_iter(["cwd"]) if str(each.info["cwd"]).startswith(str(state))
        ] == []
