"""From bytes to a typed event; whatever is wrong with them is a `Poison` that names the member (contract 6)."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec

from library_adapters.kafka import Poison

DataT = TypeVar("DataT")

MAJOR_VERSION = "1"
"""Of the envelope and its data (contract 6); a minor version only adds members."""
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_AHEAD = timedelta(days=1)
"""A time further in the future than clocks differ would win against every later event of its row (data 1)."""

MAX_TEXT = 100
"""Characters of the texts that we keep."""
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with an offset."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z")]
"""1 to 100 characters, none of them a control character."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What every event has around its `data`; members that we do not use are not looked at."""

    event_id: UUID
    event_type: Text
    timestamp: Aware
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}\Z")]
    data: msgspec.Raw


_envelopes = msgspec.json.Decoder(Envelope)


def decode_envelope(value: bytes | None) -> Envelope:
    """Return the envelope of a message, its data still undecoded.

    Raises Poison `tombstone`, `not_utf8`, `not_json` or `invalid_envelope`.
    """
    if not value:
        raise Poison("tombstone", "the message has no value")
    try:
        # msgspec looks at the encoding of those strings only that it keeps.
        value.decode()
    except UnicodeDecodeError as error:
        raise Poison("not_utf8", f"byte {error.start} is not UTF-8") from error
    try:
        return _envelopes.decode(value)
    except msgspec.ValidationError as error:
        raise Poison("invalid_envelope", str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Poison("not_json", str(error)) from error


def decode_data(envelope: Envelope, kind: type[DataT]) -> DataT:
    """Return the data of an event as `kind`.

    Raises Poison `unknown_version` or `invalid_data`.
    """
    if envelope.version.partition(".")[0] != MAJOR_VERSION:
        raise Poison("unknown_version", f"version {envelope.version}, only {MAJOR_VERSION}.x is understood")
    try:
        return msgspec.json.decode(envelope.data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Poison("invalid_data", f"data: {error}") from error


def plausible_time(moment: datetime, *, member: str, now: datetime) -> datetime:
    """Return the moment in UTC. Raises Poison `invalid_data` when it is not between 2000 and tomorrow."""
    if not _EARLIEST <= moment <= now + _MAX_AHEAD:
        raise Poison("invalid_data", f"{member} is before 2000 or more than a day ahead")
    return moment.astimezone(UTC)
