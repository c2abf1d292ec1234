"""Logs: one JSON object a line on stdout (spec 8.2), or readable text for a person at a terminal."""

import logging
import logging.config
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal, TextIO

import msgspec
from loguru import logger
from opentelemetry import trace

from library_adapters.telemetry.redaction import MASK, is_sensitive, redact
from library_domain.shared.caller import current_caller

if TYPE_CHECKING:
    from loguru import Message, Record

SERVICE_NAME = "library-service"
"""One name for all deployables; `component` tells them apart (details 1.36)."""

Level = Literal["debug", "info", "warn", "error", "fatal"]

_LOGURU_LEVELS: Mapping[Level, str] = {
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "error": "ERROR",
    "fatal": "CRITICAL",
}
_MAX_TEXT = 16_384
"""How many characters of one value are kept: a record is never larger than what a log shipper takes."""
_QUIET = ("aiokafka", "asyncio", "httpcore", "httpx2", "hpack", "opentelemetry", "urllib3")
"""Libraries that narrate each call at INFO (httpx2 with its URL): only their warnings are of interest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The section `logs`."""

    level: Level = "info"
    format: Literal["json", "text"] = "json"


def configure_logs(settings: LogSettings, *, component: str, stream: TextIO | None = None) -> None:
    """Send everything that this process logs, through loguru or the standard library, to `stream` (stdout).

    `component` is api, grpc, consumers, relay or sweeper. The caller of the request, its trace and whatever is bound
    with `logger.contextualize` or `logger.bind` are in each record. Lines are written at once and not queued: nothing
    is lost when the process is killed, and no queue can grow.
    """
    render = _JSONFormat(component) if settings.format == "json" else _text
    logger.remove()
    logger.add(
        _Sink(render, stream or sys.stdout),
        level=_LOGURU_LEVELS[settings.level],
        # The sink renders the record itself; a format would only make loguru render the exception once more.
        format=lambda _: "",
        backtrace=False,
        diagnose=False,  # it would print the values of local variables
        catch=False,
    )
    logging.config.dictConfig(stdlib_logging(settings.level))


def stdlib_logging(level: Level = "info") -> dict[str, Any]:
    """Return a `dictConfig` that hands the standard library's records to loguru.

    Also what granian takes as `log_dictconfig`: it names granian's own loggers, which do not propagate otherwise.
    """
    name = _LOGURU_LEVELS[level]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"loguru": {"()": f"{__name__}.ToLoguru"}},
        "root": {"handlers": ["loguru"], "level": name},
        "loggers": {
            **{quiet: {"level": "WARNING"} for quiet in _QUIET},
            # It warns of every attribute that it shortens, a long statement's text in each span; that is what the
            # limit is for.
            "opentelemetry.attributes": {"level": "ERROR"},
            "_granian": {"handlers": ["loguru"], "level": name, "propagate": False},
            "granian.access": {"handlers": ["loguru"], "level": name, "propagate": False},
        },
    }


class ToLoguru(logging.Handler):
    """Hands a standard record on, with its name, place and exception."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record with loguru."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a library's wrong arguments must not cost us its message
            message = str(record.msg)

        def origin(target: "Record") -> None:
            target["name"], target["function"], target["line"] = record.name, record.funcName, record.lineno

        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        logger.patch(origin).opt(exception=record.exc_info).log(level, message)


class _Sink:
    """Writes each record as one line."""

    def __init__(self, render: "Callable[[Record], str]", stream: TextIO) -> None:
        self._render = render
        self._stream = stream

    def __call__(self, message: "Message") -> None:
        try:
            line = self._render(message.record)
        except Exception as error:  # noqa: BLE001 - whatever a bound value's __str__ does, the caller goes on
            line = f'{{"level":"error","service_name":"{SERVICE_NAME}","message":"unloggable: {type(error).__name__}"}}'
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Stdout is gone: there is nobody left to tell, and no reason to fail the work.
            return


class _JSONFormat:
    def __init__(self, component: str) -> None:
        self._component = component
        self._encoder = msgspec.json.Encoder(enc_hook=str)

    def __call__(self, record: "Record") -> str:
        fields = {
            "timestamp": record["time"]
            .astimezone(UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "level": _level(record["level"].no),
            "service_name": SERVICE_NAME,
            "component": self._component,
            "message": _clean(record["message"]),
            "logger": record["name"],
            **dict(_context(record)),
        }
        return self._encoder.encode(fields).decode()


def _text(record: "Record") -> str:
    """Render for a person: time, level, message, then what is known around it."""
    context = dict(_context(record))
    exception = context.pop("exception", None)
    moment = record["time"].strftime("%H:%M:%S.%f")[:-3]
    line = f"{moment} {_level(record['level'].no):5} {record['name']}: {_clean(record['message'])}"
    line += "".join(f" {name}={value}" for name, value in context.items())
    return f"{line}\n{exception}" if exception else line


def _level(number: int) -> Level:
    """Return the spec's name of a loguru or standard severity."""
    if number >= logging.CRITICAL:
        return "fatal"
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"


def _context(record: "Record") -> Iterator[tuple[str, object]]:
    """Yield what surrounds the message: trace, caller, bound values, exception."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        yield "trace_id", trace.format_trace_id(span.trace_id)
        yield "span_id", trace.format_span_id(span.span_id)
    caller = current_caller()
    if caller.request_id is not None:
        yield "request_id", _clean(caller.request_id)
    if caller.actor_id is not None:
        yield "user_id", str(caller.actor_id)
    for name, value in record["extra"].items():
        yield name, MASK if is_sensitive(name) else _plain(value)
    if record["exception"] is not None:
        kind, error, tb = record["exception"]
        # The end says what happened, so that is what a cut keeps.
        yield "exception", redact("".join(traceback.format_exception(kind, error, tb)).rstrip()[-_MAX_TEXT:])


def _plain(value: object) -> object:
    """Return a bound value as JSON can show it."""
    return value if isinstance(value, bool | int | float | None) else _clean(str(value))


def _clean(text: str) -> str:
    return redact(text[:_MAX_TEXT])
