"""How a log line looks, and how it gets out."""

import asyncio
import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, TextIO

import msgspec
from opentelemetry import trace

from library_adapters.telemetry.redaction import MASK, is_sensitive, redact
from library_domain.shared.caller import current_caller

SERVICE_NAME = "library-service"
"""One name for all deployables; `component` tells them apart (details 1.36)."""

Level = Literal["debug", "info", "warn", "error", "fatal"]

MAX_TEXT = 16_384
"""How many characters of one value are kept: a record is never larger than what a log shipper takes."""
_MAX_WAITING = 256
_PLAIN = (bool, int, float, type(None))
"""What JSON shows as it is."""


@dataclass(slots=True)
class Line:
    """What a line tells, before it is rendered."""

    time: datetime
    level: Level
    name: str | None
    """Of the module that logged."""
    message: str
    values: Mapping[str, object]
    """What was bound."""
    exception: str | None = None
    is_frequent: bool = False
    """Its message and values come again in many lines, so their redacted form is remembered."""


Render = Callable[[Line], str]


class Output:
    """Writes lines, each at once, or together at the end of the event loop's turn. Safe for several threads.

    Nobody waits for its lock: whoever holds it writes the lines of the others too. A line may be logged while another is
    written, by the garbage collector's finalizers even on the same thread, which would then wait for itself for ever.
    """

    def __init__(self, render: Render, stream: TextIO) -> None:
        self._render = render
        self._stream = stream
        self._writing = threading.Lock()
        self._waiting: deque[str] = deque()
        self._is_due = False
        atexit.register(self.flush)

    def now(self, make: Callable[[], Line]) -> None:
        """Write a line, behind all that wait."""
        self._waiting.append(self._rendered(make))
        self.flush()

    def soon(self, line: Line) -> None:
        """Write a line when the event loop's turn ends; at once where none runs, or when many wait already."""
        self._waiting.append(self._rendered(lambda: line))
        try:
            if len(self._waiting) >= _MAX_WAITING:
                self.flush()
            elif not self._is_due:
                asyncio.get_running_loop().call_soon(self.flush)
                self._is_due = True
        except RuntimeError:
            self.flush()

    def flush(self) -> None:
        """Write what waits, or leave it to the thread that is writing."""
        self._is_due = False
        # Again after the lock was given back: a line may have come that its thread left to this one.
        while self._waiting and self._writing.acquire(blocking=False):
            try:
                self._write()
            finally:
                self._writing.release()

    def _write(self) -> None:
        lines: list[str] = []
        while self._waiting:
            lines.append(self._waiting.popleft())
        lines.append("")
        try:
            self._stream.write("\n".join(lines))
            self._stream.flush()
        except (OSError, ValueError):
            # Stdout is gone: there is nobody left to tell, and no reason to fail the work.
            return

    def close(self) -> None:
        """Write what waits, for the last time."""
        self.flush()
        atexit.unregister(self.flush)

    def _rendered(self, make: Callable[[], Line]) -> str:
        try:
            return self._render(make())
        except Exception as error:  # noqa: BLE001 - whatever a bound value's __str__ does, the caller goes on
            return f'{{"level":"error","service_name":"{SERVICE_NAME}","message":"unloggable: {type(error).__name__}"}}'


def as_json(component: str) -> Render:
    """Return what renders for machines: one JSON object."""
    encode = msgspec.json.Encoder(enc_hook=str).encode

    def render(line: Line) -> str:
        fields: dict[str, object] = {
            # In UTC, whose name isoformat would spell in another way.
            "timestamp": f"{line.time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
            "level": line.level,
            "service_name": SERVICE_NAME,
            "component": component,
            "message": (_clean_known if line.is_frequent else _clean)(line.message),
            "logger": line.name,
        }
        _surround(fields, line)
        return encode(fields).decode()

    return render


def as_text(line: Line) -> str:
    """Render for a person: time, level, message, then what is known around it."""
    context: dict[str, object] = {}
    _surround(context, line)
    exception = context.pop("exception", None)
    moment = line.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
    text = f"{moment} {line.level:5} {line.name}: {_clean(line.message)}"
    text += "".join(f" {name}={value}" for name, value in context.items())
    return f"{text}\n{exception}" if exception else text


def level_of(number: int) -> Level:
    """Return the spec's name of a loguru or standard severity."""
    if number >= logging.CRITICAL:
        return "fatal"
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"


def _surround(fields: dict[str, object], line: Line) -> None:
    """Add what surrounds the message: trace, caller, bound values, exception."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        fields["trace_id"] = trace.format_trace_id(span.trace_id)
        fields["span_id"] = trace.format_span_id(span.span_id)
    caller = current_caller()
    if caller.request_id is not None:
        fields["request_id"] = _clean(caller.request_id)
    if caller.actor_id is not None:
        fields["user_id"] = str(caller.actor_id)
    clean = _clean_known if line.is_frequent else _clean
    for name, value in line.values.items():
        if is_sensitive(name):
            fields[name] = MASK
        else:
            fields[name] = value if isinstance(value, _PLAIN) else clean(str(value))
    if line.exception is not None:
        # The end says what happened, so that is what a cut keeps.
        fields["exception"] = redact(line.exception[-MAX_TEXT:])


def _clean(text: str) -> str:
    return redact(text[:MAX_TEXT])


_clean_known = lru_cache(maxsize=1_024)(_clean)
