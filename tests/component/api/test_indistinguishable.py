"""Another's object and one that does not exist cannot be told apart, not even by a clock (reliability E).

Against the real process and stores: what differs would differ there, in a plan or a lock.
"""

from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import UUID

import httpx2
import pytest
from builders import game_id, user_id
from component.api.door import LIBRARY, data
from component.api.serving import authorization, buy, client_at, environment, serving
from figures import Report
from uuid_utils.compat import uuid7

from library_devstack.standins.issuer import Issuer

SAMPLES = 100
"""Of each kind, by turns: whatever else the machine does meanwhile befalls both."""
TOLERANCE = 0.2
ATTEMPTS = 3
"""A busy machine may spoil a measurement; a real difference is there every time."""
GAME = f"{LIBRARY}/games/{{id}}"
CATEGORY = f"{LIBRARY}/categories/{{id}}"
HEARTBEAT = f"{LIBRARY}/playtime/heartbeat"
END = f"{LIBRARY}/playtime/end"
ASKED: dict[str, tuple[str, str, dict[str, object] | None]] = {
    "library.item": ("GET", GAME, None),
    "library.access": ("GET", f"{GAME}/access", None),
    "library.edit": ("PATCH", GAME, {"is_favorite": True}),
    "library.file": ("POST", f"{GAME}/categories", {"category_name": "RPG"}),
    "library.unfile": ("DELETE", f"{GAME}/categories/RPG", None),
    "categories.edit": ("PATCH", CATEGORY, {"color": "#336699"}),
    "categories.delete": ("DELETE", CATEGORY, None),
    "playtime.start": ("POST", f"{GAME}/session/start", {"device_id": "desktop"}),
    "playtime.heartbeat": ("POST", HEARTBEAT, {"session_id": "{id}"}),
    "playtime.end": ("POST", END, {"session_id": "{id}"}),
}


@pytest.mark.timeout(240)
async def test_neither_answer_nor_time_tells_them_apart(
    tmp_path: Path, database: str, redis_url: str, issuer: Issuer, report: Report
) -> None:
    await buy(database, "Portal 2", by="alice")
    await buy(database, "Braid", by="bob")
    environ = environment(database=database, redis_url=redis_url, issuer=issuer)
    async with serving(tmp_path, environ) as (process,), client_at(process) as client:
        alice, bob = (authorization(issuer, user_id(name)) for name in ("alice", "bob"))
        await client.post(f"{LIBRARY}/categories", json={"name": "RPG"}, headers=alice)
        made = await client.post(f"{LIBRARY}/categories", json={"name": "RPG"}, headers=bob)
        play = f"{GAME}/session/start".format(id=game_id("Braid"))
        begun = await client.post(play, json={"device_id": "desktop"}, headers=bob)
        session = UUID(data(begun)["session_id"])
        theirs = {CATEGORY: UUID(data(made, 201)["id"]), HEARTBEAT: session, END: session}

        for operation, (_, path, _) in ASKED.items():
            anothers = theirs.get(path, game_id("Braid"))
            ratio = 0.0
            for _ in range(ATTEMPTS):
                ratio = await compare(client, operation, anothers, headers=alice)
                if abs(ratio - 1) <= TOLERANCE:
                    break
            report(f"{operation:<18} another's takes {ratio:.2f} of the time of an absent one")
            assert abs(ratio - 1) <= TOLERANCE, operation


async def compare(
    client: httpx2.AsyncClient, operation: str, anothers: UUID, *, headers: dict[str, str]
) -> float:
    """Ask for both in turn, require equal answers, and return the ratio of the medians of their times."""
    method, path, body = ASKED[operation]
    seconds: dict[str, list[float]] = {"another's": [], "absent": []}
    for number in range(SAMPLES):
        answers = {}
        pair = [("another's", anothers), ("absent", uuid7())]
        for kind, each in pair if number % 2 else reversed(pair):
            began = perf_counter()
            response = await client.request(
                method,
                path.format(id=each),
                json=body and {name: str(each) if it == "{id}" else it for name, it in body.items()},
                headers=headers | {"X-Request-ID": "the-same"},
            )
            seconds[kind].append(perf_counter() - began)
            shown = response.text.replace(str(each), "the-id")
            kept = {name: value for name, value in response.headers.items() if name != "date"}
            answers[kind] = (response.status_code, kept, shown)
        assert answers["another's"] == answers["absent"]
    return median(seconds["another's"]) / median(seconds["absent"])
