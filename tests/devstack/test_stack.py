import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # no type information is published for it
import psycopg
import pytest

from library_devstack.stack import Component, ComponentFailed, NotHealthy, Postgres, Redis, Stack, StackError
from library_devstack.stack.kafka import TOPICS, Kafka
from library_devstack.stack.process import _is_alive
from library_devstack.stack.s3 import S3, SAVES_BUCKET
from library_devstack.stack.state import LOOPBACK

NAMES = ["postgres", "redis", "s3", "kafka", "standins"]


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "state", durable=False)
    yield stack
    stack.destroy()


def family(component: Component) -> list[psutil.Process]:
    process = psutil.Process(component.process.pid)
    return [process, *process.children(recursive=True)]


def listening_addresses(component: Component) -> set[str]:
    found = set()
    for process in family(component):
        with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's children come and go
            found |= {
                each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN
            }
    return found


class TestStack:
    def test_leaves_no_process_and_no_file_behind(self, own_stack: Stack) -> None:
        own_stack.start()
        processes = [process for component in own_stack.components for process in family(component)]
        data = own_stack.find(Postgres).data

        own_stack.destroy()

        assert [process for process in processes if _is_alive(process)] == []
        assert not data.exists()
        assert not own_stack.state.directory.exists()

    def test_starts_again_with_the_same_addresses_and_data(self, own_stack: Stack) -> None:
        with own_stack:
            before = own_stack.env()
            own_stack.find(Postgres).create_database("kept")

        again = Stack(own_stack.state.directory, durable=False)
        with again:
            assert again.env() == before
            with psycopg.connect(again.find(Postgres).dsn("kept")) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_started_twice_keeps_what_runs(self, own_stack: Stack) -> None:
        own_stack.start(only=["redis", "kafka"])
        pids = [own_stack.component(name).process.pid for name in ("redis", "kafka")]

        Stack(own_stack.state.directory).start(only=["redis", "kafka"])

        assert [own_stack.component(name).process.pid for name in ("redis", "kafka")] == pids

    def test_says_what_it_has_when_asked_for_something_else(self, own_stack: Stack) -> None:
        with pytest.raises(
            StackError, match="no component 'mysql'; there are: postgres, redis, s3, kafka, standins"
        ):
            own_stack.component("mysql")

    def test_tells_the_reason_when_a_component_cannot_start(self, own_stack: Stack) -> None:
        redis = own_stack.find(Redis)
        redis._command = lambda: [str(shutil.which("sh")), "-c", "echo out of luck; exit 3"]  # type: ignore[method-assign]

        with pytest.raises(ComponentFailed, match=r"redis ended at start(.|\n)*out of luck"):
            own_stack.start(only=["redis"])


class TestComponent:
    @pytest.mark.parametrize("name", NAMES)
    def test_listens_on_loopback_alone(self, stack: Stack, name: str) -> None:
        assert listening_addresses(stack.component(name)) == {LOOPBACK}

    @pytest.mark.parametrize("name", NAMES)
    def test_is_not_healthy_while_paused(self, stack: Stack, name: str) -> None:
        component = stack.component(name)

        component.pause()
        try:
            with pytest.raises(NotHealthy):
                component.health()
        finally:
            component.resume()

        component.health()

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("immediate", [False, True])
    def test_comes_back_on_its_port_after_a_restart(self, stack: Stack, name: str, immediate: bool) -> None:
        component = stack.component(name)
        port, pid = component.port, component.process.pid

        component.restart(immediate=immediate)

        component.health()
        assert component.port == port
        assert component.process.pid != pid


class TestPostgres:
    def test_compares_by_bytes_and_stores_utf8(self, postgres: Postgres) -> None:
        with psycopg.connect(postgres.dsn()) as connection:
            row = connection.execute(
                "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
            ).fetchone()

        assert row == ("UTF8", "C")

    def test_refuses_a_wrong_password(self, postgres: Postgres) -> None:
        wrong = postgres.dsn().replace(":", ":not-", 2).replace(":not-//", "://")

        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)

    def test_keeps_committed_data_over_a_kill(self, postgres: Postgres, empty_database: str) -> None:
        with psycopg.connect(empty_database) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")

        postgres.restart(immediate=True)

        with psycopg.connect(empty_database) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)

    def test_starts_although_its_pid_file_was_lost(self, postgres: Postgres) -> None:
        stray = psutil.Process(postgres.process.pid)
        postgres.process._pid_file.unlink()

        postgres.start()

        postgres.health()
        assert not _is_alive(stray)


class TestKafka:
    async def test_has_every_topic(self, kafka: Kafka) -> None:
        names = await kafka._list_topics()

        assert set(TOPICS) <= set(names)


class TestS3:
    def test_has_the_bucket_for_saves(self, stack: Stack) -> None:
        with stack.find(S3)._client() as client:
            assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == [SAVES_BUCKET]

    def test_refuses_requests_signed_with_another_key(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stack.find(S3)._state, "secret", lambda _: "not-the-secret")

        with pytest.raises(NotHealthy, match="SignatureDoesNotMatch"):
            stack.find(S3).health()
