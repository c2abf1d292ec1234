"""Two doors over worlds that are alike, one with the thin lane and one without: whatever is asked of both is compared."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from builders import a_game, a_grant
from component.api.door import World, bearer
from litestar.types import ASGIApp

from library_api.app import create_app

HOST = (b"host", b"library.test")
ALICE = (b"authorization", bearer()["Authorization"].encode())
Headers = Sequence[tuple[bytes, bytes]]


@dataclass
class Answered:
    """What a door answered, and which way."""

    messages: list[dict[str, Any]]
    state: Mapping[str, Any]

    @property
    def is_thin(self) -> bool:
        return "thin_lane" in self.state

    @property
    def status(self) -> int:
        return cast("int", self.messages[0]["status"])

    def header(self, name: bytes) -> bytes:
        return cast("bytes", dict(self.messages[0]["headers"])[name])


async def ask(
    app: ASGIApp,
    path: str,
    *,
    query: str = "",
    headers: Headers = (HOST, ALICE),
    method: str = "GET",
    body: bytes | Sequence[bytes] = b"",
    is_broken_off: bool = False,
    is_slow: bool = False,
) -> Answered:
    """Ask a door. A body may come in parts; its end does not come if the client goes away, or takes for ever."""
    messages: list[dict[str, Any]] = []
    parts = [body] if isinstance(body, bytes) else list(body)
    coming = iter(parts)
    is_whole = not (is_broken_off or is_slow)

    async def receive() -> dict[str, Any]:
        part = next(coming, None)
        if part is not None:
            more = not is_whole or part is not parts[-1]
            return {"type": "http.request", "body": part, "more_body": more}
        if is_slow:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(dict(message))

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_080),
        "state": {},
    }
    await app(cast("Any", scope), cast("Any", receive), send)
    return Answered(messages, scope["state"])


class Doors:
    """Two doors over worlds of their own that are alike: one has the lane, the other has not."""

    def __init__(self, records: list[dict[str, Any]], **overrides: Any) -> None:
        self.worlds = World(), World()
        self._records = records
        for name in ("Portal 2", *(f"Game {number}" for number in range(30))):
            game, grant = a_game(name), a_grant()
            for world in self.worlds:
                world.own(game, grant=grant)
        self._apps = [
            create_app(world.application(thin_lane=has_lane, **overrides))
            for world, has_lane in zip(self.worlds, (False, True), strict=True)
        ]

    async def ask(self, path: str, **asked: Any) -> Answered:
        """Ask both, and return the answer that they must have in common, as the door with the lane gave it."""
        answers, told = [], []
        for app in self._apps:
            self._records.clear()
            answers.append(await ask(app, path, **asked))
            told.append([(record["message"], _lasting(record["extra"])) for record in self._records])
        plain, other = answers
        assert other.messages == plain.messages
        assert told[1] == told[0]
        assert not plain.is_thin
        one, two = self.worlds
        assert _counts(two) == _counts(one)
        assert two.limits.taken == one.limits.taken
        assert two.limits.bursts == one.limits.bursts
        assert _told(two) == _told(one)
        assert two.store == one.store
        return other


def _lasting(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "duration_ms"}


def _counts(world: World) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in world.registry.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


def _told(world: World) -> list[tuple[str, dict[str, Any]]]:
    return [(span.name, dict(span.attributes or {})) for span in world.spans.get_finished_spans()]
