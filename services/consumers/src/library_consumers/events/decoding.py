"""From bytes to a typed event; whatever is wrong with them is a `Poison` that names the member (contract 6)."""

from typing import Annotated, TypeVar
from uuid import UUID

import msgspec

from library_adapters.kafka import Poison
from library_consumers.events.members import Aware, Text

DataT = TypeVar("DataT")

MAJOR_VERSION = "1"
"""Of the envelope and its data (contract 6); a minor version only adds members."""


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
