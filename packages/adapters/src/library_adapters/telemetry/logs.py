"""Logs: one JSON object a line on stdout (spec 8.2), or readable text for a person at a terminal."""

import logging
import logging.config
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TextIO

from loguru import logger

from library_adapters.telemetry.lines import Level, Line, Output, as_json, as_text, level_of

if TYPE_CHECKING:
    from loguru import Message, Record

_LOGURU_LEVELS: Mapping[Level, str] = {
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "error": "ERROR",
    "fatal": "CRITICAL",
}
_QUIET = ("aiokafka", "asyncio", "httpcore", "httpx2", "hpack", "opentelemetry", "urllib3")
"""Libraries that narrate each call at INFO (httpx2 with its URL): only their warnings are of interest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The section `logs`."""

    level: Level = "info"
    format: Literal["json", "text"] = "json"
    shortcut: bool = True
    """Whether the lines that every request makes pass loguru by, those of one turn of the event loop in one write."""


def configure_logs(settings: LogSettings, *, component: str, stream: TextIO | None = None) -> None:
    """Send everything that this process logs, through loguru or the standard library, to `stream` (stdout).

    `component` is api, grpc, consumers, relay or sweeper. The caller of the request, its trace and whatever is bound
    with `logger.contextualize` or `logger.bind` are in each record. Lines are written at once, or by the thread that is
    just writing: next to nothing is lost when the process is killed, and no queue can grow. Only those of a `FrequentLog`
    wait for the end of the event loop's turn, or for any other line.
    """
    logger.remove()
    output = Output(as_json(component) if settings.format == "json" else as_text, stream or sys.stdout)
    logger.add(
        _Sink(output, settings),
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


class FrequentLog:
    """Writes the lines that every request makes: what loguru would write, at a fraction of what that costs.

    The message is not formatted, and what is bound with `logger.contextualize` is not in it. Where `configure_logs` was
    not called, or `logs.shortcut` is off, the lines are loguru's like all others.
    """

    def __init__(self, name: str) -> None:
        """Let the lines bear the name of this module."""
        self._name = name

    def __call__(self, level: Literal["INFO", "WARNING"], message: str, **values: object) -> None:
        """Log a line with these values; those that are texts should be few different ones, for they are remembered."""
        sink = _Sink.installed
        if sink is None or not sink.has_shortcut:
            logger.patch(self._sign).log(level, "{}", message, **values)
        elif _SHORT[level] >= sink.lowest:
            sink.output.soon(
                Line(
                    datetime.now(UTC), level_of(_SHORT[level]), self._name, message, values, is_frequent=True
                )
            )

    def _sign(self, record: "Record") -> None:
        record["name"] = self._name


_SHORT: Mapping[str, int] = {"INFO": logging.INFO, "WARNING": logging.WARNING}


class _Sink:
    """What loguru writes to; it is told by `stop` when it is no longer."""

    installed: "ClassVar[_Sink | None]" = None
    """What loguru has of ours at the moment, and like loguru the process's."""

    def __init__(self, output: Output, settings: LogSettings) -> None:
        self.output = output
        self.has_shortcut = settings.shortcut
        self.lowest = logger.level(_LOGURU_LEVELS[settings.level]).no
        _Sink.installed = self

    def write(self, message: "Message") -> None:
        """Write a record."""
        self.output.now(lambda: _line(message.record))

    def stop(self) -> None:
        """Write what waits."""
        self.output.close()
        if _Sink.installed is self:
            _Sink.installed = None


def _line(record: "Record") -> Line:
    exception = None
    if record["exception"] is not None:
        kind, error, tb = record["exception"]
        exception = "".join(traceback.format_exception(kind, error, tb)).rstrip()
    return Line(
        record["time"],
        level_of(record["level"].no),
        record["name"],
        record["message"],
        record["extra"],
        exception,
    )
