import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # no type information is published for it
import pytest

from library_devstack.bench.plan import SCENARIOS, SWITCHES
from library_devstack.lifecycle import set_clock
from library_devstack.services import fast_forward, services
from library_devstack.stack import Redis, Stack
from library_devstack.stack.process import Identity
from library_devstack.stack.state import State

USER = "5b5a8fd9-1383-5b9e-b865-c982dd5aa464"

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "state"
    yield directory
    stack = Stack(directory)
    for each in (*services(stack), *fast_forward(stack, {})):
        each.stop(immediate=True)
    stack.destroy()


@pytest.fixture
def library_dev(state: Path) -> Command:
    def call(*arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "library_devstack", *arguments],
            env={**os.environ, "DEVSTACK_STATE": str(state), "COLUMNS": "200"},
            input=text,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    return call


def ours(state: Path) -> list[psutil.Process]:
    """Return the processes that still work in the state directory."""
    return [each for each in psutil.process_iter(["cwd"]) if str(each.info["cwd"]).startswith(str(state))]


class TestLibraryDev:
    def test_starts_tells_and_stops(self, library_dev: Command, state: Path) -> None:
        up = library_dev("up")
        exports = dict(re.findall(r"^export (\w+)='?(.*?)'?$", library_dev("env").stdout, re.MULTILINE))
        status = library_dev("status")
        unknown_log = library_dev("logs", "nothing")
        refused = library_dev("publish", "--file", "-", text='{"event_id": "1"}')
        published = library_dev(
            "publish", "--unchecked", "--file", "-", text='{"event_id": "1"}\n{"event_id": "2"}'
        )
        tail = library_dev("tail", "payment-events", "--from-start", "--count", "2")
        refund = library_dev("publish", "example", "payment.purchase.refunded", "--user", USER)
        psutil.Process(Stack(state).find(Redis).process.pid).kill()
        without_redis = library_dev("status")
        down = library_dev("down")

        assert up.returncode == 0, up.stderr
        assert {"API_URL", "WS_URL", "GRPC_ADDRESS", "METRICS_URL", "DATABASE_URL", "REDIS_URL"} <= set(
            exports
        )
        assert {"KAFKA_BOOTSTRAP", "S3_ENDPOINT", "JWKS_URL", "LIBRARY_POSTGRES__DSN"} <= set(exports)
        assert "no log of 'nothing'; there are: kafka" in unknown_log.stderr
        assert status.returncode == 0, status.stdout
        assert status.stdout.count("healthy") == 5
        assert "event 1, of type None: there is no such type" in refused.stderr
        assert "2 published to payment-events" in published.stderr
        assert sorted(tail.stdout.splitlines()) == ['{"event_id": "1"}', '{"event_id": "2"}']
        assert f'"user_id": "{USER}"' in refund.stdout
        assert without_redis.returncode == 1
        assert "has ended" in without_redis.stdout
        assert down.returncode == 0, down.stderr
        assert ours(state) == []

    def test_prints_nothing_but_the_token(self, library_dev: Command, state: Path) -> None:
        State(state).secret("client")

        answer = library_dev("token", "--user", USER, "--role", "support", "--ttl", "60")

        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", answer.stdout)

    def test_names_everything_that_can_be_measured(self, library_dev: Command) -> None:
        told = set(re.findall(r"\w+", library_dev("bench", "--help").stdout))

        assert {each.name for each in SCENARIOS} <= told
        assert SWITCHES.keys() <= told

    def test_ends_quietly_when_nobody_reads_on(self, state: Path) -> None:
        State(state).secret("client")
        read_end, write_end = os.pipe()
        os.close(read_end)

        with open(write_end, "w") as closed_pipe:  # noqa: PTH123 - a descriptor, not a path
            answer = subprocess.run(
                [sys.executable, "-m", "library_devstack", "token", "--user", USER],
                env={**os.environ, "DEVSTACK_STATE": str(state)},
                stdout=closed_pipe,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )

        assert (answer.returncode, answer.stderr) == (141, "")

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["env"], "nothing was ever started"),
            (["token", "--user", USER], "nothing was ever started"),
            (["logs", "api"], "nothing was ever started"),
            (["run", "--players", "none"], "--players none: a positive number, or all"),
            (["run", "--players", "all", "--data", "/nowhere"], "/nowhere/steam-store.csv is not there"),
            (["publish", "--file", "/nowhere"], "/nowhere: No such file"),
            (
                ["bench", "--grow", "10", "--only", "mixed"],
                "--grow compares what a request costs at full load",
            ),
            (
                ["publish", "--file", "-", "--topic", "payments"],
                "no topic 'payments'; there are: payment-events",
            ),
            (["tail", "payments"], "no topic 'payments'"),
            (["publish", "--file", "-"], "line 1 is not JSON"),
            (["publish", "example", "payment.refunded"], "no event type 'payment.refunded'"),
            (["publish", "example", "account.user.deleted", "--set", "reason"], "'reason' is not name=value"),
            (
                ["publish", "example", "account.user.deleted", "--set", "user_id=1"],
                "data.user_id: 1 is not of",
            ),
            (["publish", "purchase", "--user", USER, "--game", USER], "nothing was ever started"),
        ],
    )
    def test_says_in_a_line_what_is_wrong(
        self, library_dev: Command, state: Path, arguments: list[str], complaint: str
    ) -> None:
        answer = library_dev(*arguments, text="{")

        assert not state.exists()

        assert answer.returncode == 1
        assert complaint in answer.stderr
        assert "Traceback" not in answer.stderr

    @pytest.mark.parametrize(("option", "value"), [("--role", "king"), ("--ttl", "0")])
    def test_refuses_a_token_that_no_platform_would_give(
        self, library_dev: Command, option: str, value: str
    ) -> None:
        answer = library_dev("token", "--user", USER, option, value)

        assert answer.returncode == 2
        assert option in answer.stdout + answer.stderr

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_on_a_signal_that_its_shell_had_ignored(
        self, state: Path, tmp_path: Path, number: signal.Signals
    ) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        # As `&` starts it in a shell that is not interactive.
        ignoring = (
            f"import os, signal, sys; signal.signal({number:d}, signal.SIG_IGN); "
            "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
        )
        with (
            subprocess.Popen(
                [sys.executable, "-c", ignoring, "-m", "library_devstack", "publish", "--file", str(pipe)],
                env={**os.environ, "DEVSTACK_STATE": str(state)},
            ) as process,
            # Opening it waits until the command reads from it.
            pipe.open("w"),
        ):
            process.send_signal(number)

            assert process.wait(20) == 130


