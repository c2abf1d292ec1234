"""Messages, frames and headers that no client of ours would send; the same ones in every run."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from component.grpc.conftest import GAME, USER

from library_domain.shared.paging import Position
from library_grpc import page_tokens
from library_grpc._generated.library.v1 import (
    BatchCheckGameAccessRequest,
    CheckGameAccessRequest,
    EndGameSessionRequest,
    GetPlaytimeStatisticsRequest,
    GetUserLibraryRequest,
    GetUserPlaytimeRequest,
    StartGameSessionRequest,
)

MESSAGES = int(os.environ.get("GRPC_FUZZ_MESSAGES", "300"))
RAW = MESSAGES // 2
"""`make fuzz-grpc` sends 10,000 mutated messages and half as many byte strings (reliability D2)."""

QUERIES = "/library.v1.LibraryQueryService"
COMMANDS = "/library.v1.LibraryCommandService"
MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)
VALID: dict[str, bytes] = {
    f"{QUERIES}/CheckGameAccess": bytes(CheckGameAccessRequest(user_id=USER, game_id=GAME)),
    f"{QUERIES}/BatchCheckGameAccess": bytes(BatchCheckGameAccessRequest(user_id=USER, game_ids=[GAME] * 5)),
    f"{QUERIES}/CheckGameOwnership": bytes(CheckGameAccessRequest(user_id=USER, game_id=GAME)),
    f"{QUERIES}/GetLibrary": bytes(
        GetUserLibraryRequest(
            user_id=USER, limit=5, offset=1, sort_by="name", sort_order="desc", filter="installed,game"
        )
    ),
    f"{QUERIES}/GetPlaytimeStats": bytes(
        GetUserPlaytimeRequest(
            user_id=USER,
            game_id=GAME,
            limit=5,
            page_token=page_tokens.write(
                Position(key=60, id=UUID(GAME)), user_id=UUID(USER), game_id=UUID(GAME)
            ),
        )
    ),
    f"{QUERIES}/GetPlaytimeStatistics": bytes(
        GetPlaytimeStatisticsRequest(
            user_id=USER,
            game_id=GAME,
            start_date=MOMENT - timedelta(days=7),
            end_date=MOMENT,
            aggregation="weekly",
        )
    ),
    f"{COMMANDS}/StartGameSession": bytes(
        StartGameSessionRequest(
            user_id=USER,
            game_id=GAME,
            client_timestamp=MOMENT,
            client_id="desktop",
            game_version="2.1.5",
            platform="windows",
            device_id="desktop",
            takeover=True,
        )
    ),
    f"{COMMANDS}/EndGameSession": bytes(
        EndGameSessionRequest(user_id=USER, session_id=GAME, client_timestamp=MOMENT, client_id="desktop")
    ),
    "/library.v1.LibraryService/GetUserLibrary": bytes(GetUserLibraryRequest(user_id=USER)),
    "/grpc.health.v1.Health/Check": b"\x0a\x04some",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": b"\x3a\x00",
}
METHODS = sorted(VALID)


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


def mutated_messages(count: int, random: Random) -> Iterator[tuple[str, bytes]]:
    """Yield methods and valid messages that went wrong in one to four places."""
    for _ in range(count):
        method = random.choice(METHODS)
        data = bytearray(VALID[method])
        for _ in range(random.randint(1, 4)):
            _spoil(data, random)
        yield method, framed(bytes(data))


def byte_strings(count: int, random: Random) -> Iterator[tuple[str, bytes]]:
    """Yield methods and bytes that may not even be a framed message."""
    for _ in range(count):
        method = random.choice(METHODS)
        data = random.randbytes(random.choice([0, 1, 4, 5, 6, random.randint(7, 4_096)]))
        yield method, random.choice([data, framed(data), framed(data)[:-1], framed(data) + data])


def broken_frames(count: int, random: Random) -> Iterator[bytes]:
    """Yield what may come where HTTP/2 frames should."""
    for _ in range(count):
        payload = random.randbytes(random.choice([0, 1, 4, 5, 8, random.randint(9, 300)]))
        length = random.choice([len(payload), random.randint(0, 2**24 - 1)])
        frame = length.to_bytes(3, "big") + random.randbytes(2) + random.randbytes(4) + payload
        yield random.choice([frame, random.randbytes(random.randint(1, 64)), b"GET / HTTP/1.1\r\n\r\n"])


HEADERS: dict[str, dict[str, str]] = {
    "gzip": {"grpc-encoding": "gzip"},
    "another content type": {"content-type": "application/json"},
    "another subtype": {"content-type": "application/grpc+json"},
    "no content type": {"content-type": ""},
    "no te": {"te": ""},
    "another te": {"te": "gzip"},
    "GET": {":method": "GET"},
    "no method": {":method": ""},
    "no path": {":path": ""},
    "no scheme": {":scheme": ""},
    "another path": {":path": "/library.v1.LibraryQueryService/DropAll"},
    "a path of the web": {":path": "/../../etc/passwd"},
    "a long path": {":path": "/" + "a" * 20_000},
    "a path that is none": {":path": "*"},
    "a timeout that is none": {"grpc-timeout": "soon"},
    "no number of a timeout": {"grpc-timeout": "S"},
    "a negative timeout": {"grpc-timeout": "-1S"},
    "a timeout of thousands of years": {"grpc-timeout": "99999999H"},
    "a timeout that is over": {"grpc-timeout": "0n"},
    "a timeout of many digits": {"grpc-timeout": "9" * 400 + "H"},
    "40 kB of metadata": {"x-long": "x" * 40_000},
    "100 kB of metadata": {"x-long": "x" * 100_000},
    "1 MB of metadata": {"x-long": "x" * 1_000_000},
    "2,000 metadata": {f"x-{number}": "1" for number in range(2_000)},
    "binary metadata that are none": {"x-trace-bin": "?"},
    "a token of 30 kB": {"authorization": "Bearer " + "x" * 30_000},
    "a trace that is none": {"traceparent": "00-zz-zz-zz"},
    "a request id that is none": {"x-request-id": "a b\tc"},
    "metadata that are not ASCII": {"x-name": "имя"},
    "a header with capitals": {"X-Name": "x"},
    "a header without a name": {"": "x"},
    "a connection header": {"connection": "close"},
    "an agent that is none": {"user-agent": "\x01\x02"},
}


def _spoil(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data)) if data else 0
    match random.randrange(7):
        case 0 if data:
            data[at] ^= 1 << random.randrange(8)
        case 1 if data:
            data[at] = random.randrange(256)
        case 2:
            data[at:at] = random.randbytes(random.randint(1, 8))
        case 3 if data:
            del data[at : at + random.randint(1, 8)]
        case 4:
            del data[at:]
        case 5:
            data += data[at:]
        case _:  # a field of our choice: any number, any wire type, any length
            data += bytes([random.randrange(256)]) + _varint(random.getrandbits(random.randint(1, 64)))


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])
