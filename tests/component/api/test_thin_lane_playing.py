"""Starts, heartbeats and ends that pass Litestar by: whatever is sent, both doors answer, keep and tell the same."""

import json
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from builders import game_id
from component.api.door import LIBRARY, bearer
from component.api.playing import ABSENT, DEVICE, ENDS, GAME, PLAYTIME, STARTS
from component.api.two_doors import ALICE, HOST, Answered, Doors, Headers

from library_domain.shared.errors import DependencyUnavailable

BEAT = f"{PLAYTIME}/heartbeat"
PATHS = [*STARTS, BEAT, *ENDS]
JSON_TYPE = (b"content-type", b"application/json")
KEY = (b"idempotency-key", b"key-1")
LIMIT = 64 * 1024


@pytest.fixture
def doors(records: list[dict[str, Any]]) -> Doors:
    return Doors(records)


async def post(
    doors: Doors,
    path: str,
    body: Any,
    *more: tuple[bytes, bytes],
    headers: Headers = (HOST, ALICE, JSON_TYPE),
) -> Answered:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await doors.ask(path, method="POST", body=sent, headers=[*headers, *more])


def data(answer: Answered) -> Any:
    assert answer.status == 200
    return json.loads(answer.messages[1]["body"])["data"]


async def started(doors: Doors) -> str:
    body = {"game_id": str(GAME), "device_id": DEVICE, "platform": "windows"}
    return str(data(await post(doors, STARTS[0], body))["session_id"])


def proper(path: str, session: str = ABSENT) -> dict[str, Any]:
    """Return a body for this path that has nothing wrong."""
    if path not in STARTS:
        return {"session_id": session}
    return {"device_id": DEVICE} | ({"game_id": str(GAME)} if path == STARTS[0] else {})


@pytest.mark.parametrize(("start", "end"), list(zip(STARTS, ENDS, strict=True)))
async def test_a_session_is_played_alike(doors: Doors, start: str, end: str) -> None:
    begun = await post(doors, start, proper(start))
    session = data(begun)["session_id"]
    resumed = await post(doors, start, proper(start))
    for world in doors.worlds:
        world.clock.advance(timedelta(seconds=90))
    beaten = await post(doors, BEAT, {"session_id": session, "idle_seconds": 5, "suspended_seconds": 1})
    ended = await post(doors, end, proper(end, session))
    again = await post(doors, end, proper(end, session))
    late = await post(doors, BEAT, proper(BEAT, session))

    assert data(resumed)["resumed"]
    assert data(ended)["duration_seconds"] + data(ended)["suspended_seconds"] == 90
    assert again.messages[1] == ended.messages[1]
    assert late.status == 409
    assert all(each.is_thin for each in (begun, resumed, beaten, ended, again, late))


BODIES: list[bytes] = [
    b"",
    b" ",
    b"null",
    b"[]",
    b"{}",
    b"{",
    b'{"a": 1}',
    b'"text"',
    b"NaN",
    b'{"session_id": "x", "session_id": "x"}',
    b'{"session_id": "' + ABSENT.encode() + b'", "idle_seconds": -1}',
    b'{"session_id": "' + ABSENT.encode() + b'", "device_id": "\\u0000"}',
    b'{"session_id": "' + ABSENT.encode() + b'", "device_id": "a", "client_id": "b"}',
    b'{"session_id": 1, "game_id": "abc", "device_id": 1}',
    b'{"device_id": "e\\u0301", "platform": "amiga"}',
    b'{"device_id": "\xff"}',
    b"\xef\xbb\xbf{}",
    b"[" * 5_000,
    b"{" + b" " * (LIMIT - 2) + b"}",
    b"{" + b" " * (LIMIT - 1) + b"}",
]


async def test_bodies_are_read_alike(doors: Doors) -> None:
    for path, body in product(PATHS, BODIES):
        assert (await post(doors, path, body)).is_thin
        assert (await post(doors, path, body, KEY)).is_thin


TYPES: list[list[bytes]] = [
    [],
    [b""],
    [b"text/plain"],
    [b"application/x-www-form-urlencoded"],
    [b"multipart/form-data; boundary=x"],
    [b"multipart/form-data"],
    [b"application/json; charset=utf-16"],
    [b'Application/JSON;charset="UTF-8"'],
    [b"application/json", b"application/json"],
    [b"application/msgpack"],
]


async def test_types_of_bodies_are_taken_alike(doors: Doors) -> None:
    for path, types in product(PATHS, TYPES):
        named = [(b"content-type", each) for each in types]
        for body in (proper(path), b""):
            assert (await post(doors, path, body, *named, headers=[HOST, ALICE])).is_thin


