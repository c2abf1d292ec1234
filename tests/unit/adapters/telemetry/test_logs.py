import asyncio
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from granian.log import LogLevels, configure_logging
from loguru import logger

from library_adapters.telemetry import (
    FrequentLog,
    LogSettings,
    Tracing,
    TracingSettings,
    configure_logs,
    stdlib_logging,
)
from library_adapters.telemetry.logs import ToLoguru
from library_domain.shared.caller import Caller, acting

TRACEPARENT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}
USER = UUID("0190c1a2-7b3c-7def-8123-456789abcdef")
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Logging is the process's: leave it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logger.remove()
    root.handlers[:], root.level = handlers, level
    for name in stdlib_logging()["loggers"]:
        named = logging.getLogger(name)
        named.handlers.clear()
        named.propagate = True
        named.setLevel(logging.NOTSET)


@pytest.fixture
def lines() -> Lines:
    stream = io.StringIO()
    configure_logs(LogSettings(level="debug"), component="api", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_the_fields_of_the_specification(lines: Lines) -> None:
    logger.info("a game is added: {}", "Тетрис")

    (line,) = lines()

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "service_name": "library-service",
        "component": "api",
        "message": "a game is added: Тетрис",
        "logger": __name__,
    }


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("trace", None),
        ("debug", "debug"),
        ("info", "info"),
        ("success", "info"),
        ("warning", "warn"),
        ("error", "error"),
        ("critical", "fatal"),
    ],
)
def test_levels_have_the_specifications_names(lines: Lines, method: str, level: str | None) -> None:
    getattr(logger, method)("x")

    assert [line["level"] for line in lines()] == ([] if level is None else [level])


def test_levels_below_the_configured_one_are_left_out() -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(level="warn"), component="api", stream=stream)

    logger.info("too quiet")
    logging.getLogger("some.library").info("too quiet")
    logger.warning("heard")

    assert stream.getvalue().count("\n") == 1


def test_the_caller_and_what_is_bound_surround_the_message(lines: Lines) -> None:
    with (
        acting(Caller(actor_id=USER, request_id="req-1")),
        logger.contextualize(topic="payment-events", offset=7),
    ):
        logger.bind(game_id=USER).info("x")

    (line,) = lines()
    assert line["user_id"] == str(USER)
    assert line["request_id"] == "req-1"
    assert line["topic"] == "payment-events"
    assert line["offset"] == 7
    assert line["game_id"] == str(USER)


def test_the_trace_of_the_moment_is_in_the_line(lines: Lines) -> None:
    tracing = Tracing(TracingSettings(ratio=1.0), component="api")

    with tracing.tracer.start_as_current_span("work") as span:
        logger.info("x")

    (line,) = lines()
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert line["span_id"] == f"{span.get_span_context().span_id:016x}"


def test_an_exception_is_one_text_without_the_values_of_variables(lines: Lines) -> None:
    def fail(parameter: str) -> None:
        raise ValueError("broken", len(parameter))

    try:
        fail("hunter2"[::1])
    except ValueError:
        logger.exception("x")

    (line,) = lines()
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: ('broken', 7)")
    assert line["exception"].count("hunter2") == 1, "in the source line only"


@pytest.mark.parametrize(
    "log",
    [
        lambda: logger.info("Authorization: Bearer hunter2"),
        lambda: logger.info("connecting to postgresql://u:hunter2@db/x"),
        lambda: logger.info("x", authorization="hunter2"),
        lambda: logger.bind(body=b"hunter2").info("x"),
        lambda: logger.bind(headers={"Authorization": "Bearer hunter2"}).info("x"),
        lambda: logger.opt(exception=RuntimeError("redis://:hunter2@cache")).info("x"),
        lambda: logging.getLogger("driver").warning("password=%s", "hunter2"),
    ],
)
@pytest.mark.parametrize("style", ["json", "text"])
def test_no_secret_leaves(log: Callable[[], None], style: Any) -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(format=style), component="api", stream=stream)

    log()

    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("***") == 1


def test_records_of_the_standard_library_come_with_name_and_exception(lines: Lines) -> None:
    logging.getLogger("psycopg.pool").error("error connecting in %r", "pool-1", exc_info=OSError("gone"))

    (line,) = lines()
    assert line["logger"] == "psycopg.pool"
    assert line["level"] == "error"
    assert line["message"] == "error connecting in 'pool-1'"
    assert line["exception"].endswith("OSError: gone")


def test_records_in_braces_or_with_wrong_arguments_arrive(lines: Lines) -> None:
    logging.getLogger("some.library").warning("{not} a format")
    ToLoguru().handle(
        logging.LogRecord("some.library", logging.WARNING, "file.py", 1, "%d of %d", (1,), None)
    )

    assert [line["message"] for line in lines()] == ["{not} a format", "%d of %d"]


@pytest.mark.parametrize("name", ["httpx2", "aiokafka.cluster", "asyncio"])
def test_libraries_that_narrate_are_heard_from_warnings_on(lines: Lines, name: str) -> None:
    logging.getLogger(name).info("HTTP Request: GET https://issuer.test")
    logging.getLogger(name).warning("heard")

    assert [line["message"] for line in lines()] == ["heard"]


def test_granian_takes_the_configuration_and_is_heard(lines: Lines) -> None:
    configure_logging(LogLevels.info, stdlib_logging())

    logging.getLogger("_granian").warning("from the server")

    assert [line["logger"] for line in lines()] == ["_granian"]


