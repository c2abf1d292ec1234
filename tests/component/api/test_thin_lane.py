"""What passes Litestar by is answered as Litestar would answer it, to the byte, and told alike to logs and metrics."""

import json
from typing import Any

import pytest
from builders import game_id
from component.api.door import LIBRARY, bearer
from component.api.two_doors import ALICE, HOST, Doors, Headers

from library_domain.shared.errors import DependencyUnavailable

OURS = str(game_id("Portal 2"))
NOBODYS = str(game_id("Doom"))

WAYS_TO_A_GAME = [
    f"{LIBRARY}/{{}}",
    f"{LIBRARY}/games/{{}}",
    f"{LIBRARY}/{{}}/access",
    f"{LIBRARY}/games/{{}}/access",
]
GAMES = [path.format(game) for path in WAYS_TO_A_GAME for game in (OURS, NOBODYS)]
LISTS = [
    "",
    "limit=1",
    "sort=-acquisition_date&limit=20",
    "filter=favorite&filter=game",
    "collection=recent&fields=name,game_id",
    "q=Por",
    "category=None",
    "limit=%31",
]


@pytest.fixture
def doors(records: list[dict[str, Any]]) -> Doors:
    return Doors(records)


async def test_a_game_is_answered_alike(doors: Doors) -> None:
    answers = {path: await doors.ask(path) for path in GAMES}

    assert all(answer.is_thin for answer in answers.values())
    assert {path for path, answer in answers.items() if answer.status == 404} == {
        path for path in GAMES if path.endswith(NOBODYS)
    }


@pytest.mark.parametrize("query", LISTS)
async def test_a_list_is_answered_alike(doors: Doors, query: str) -> None:
    first = await doors.ask(LIBRARY, query=query)
    second = await doors.ask(LIBRARY, query=query)

    assert not first.is_thin
    assert second.is_thin is not query.startswith(("q=", "category="))
    assert second.messages[1]["body"] == first.messages[1]["body"]


@pytest.mark.parametrize(
    "more",
    [
        [(b"accept-encoding", b"gzip")],
        [(b"accept-language", b"en")],
        [(b"x-request-id", b"mine"), (b"user-agent", b"game/1")],
        [(b"if-none-match", b"*")],
        [(b"if-none-match", b'"other", W/"another"')],
        [(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")],
        [(b"origin", b"https://shop.test")],
        [(b"content-length", b"0"), (b"content-type", b"text/plain")],
        [(b"idempotency-key", b"k")],
    ],
    ids=lambda more: more[0][0].decode(),
)
async def test_what_the_client_says_besides_is_heeded_alike(doors: Doors, more: Headers) -> None:
    await doors.ask(LIBRARY)

    for path in (LIBRARY, *GAMES):
        assert (await doors.ask(path, headers=[HOST, ALICE, *more])).is_thin


@pytest.mark.parametrize("path", [LIBRARY, *GAMES[:2], GAMES[-1]])
async def test_who_has_it_is_spared_alike(doors: Doors, path: str) -> None:
    first = await doors.ask(path)
    tag = first.messages[0]["headers"]

    again = await doors.ask(
        path, headers=[HOST, ALICE, *((b"if-none-match", v) for n, v in tag if n == b"etag")]
    )

    assert again.is_thin
    assert again.status == (304 if first.status == 200 and b"etag" in dict(tag) else first.status)


@pytest.mark.parametrize(
    "headers",
    [
        [HOST],
        [HOST, ALICE, ALICE],
        [HOST, (b"authorization", b"Bearer nobody.user")],
        [HOST, (b"authorization", b"Bearer alice")],
        [HOST, (b"authorization", b"Basic YTpi")],
        [HOST, (b"authorization", bearer("alice")["Authorization"].encode()[:-4] + b"system")],
        [ALICE],
        [HOST, HOST, ALICE],
        [(b"host", b"a b"), ALICE],
        [(b"host", b""), ALICE],
        [(b"host", b"Library.Test:80"), ALICE],
    ],
)
async def test_who_is_refused_is_refused_alike(doors: Doors, headers: Headers) -> None:
    await doors.ask(LIBRARY)

    for path in (LIBRARY, *GAMES):
        await doors.ask(path, headers=headers)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"])
async def test_other_methods_are_answered_alike(doors: Doors, method: str) -> None:
    await doors.ask(LIBRARY)

    for path in (LIBRARY, *GAMES):
        assert (await doors.ask(path, method=method)).is_thin is (method == "HEAD")


ODD_QUERIES = {
    LIBRARY: ("x=1", "limit=0", "limit=1&limit=2", "sort=x", "cursor=x", "q=%ff"),
    **dict.fromkeys(GAMES[::2], ("x=1", "fields=name", "fields=x", "&")),
}
ODD_PATHS = [f"{LIBRARY}/", f"/{LIBRARY}", f"{LIBRARY}/x", f"{LIBRARY}/{OURS}/", LIBRARY.upper()]
ODD_IDS = [OURS.upper(), OURS.replace("-", ""), f"{{{OURS}}}", OURS[:-1], f"{OURS}\n", f" {OURS}", "%", ""]


async def test_whatever_is_odd_is_litestars(doors: Doors) -> None:
    queries = [(path, query) for path, queries in ODD_QUERIES.items() for query in queries]
    paths = [(path, "") for path in (*ODD_PATHS, *(way.format(i) for way in WAYS_TO_A_GAME for i in ODD_IDS))]

    for path, query in (*queries, *paths):
        for _ in range(2):
            assert not (await doors.ask(path, query=query)).is_thin, (path, query)


@pytest.mark.parametrize("path", [LIBRARY, GAMES[0]])
@pytest.mark.parametrize("error", [RuntimeError("a bug"), DependencyUnavailable("postgres"), TimeoutError()])
async def test_failures_are_answered_alike(doors: Doors, path: str, error: Exception) -> None:
    await doors.ask(path)
    for world in doors.worlds:
        world.list_library.raises = world.show_item.raises = error

    answer = await doors.ask(path)

    assert answer.is_thin
    assert answer.status in {500, 503}


@pytest.mark.parametrize("path", [LIBRARY, *GAMES[:1]])
@pytest.mark.parametrize("limit", [1, None])
async def test_the_rate_limit_is_the_same(doors: Doors, path: str, limit: int | None) -> None:
    for world in doors.worlds:
        world.limits.limit = limit

    assert [(await doors.ask(path)).status for _ in range(3)] == ([200, 429, 429] if limit else [200] * 3)


async def test_pages_of_other_origins_are_litestars(records: list[dict[str, Any]]) -> None:
    doors = Doors(records, cors_origins=("https://shop.test",))

    answer = await doors.ask(GAMES[0], headers=[HOST, ALICE, (b"origin", b"https://shop.test")])

    assert not answer.is_thin
    assert answer.header(b"access-control-allow-origin") == b"https://shop.test"
    assert (await doors.ask(GAMES[0])).is_thin


async def test_a_page_behind_a_cursor_is_answered_alike(doors: Doors) -> None:
    page = await doors.ask(LIBRARY, query="limit=5")
    cursor = json.loads(page.messages[1]["body"])["data"]["next_cursor"]

    for _ in range(2):
        assert not (await doors.ask(LIBRARY, query=f"limit=5&cursor={cursor}")).is_thin
