import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # no type information is published for it
import pytest

from library_devstack.stack.process import ManagedProcess, minimal_environment

# Says that it is ready by creating a file, so that nobody has to guess when its handlers are installed.
STUBBORN = """
import pathlib, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
signal.pause()
"""
OBEDIENT = "import signal; signal.pause()"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ManagedProcess]:
    process = ManagedProcess(pid_file=tmp_path / "it.pid", log_file=tmp_path / "logs" / "it.log")
    yield process
    process.kill()


def start(process: ManagedProcess, program: str, *arguments: str) -> int:
    process.spawn([sys.executable, "-c", program, *arguments], env=minimal_environment())
    pid = process.pid
    assert pid is not None
    return pid


def wait_for_text(path: Path) -> str:
    while not path.exists() or not path.read_text():
        os.sched_yield()
    return path.read_text()


def is_alive(pid: int) -> bool:
    # One that its parent has not collected yet has ended all the same.
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


class TestManagedProcess:
    def test_is_found_again_by_a_later_command(self, process: ManagedProcess, tmp_path: Path) -> None:
        pid = start(process, OBEDIENT)

        later = ManagedProcess(pid_file=tmp_path / "it.pid", log_file=tmp_path / "it.log")

        assert later.pid == pid

    def test_ends_on_the_signal_that_it_understands(self, process: ManagedProcess) -> None:
        pid = start(process, OBEDIENT)

        process.stop(with_signal=signal.SIGTERM, timeout_seconds=10)

        assert not psutil.pid_exists(pid)
        assert not process.running

    def test_is_killed_with_its_descendants_when_it_does_not_listen(
        self, process: ManagedProcess, tmp_path: Path
    ) -> None:
        pid = start(process, STUBBORN, str(tmp_path / "child"))
        child = int(wait_for_text(tmp_path / "child"))

        process.stop(with_signal=signal.SIGTERM, timeout_seconds=0.2)

        assert not is_alive(pid)
        assert not is_alive(child)

    def test_ends_although_it_is_paused(self, process: ManagedProcess) -> None:
        pid = start(process, OBEDIENT)
        process.pause()

        process.stop(with_signal=signal.SIGTERM, timeout_seconds=10)

        assert not psutil.pid_exists(pid)

    def test_is_never_signalled_when_its_pid_now_belongs_to_another(
        self, process: ManagedProcess, tmp_path: Path
    ) -> None:
        stranger = start(process, OBEDIENT)
        started = psutil.Process(stranger).create_time()
        recycled = tmp_path / "recycled.pid"
        recycled.write_text(json.dumps({"pid": stranger, "started": started - 3600}))
        ours = ManagedProcess(pid_file=recycled, log_file=tmp_path / "ours.log")

        ours.pause()
        ours.stop(with_signal=signal.SIGTERM, timeout_seconds=1)
        ours.kill()

        assert not ours.running
        assert psutil.Process(stranger).is_running()
        assert psutil.Process(stranger).status() != psutil.STATUS_STOPPED

    def test_that_another_command_started_anew_is_the_one_that_is_meant(
        self, process: ManagedProcess, tmp_path: Path
    ) -> None:
        start(process, OBEDIENT)
        other = ManagedProcess(pid_file=tmp_path / "it.pid", log_file=tmp_path / "it.log")
        other.stop(with_signal=signal.SIGTERM, timeout_seconds=10)
        newer = start(other, OBEDIENT)

        assert process.pid == newer

        process.stop(with_signal=signal.SIGTERM, timeout_seconds=10)

        assert not is_alive(newer)
        assert not (tmp_path / "it.pid").exists()
        other.kill()  # collects its child

    def test_is_lost_when_it_ended_and_nobody_stopped_it(self, process: ManagedProcess) -> None:
        pid = start(process, OBEDIENT)
        seen = [process.lost]

        psutil.Process(pid).kill()
        while process.running:
            os.sched_yield()
        seen.append(process.lost)
        process.stop(with_signal=signal.SIGTERM, timeout_seconds=1)
        seen.append(process.lost)

        assert seen == [False, True, False]

    def test_that_is_gone_can_be_stopped_again(self, process: ManagedProcess) -> None:
        start(process, OBEDIENT)
        process.kill()

        process.stop(with_signal=signal.SIGTERM, timeout_seconds=1)

        assert process.pid is None

    def test_gives_the_end_of_its_log(self, process: ManagedProcess) -> None:
        start(process, "print('\\n'.join(f'line {n}' for n in range(100)))")
        wait_for_text(process.log_file)

        assert process.log_tail().splitlines()[-1] == "line 99"
        assert "line 50" not in process.log_tail()

    def test_gets_nothing_of_our_environment_but_the_path(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PGDATA", "/elsewhere")

        assert set(minimal_environment(HOME="/nowhere")) == {"PATH", "LC_ALL", "TZ", "HOME"}