BESIDES: list[Headers] = [
    [(b"content-encoding", b"gzip")],
    [(b"content-encoding", b"identity")],
    [(b"content-length", b"x")],
    [(b"content-length", b"-1")],
    [(b"content-length", b"%d" % (LIMIT + 1))],
    [(b"content-length", b"1")],
    [(b"transfer-encoding", b"chunked")],
    [(b"accept-language", b"en")],
    [(b"accept-encoding", b"gzip")],
    [(b"accept", b"text/csv")],
    [(b"expect", b"100-continue")],
    [(b"if-none-match", b"*")],
    [(b"x-request-id", b"mine"), (b"user-agent", b"game/1")],
    [(b"x-http-method-override", b"DELETE")],
    [(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")],
    [(b"origin", b"https://shop.test")],
    [KEY],
    [KEY, KEY],
    [(b"idempotency-key", b"")],
    [(b"idempotency-key", b"k" * 256)],
]


async def test_what_the_client_says_besides_is_heeded_alike(doors: Doors) -> None:
    for path, more in product(PATHS, BESIDES):
        session = await started(doors)
        for _ in range(2):
            assert (await post(doors, path, proper(path, session), *more)).is_thin


async def test_parts_of_a_body_are_put_together_alike(doors: Doors) -> None:
    headers = [HOST, ALICE, JSON_TYPE]

    for path in PATHS:
        whole = json.dumps(proper(path, await started(doors))).encode()
        for parts in ([whole[:5], b"", whole[5:]], [whole, b""], [b"", b""], [b" " * LIMIT, whole]):
            await doors.ask(path, method="POST", body=parts, headers=headers)
        broken = await doors.ask(path, method="POST", body=[whole], headers=headers, is_broken_off=True)

        assert json.loads(broken.messages[1]["body"])["error"]["details"]["reason"] == "incomplete"


async def test_a_body_that_does_not_come_is_waited_for_alike(records: list[dict[str, Any]]) -> None:
    doors = Doors(records, body_seconds=0.01)

    for path, more in product(PATHS, ([], [KEY])):
        answer = await doors.ask(
            path, method="POST", body=[b"{"], headers=[HOST, ALICE, JSON_TYPE, *more], is_slow=True
        )

        assert answer.is_thin
        assert answer.status == 408


@pytest.mark.parametrize("path", [STARTS[0], *ENDS])
async def test_a_key_is_answered_once_alike(doors: Doors, path: str) -> None:
    session = await started(doors)
    body = proper(path, session)
    answers = [await post(doors, path, sent, KEY) for sent in (body, body, body | {"client_id": "other"})]

    assert [each.status for each in answers] == [200, 200, 422]
    assert answers[1].header(b"idempotent-replayed") == b"true"
    assert all(each.is_thin for each in answers)


async def test_nothing_of_a_refusal_is_kept_alike(doors: Doors) -> None:
    for path in PATHS:
        session = await started(doors)
        key = (b"idempotency-key", path.encode())

        assert (await post(doors, path, b"{", key)).status == 400
        assert (await post(doors, path, proper(path, session), key)).status == 200


STRANGERS: list[Headers] = [
    [HOST],
    [HOST, ALICE, ALICE],
    [HOST, (b"authorization", b"Bearer nobody.user")],
    [HOST, (b"authorization", b"Bearer alice")],
    [HOST, (b"authorization", b"Basic YTpi")],
    [HOST, (b"authorization", bearer("bob")["Authorization"].encode())],
    [HOST, (b"authorization", bearer("alice")["Authorization"].encode()[:-4] + b"system")],
    [ALICE],
    [HOST, HOST, ALICE],
    [(b"host", b"a b"), ALICE],
]


async def test_who_is_refused_is_refused_alike(doors: Doors) -> None:
    for path, headers in product(PATHS, STRANGERS):
        session = await started(doors)
        for body in (proper(path, session), b"{"):
            await post(doors, path, body, JSON_TYPE, headers=headers)


@pytest.mark.parametrize("limit", [1, None])
async def test_the_rate_limit_is_the_same(doors: Doors, limit: int | None) -> None:
    for path in PATHS:
        for world in doors.worlds:
            world.limits.limit = limit
            world.limits.taken.clear()

        answers = [await post(doors, path, proper(path)) for _ in range(3)]

        assert [each.status == 429 for each in answers] == [False, bool(limit), bool(limit)]


async def test_other_methods_are_litestars(doors: Doors) -> None:
    for path, method in product(PATHS, ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post")):
        answer = await doors.ask(path, method=method, body=b"{}", headers=[HOST, ALICE, JSON_TYPE])

        assert not answer.is_thin


async def test_whatever_is_odd_is_litestars(doors: Doors) -> None:
    of_game = f"{LIBRARY}/games/{{}}/session/start"
    ids = [str(GAME).upper(), str(GAME).replace("-", ""), "abc", "", f"{GAME}\n"]
    odd = [(path, "x=1") for path in PATHS] + [(of_game.format(each), "") for each in ids]

    for path, query in [*odd, *((f"{path}/", "") for path in PATHS), (f"{PLAYTIME}/pause", "")]:
        answer = await doors.ask(
            path, query=query, method="POST", body=b"{}", headers=[HOST, ALICE, JSON_TYPE]
        )

        assert not answer.is_thin, (path, query)


async def test_a_game_that_is_not_there_is_refused_alike(doors: Doors) -> None:
    doom = str(game_id("Doom"))
    own = {"game_id": doom, "device_id": DEVICE}

    for path, body in (
        (STARTS[0], own),
        (f"{LIBRARY}/games/{doom}/session/start", {"device_id": DEVICE}),
        (f"{LIBRARY}/games/{doom}/session/end", {"session_id": await started(doors)}),
    ):
        answer = await post(doors, path, body)

        assert answer.is_thin
        assert answer.status == 404


async def test_failures_are_answered_alike(doors: Doors) -> None:
    session = await started(doors)

    for error in (RuntimeError("a bug"), DependencyUnavailable("postgres"), TimeoutError()):
        for world in doors.worlds:
            world.start_session.raises = world.record_heartbeat.raises = world.end_session.raises = error
        for path, more in product(PATHS, ([], [KEY])):
            answer = await post(doors, path, proper(path, session), *more)

            assert answer.is_thin
            assert answer.status in {500, 503}


async def test_pages_of_other_origins_are_litestars(records: list[dict[str, Any]]) -> None:
    doors = Doors(records, cors_origins=("https://shop.test",))

    answer = await post(doors, BEAT, proper(BEAT), (b"origin", b"https://shop.test"))

    assert not answer.is_thin
    assert answer.header(b"access-control-allow-origin") == b"https://shop.test"