def test_a_value_that_cannot_be_shown_costs_only_itself(lines: Lines) -> None:
    class Unshowable:
        def __str__(self) -> str:
            raise RuntimeError

    logger.bind(odd=Unshowable()).info("x")
    logger.info("y")

    assert [line["message"] for line in lines()] == ["unloggable: RuntimeError", "y"]


def test_a_message_is_cut_before_it_is_too_long(lines: Lines) -> None:
    logger.info("x" * 1_000_000)
    logger.bind(note="y" * 1_000_000).info("z")

    assert [len(str(line)) < 20_000 for line in lines()] == [True, True]


def test_a_line_break_in_a_message_makes_no_second_line(lines: Lines) -> None:
    logger.info('first\n{"level":"fatal"}')

    assert len(lines()) == 1


def test_a_stdout_that_is_gone_does_not_stop_the_work() -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(), component="api", stream=stream)
    stream.close()

    logger.info("into the void")


def test_text_is_for_people() -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(format="text"), component="api", stream=stream)

    logger.bind(topic="payment-events").warning("slow")

    assert stream.getvalue().endswith(f" warn  {__name__}: slow topic=payment-events\n")


def told(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("style", ["json", "text"])
def test_the_shortcut_writes_what_loguru_would(style: Any) -> None:
    tracing = Tracing(TracingSettings(ratio=0.0), component="api")
    frequent = FrequentLog("some.door")

    def lines(*, shortcut: bool) -> str:
        stream = io.StringIO()
        configure_logs(LogSettings(format=style, shortcut=shortcut), component="api", stream=stream)
        with acting(Caller(actor_id=USER, request_id="bearer hunter2")):
            frequent(
                "INFO", "GET {path} 200", method="GET", status=200, duration_ms=1.5, route="/{id}", gone=None
            )
            frequent("WARNING", "Bearer hunter2", token="hunter2", user=USER)
        logger.remove()
        return re.sub(r"\d\d:\d\d:\d\d\.\d+", "", stream.getvalue())

    with tracing.continued(TRACEPARENT, "x"):
        assert lines(shortcut=True) == lines(shortcut=False)
        assert "hunter2" not in lines(shortcut=True)


@pytest.mark.parametrize("shortcut", [True, False])
def test_the_shortcut_heeds_the_level(shortcut: bool) -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(level="warn", shortcut=shortcut), component="api", stream=stream)

    FrequentLog("some.door")("INFO", "too quiet")
    FrequentLog("some.door")("WARNING", "heard")

    assert [line["message"] for line in told(stream)] == ["heard"]


def test_frequent_lines_are_logurus_where_nothing_is_configured() -> None:
    heard: list[tuple[str | None, str, str]] = []
    handler = logger.add(
        lambda line: heard.append((line.record["name"], line.record["level"].name, line.record["message"]))
    )

    FrequentLog("some.door")("WARNING", "{not} a format", status=500)

    logger.remove(handler)
    assert heard == [("some.door", "WARNING", "{not} a format")]


async def test_frequent_lines_are_written_when_the_loops_turn_ends() -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(), component="api", stream=stream)

    FrequentLog("some.door")("INFO", "first")
    FrequentLog("some.door")("INFO", "second")
    before = stream.getvalue()
    await asyncio.sleep(0)

    assert before == ""
    assert [line["message"] for line in told(stream)] == ["first", "second"]


async def test_no_line_overtakes_another() -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(), component="api", stream=stream)

    FrequentLog("some.door")("INFO", "first")
    logger.info("second")

    assert [line["message"] for line in told(stream)] == ["first", "second"]


async def test_only_so_many_lines_wait() -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(), component="api", stream=stream)

    for number in range(1_000):
        FrequentLog("some.door")("INFO", str(number))

    assert 0 <= 1_000 - len(told(stream)) < 256


def test_a_line_that_is_logged_while_lines_are_written_is_waited_for_by_nobody() -> None:
    """The garbage collector may run at any moment, and what it finds may log, also where another thread logs meanwhile."""

    class Talkative(io.StringIO):
        def write(self, text: str) -> int:
            written = super().write(text)
            if "first" in text:
                other = Thread(target=logger.info, args=["from another thread"], daemon=True)
                other.start()
                other.join(timeout=0.5)
                logger.info("from this one")
            return written

    stream = Talkative()
    configure_logs(LogSettings(), component="api", stream=stream)
    writing = Thread(target=FrequentLog("some.door"), args=["INFO", "first"], daemon=True)

    writing.start()
    writing.join(timeout=5)

    assert not writing.is_alive()
    assert [line["message"] for line in told(stream)] == ["first", "from another thread", "from this one"]


async def test_what_waits_is_written_when_logging_ends() -> None:
    stream = io.StringIO()
    configure_logs(LogSettings(), component="api", stream=stream)

    FrequentLog("some.door")("INFO", "last")
    logger.remove()

    assert [line["message"] for line in told(stream)] == ["last"]


async def test_a_frequent_value_that_cannot_be_shown_costs_only_itself() -> None:
    class Unshowable:
        def __str__(self) -> str:
            raise RuntimeError

    stream = io.StringIO()
    configure_logs(LogSettings(), component="api", stream=stream)

    FrequentLog("some.door")("INFO", "x", odd=Unshowable())
    logger.info("y")

    assert [line["message"] for line in told(stream)] == ["unloggable: RuntimeError", "y"]
