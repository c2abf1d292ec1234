import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry, Counter

from library_adapters.telemetry import Management, ManagementSettings

SETTINGS = ManagementSettings(port=0, probe_interval_seconds=0.01, probe_timeout_seconds=0.05)


class FakeMonotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logger.remove()


@pytest.fixture
def monotonic() -> FakeMonotonic:
    return FakeMonotonic()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def management(registry: CollectorRegistry, monotonic: FakeMonotonic) -> AsyncIterator[Management]:
    async with Management(SETTINGS, registry, monotonic=monotonic) as management:
        yield management


def get(management: Management, path: str) -> httpx2.Response:
    return ask("GET", management, path)


def ask(method: str, management: Management, path: str) -> httpx2.Response:
    """Ask without turning the event loop: the answer comes from the other thread."""
    return httpx2.request(method, f"http://127.0.0.1:{management.port}{path}", timeout=2, trust_env=False)


async def state_of(management: Management, name: str, status: str) -> dict[str, Any]:
    """Wait until the dependency's reported status is this one."""
    async with asyncio.timeout(5):
        while True:
            state: dict[str, Any] = get(management, "/health/ready").json()["dependencies"][name]
            if state["status"] == status:
                return state
            await asyncio.sleep(0.005)


async def test_a_process_is_ready_between_its_start_and_its_draining(management: Management) -> None:
    stages = [get(management, "/health/ready")]
    management.ready()
    stages.append(get(management, "/health/ready"))
    management.draining()
    stages.append(get(management, "/health/ready"))

    assert [(each.status_code, each.json()["status"]) for each in stages] == [
        (503, "starting"),
        (200, "ready"),
        (503, "draining"),
    ]


async def test_a_dependency_that_is_down_is_reported_and_does_not_end_readiness(
    management: Management, registry: CollectorRegistry
) -> None:
    down = True

    async def probe() -> None:
        if down:
            raise ConnectionError("host=secret-host password=hunter2")

    management.ready()
    management.watch("postgres", probe)

    state = await state_of(management, "postgres", "down")
    assert state["error"] == "ConnectionError"
    assert get(management, "/health/ready").status_code == 200
    assert "secret-host" not in get(management, "/health/ready").text
    assert registry.get_sample_value("library_dependency_up", {"dependency": "postgres"}) == 0

    down = False
    state = await state_of(management, "postgres", "up")
    assert state["error"] is None
    assert registry.get_sample_value("library_dependency_up", {"dependency": "postgres"}) == 1


async def test_a_dependency_that_does_not_answer_is_down(management: Management) -> None:
    async def probe() -> None:
        await asyncio.Event().wait()

    management.watch("kafka", probe)

    assert (await state_of(management, "kafka", "down"))["error"] == "TimeoutError"


async def test_a_dependency_that_hangs_does_not_hide_another(management: Management) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    async def answer() -> None:
        return

    management.watch("kafka", hang)
    management.watch("postgres", answer)

    await state_of(management, "postgres", "up")


async def test_a_dependency_is_unknown_until_it_was_asked(management: Management) -> None:
    async def probe() -> None:
        await asyncio.Event().wait()

    management.watch("kafka", probe)

    assert get(management, "/health/ready").json()["dependencies"]["kafka"]["status"] == "unknown"


async def test_a_process_lives_whatever_its_dependencies_do(management: Management) -> None:
    async def probe() -> None:
        raise ConnectionError

    management.watch("postgres", probe)
    await state_of(management, "postgres", "down")

    assert get(management, "/health/live").status_code == 200


async def test_a_process_whose_event_loop_stands_still_is_dead(
    management: Management, monotonic: FakeMonotonic
) -> None:
    assert get(management, "/health/live").json() == {"status": "alive"}

    monotonic.now += 21  # and the loop has no chance to tick: this test does not await

    assert get(management, "/health/live").status_code == 503


async def test_metrics_are_those_of_the_registry(management: Management, registry: CollectorRegistry) -> None:
    Counter("example", "An example.", registry=registry).inc()

    answer = get(management, "/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "example_total 1.0" in answer.text
    assert "python_info" not in answer.text


@pytest.mark.parametrize("path", ["/", "/health", "/health/live/x", "/metrics2", "/../etc/passwd"])
async def test_there_is_nothing_else(management: Management, path: str) -> None:
    assert get(management, path).status_code == 404


async def test_answers_tell_little_of_the_server(management: Management) -> None:
    answer = get(management, "/health/live?x=1")

    assert answer.headers["server"] == "library-service"
    assert answer.headers["cache-control"] == "no-store"


async def test_other_methods_get_no_body_or_no_answer(management: Management) -> None:
    assert ask("HEAD", management, "/health/live").content == b""
    assert ask("POST", management, "/health/live").status_code == 501


async def test_connections_are_bounded_and_those_that_end_make_room(management: Management) -> None:
    idle = [socket.create_connection(("127.0.0.1", management.port), timeout=2) for _ in range(16)]
    try:
        with pytest.raises(httpx2.HTTPError):
            get(management, "/health/live")
    finally:
        for connection in idle:
            connection.close()

    async with asyncio.timeout(5):
        while True:
            try:
                assert get(management, "/health/live").status_code == 200
            except httpx2.HTTPError:
                await asyncio.sleep(0.005)
            else:
                break


async def test_a_taken_port_stops_the_start(management: Management) -> None:
    taken = ManagementSettings(port=management.port)

    with pytest.raises(OSError, match="in use"):
        async with Management(taken, CollectorRegistry()):
            pytest.fail("it started")


async def test_the_port_is_free_after_the_block(registry: CollectorRegistry) -> None:
    async with Management(SETTINGS, registry) as management:
        port = management.port

    async with Management(ManagementSettings(port=port), CollectorRegistry()) as successor:
        assert get(successor, "/health/live").status_code == 200
