"""What passes come to, scraped or pushed."""

import asyncio
import math
from datetime import timedelta

from fakes.clock import FakeClock
from prometheus_client import CollectorRegistry

from library_sweeper.metrics import SweepMetrics
from library_sweeper.sweep import Report


def a_report(**failed: bool) -> Report:
    return Report(
        done={"inbox": 12, "expiry": 3},
        seconds={"inbox": 0.5, "expiry": 1.5},
        failed=[task for task, has in failed.items() if has],
        unfinished=["expiry"],
    )


def test_passes_are_counted_by_task(clock: FakeClock) -> None:
    registry = CollectorRegistry()
    metrics = SweepMetrics(registry, clock=clock)
    first = clock.now()

    metrics.observe(a_report())
    clock.advance(timedelta(minutes=1))
    metrics.observe(a_report(inbox=True))

    def value(name: str, task: str) -> float | None:
        return registry.get_sample_value(f"library_sweeper_{name}", {"task": task})

    assert value("records_total", "inbox") == 24
    assert (value("failures_total", "inbox"), value("failures_total", "expiry")) == (1, 0)
    assert (value("unfinished_total", "inbox"), value("unfinished_total", "expiry")) == (0, 2)
    assert value("seconds", "expiry") == 1.5
    assert value("last_success_timestamp_seconds", "inbox") == first.timestamp()
    assert value("last_success_timestamp_seconds", "expiry") == clock.now().timestamp()


def test_a_task_that_had_no_turn_did_not_succeed(clock: FakeClock) -> None:
    registry = CollectorRegistry()
    report = Report(done={"inbox": 0}, seconds={"inbox": 0.0}, unfinished=["inbox"], without_turn=["inbox"])

    SweepMetrics(registry, clock=clock).observe(report)

    name = "library_sweeper_last_success_timestamp_seconds"
    assert registry.get_sample_value(name, {"task": "inbox"}) is None


def test_nobody_is_told_of_partitions_that_were_not_looked_at(clock: FakeClock) -> None:
    registry = CollectorRegistry()

    SweepMetrics(registry, clock=clock)

    assert math.isnan(registry.get_sample_value("library_partitions_ahead") or 0.0)


async def test_figures_are_pushed_and_a_gateway_that_is_away_fails_nothing(
    clock: FakeClock, unused_tcp_port: int
) -> None:
    received: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        received.append(head.split(b"\r\n")[0] + b"\n" + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    metrics = SweepMetrics(CollectorRegistry(), clock=clock)
    metrics.observe(a_report())
    url = f"http://127.0.0.1:{unused_tcp_port}"

    await metrics.push(url)
    async with await asyncio.start_server(take, "127.0.0.1", unused_tcp_port):
        await metrics.push(url)

    (request,) = received
    assert request.startswith(b"POST /metrics/job/library-sweeper ")
    assert b'library_sweeper_records_total{task="inbox"} 12.0' in request


async def test_a_gateway_that_answers_nonsense_fails_nothing(clock: FakeClock) -> None:
    asked = asyncio.Event()

    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        writer.write(b"what?\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(mumble, "127.0.0.1") as gateway:
        host, port = gateway.sockets[0].getsockname()
        await SweepMetrics(CollectorRegistry(), clock=clock).push(f"http://{host}:{port}")

    assert asked.is_set()
