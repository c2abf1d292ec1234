import json
import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from library_devstack.stack import PortTaken, StackError, StateLocked
from library_devstack.stack.state import LOOPBACK, State


@pytest.fixture
def taken_port() -> int:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        port: int = server.getsockname()[1]
    return port


class TestPorts:
    def test_stay_the_same_over_a_restart(self, tmp_path: Path) -> None:
        first = State(tmp_path).port("postgres")

        again = State(tmp_path).port("postgres")

        assert again == first

    def test_differ_by_name_when_many_threads_ask_at_once(self, tmp_path: Path) -> None:
        state = State(tmp_path)

        with ThreadPoolExecutor(max_workers=8) as threads:
            ports = list(threads.map(state.port, [f"port-{number}" for number in range(40)]))

        assert len(set(ports)) == len(ports)
        assert set(json.loads((tmp_path / "state.json").read_text())["ports"].values()) == set(ports)

    def test_chosen_by_another_command_meanwhile_are_kept(self, tmp_path: Path) -> None:
        early = State(tmp_path)
        postgres = State(tmp_path).port("postgres")

        early.port("redis")

        assert State(tmp_path).port("postgres") == postgres

    def test_that_somebody_else_took_are_replaced(self, tmp_path: Path) -> None:
        state = State(tmp_path)
        port = state.port("redis")

        with socket.create_server((LOOPBACK, port)):
            state.ensure_port_is_free("redis")

        assert state.port("redis") != port
        assert State(tmp_path).port("redis") == state.port("redis")

    def test_that_are_configured_and_taken_are_refused_by_name(self, tmp_path: Path, taken_port: int) -> None:
        with (
            socket.create_server((LOOPBACK, taken_port)),
            pytest.raises(PortTaken, match=f"port {taken_port}, configured for redis"),
        ):
            State(tmp_path, ports={"redis": taken_port}).ensure_port_is_free("redis")

    def test_stay_configured_for_later_commands(self, tmp_path: Path, taken_port: int) -> None:
        State(tmp_path, ports={"redis": taken_port})

        with socket.create_server((LOOPBACK, taken_port)), pytest.raises(PortTaken):
            State(tmp_path).ensure_port_is_free("redis")


class TestSecrets:
    def test_stay_the_same_over_a_restart_and_differ_by_name(self, tmp_path: Path) -> None:
        first = State(tmp_path)

        assert State(tmp_path).secret("s3") == first.secret("s3")
        assert first.secret("s3") != first.secret("client")

    def test_are_readable_by_their_owner_alone(self, tmp_path: Path) -> None:
        State(tmp_path).secret("s3")

        assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


class TestLock:
    def test_refuses_a_second_command_at_once(self, tmp_path: Path) -> None:
        with (
            State(tmp_path).locked(),
            pytest.raises(StateLocked, match=rf"another library-dev \(pid {os.getpid()}\) is working"),
            State(tmp_path).locked(),
        ):
            pass

    def test_names_its_holder_while_it_is_held(self, tmp_path: Path) -> None:
        state = State(tmp_path)

        with state.locked("demo"):
            during = state.holder("demo")

        assert during is not None
        assert during.pid == os.getpid()
        assert state.holder("demo") is None

    def test_is_free_again_afterwards(self, tmp_path: Path) -> None:
        with State(tmp_path).locked():
            pass

        with State(tmp_path).locked():
            pass


class TestFile:
    @pytest.mark.parametrize("content", ["", "{", "[]", '{"ports": {}}'])
    def test_that_is_not_ours_is_refused_with_what_to_do(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "state.json").write_text(content)

        with pytest.raises(StackError, match=r"state\.json is not ours .* remove"):
            State(tmp_path)


class TestClock:
    def test_is_the_machines_until_it_is_set_and_then_the_same_for_everybody(self, tmp_path: Path) -> None:
        assert State(tmp_path).clock == {}

        State(tmp_path).set_clock({"RATE": "60.0"})
        assert State(tmp_path).clock == {"RATE": "60.0"}

        State(tmp_path).set_clock({})
        assert State(tmp_path).clock == {}