@pytest.fixture
def faster_api(state: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run something in the place of an api whose time passes faster."""
    stack = Stack(state)
    set_clock(stack, 60)
    with subprocess.Popen(["sleep", "120"]) as process:
        api = next(each for each in services(stack) if each.name == "api")
        stack.state.path("run", f"{api.name}.pid").write_text(Identity.of(process.pid).text())
        yield process
        process.kill()


def test_a_run_does_not_stop_what_it_asks_to_be_stopped(
    library_dev: Command, faster_api: "subprocess.Popen[bytes]"
) -> None:
    refused = library_dev("run", "--players", "1", "--exit")

    assert refused.returncode == 1
    assert "time passes at a rate of 60 in what runs; stop it first" in refused.stderr
    assert faster_api.poll() is None


@pytest.mark.slow
@pytest.mark.timeout(400)
class TestRun:
    def test_shows_a_purchase_through_every_door_and_leaves_nothing(
        self, library_dev: Command, state: Path
    ) -> None:
        first = library_dev("run", "--players", "1", "--exit")
        second = library_dev("run", "--players", "1", "--exit")

        assert first.returncode == 0, first.stderr
        assert "GET /api/v1/library?limit=20" in first.stdout
        assert "not_owned" in first.stdout
        assert "library.game.added" in first.stdout
        assert re.search(r"From purchase to visible over REST, 20 purchases: median \d+ ms", first.stdout)
        assert re.search(r"1 of the sample's players played for \d+ minutes in [\d.]+ s", first.stdout)
        assert "GET /api/v1/library/playtime/report?period=" in first.stdout
        assert (state / "playtime.svg").read_text().startswith("<svg")
        assert second.returncode == 0, second.stderr
        assert "every library is there already" in second.stderr
        assert "everybody who was loaded has played already" in second.stdout
        assert ours(state) == []

    def test_ends_when_told_though_a_script_started_it_and_its_stack_is_down(
        self, library_dev: Command, state: Path
    ) -> None:
        # As a script does with `&`: SIGINT is ignored from the start. SIGTERM goes the way of SIGINT.
        script = 'trap "" INT; exec "$0" -m library_devstack run --players 1'
        running = subprocess.Popen(
            ["/bin/sh", "-c", script, sys.executable],
            env={**os.environ, "DEVSTACK_STATE": str(state), "COLUMNS": "200"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stderr is not None
        try:
            told = any("Ctrl-C stops everything" in line for line in running.stderr)
            down = library_dev("down")
            running.terminate()
            _, rest = running.communicate(timeout=10)
        finally:
            running.kill()
            running.wait()

        assert told
        assert down.returncode == 0, down.stderr
        assert running.returncode == 0, rest
        assert ours(state) == []
