"""Every REST operation, and how it is asked for one's own, another's and an absent object (contract 3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx2
from builders import a_game, game_id, user_id
from component.api.door import LIBRARY, World, bearer, data

from library_domain.flows.start_session import StartSession
from library_domain.playtime.use_cases.end_session import EndSession
from library_domain.shared.ids import UserId

GAME = game_id("Portal 2")
ABSENT = game_id("No such game")
RELATIONS = ("own", "another's", "absent")
_numbers = count()


@dataclass(frozen=True)
class Furnished:
    """A user who has a game in a category, played it for `played` seconds, and plays it again."""

    name: str
    category: UUID
    session: UUID
    played: int

    @property
    def id(self) -> UserId:
        return user_id(self.name)


@dataclass(frozen=True)
class Asking:
    """Who asks, and for what."""

    world: World
    caller: Furnished
    other: Furnished
    relation: str

    @property
    def object_ids(self) -> Mapping[str, object]:
        """Return the id of what is asked for, by what it may be. For games, the other has one that the caller has not."""
        by_relation: dict[str, dict[str, object]] = {
            "own": {
                "game": GAME,
                "category": self.caller.category,
                "session": self.caller.session,
                "user": self.caller.id,
            },
            "another's": {
                "game": game_id(f"Only {self.other.name}"),
                "category": self.other.category,
                "session": self.other.session,
                "user": self.other.id,
            },
            "absent": {
                "game": ABSENT,
                "category": ABSENT,
                "session": ABSENT,
                "user": user_id("nobody at all"),
            },
        }
        return by_relation[self.relation]


@dataclass(frozen=True)
class Asked:
    """How an operation is asked for, of an object in three relations to the caller."""

    method: str
    path: str
    """With `{id}` for the object, if it concerns one."""
    status: int = 200
    body: dict[str, Any] | None = None
    """Likewise."""
    of: str = "game"
    absent: tuple[int, str] | None = None
    """How one that is not there is refused; None when nothing of that kind can be told apart."""
    is_true: Callable[[Any, Asking], bool] | None = None
    """Whether the data of a success are those of the caller, or of the object that was asked for."""

    async def send(self, door: httpx2.AsyncClient, about: object, headers: dict[str, str]) -> httpx2.Response:
        """Ask the door about this object."""
        path = self.path.replace("{id}", str(about))
        body = self.body and {
            name: str(about) if value == "{id}" else value for name, value in self.body.items()
        }
        return await door.request(self.method, path, json=body, headers=headers)


async def furnished(world: World, door: httpx2.AsyncClient) -> Furnished:
    """Return a new user."""
    number = next(_numbers)
    name, played = f"user-{number}", 1 + number % 100
    world.own(a_game("Portal 2"), by=name)
    made = await door.post(f"{LIBRARY}/categories", json={"name": "RPG"}, headers=bearer(name))
    await door.post(f"{LIBRARY}/games/{GAME}/categories", json={"category_name": "RPG"}, headers=bearer(name))

    begin = StartSession(user_id=user_id(name), game_id=GAME, device_id="desktop")
    first = await world.use_cases["start_session"](begin)
    world.clock.advance(timedelta(seconds=played))
    await world.use_cases["end_session"](EndSession(user_id=user_id(name), session_id=first.session.id))
    second = await world.use_cases["start_session"](begin)
    return Furnished(name, UUID(data(made, 201)["id"]), second.session.id, played)


async def asking(world: World, door: httpx2.AsyncClient, relation: str = "own") -> Asking:
    """Return two users, of whom one is to ask."""
    caller, other = await furnished(world, door), await furnished(world, door)
    world.own(a_game(f"Only {other.name}"), by=other.name)
    return Asking(world, caller, other, relation)


def shows_the_users_games(page: Any, asking: Asking) -> bool:
    return len(page["items"]) == {"own": 1, "another's": 2, "absent": 0}[asking.relation]


def shows_the_callers_game(page: Any, asking: Asking) -> bool:
    return [each["game_id"] for each in page["items"]] == [str(GAME)]


def counts_the_callers_game(shown: Any, asking: Asking) -> bool:
    counts = {each["name"]: each["count"] for each in shown["items"]}
    return (counts["recent"], counts["unplayed"]) == (1, 0)


def shows_the_callers_category(shown: Any, asking: Asking) -> bool:
    return [each["id"] for each in shown["items"]] == [str(asking.caller.category)]


def allows_what_is_owned(shown: Any, asking: Asking) -> bool:
    return bool(shown["allowed"]) == (asking.relation == "own")


def is_the_callers_own(made: Any, asking: Asking) -> bool:
    return UUID(made["id"]) in asking.world.store.categories[asking.caller.id]


def is_the_callers_session(shown: Any, asking: Asking) -> bool:
    return UUID(shown["session_id"]) == asking.caller.session


def shows_what_the_caller_plays(shown: Any, asking: Asking) -> bool:
    return [UUID(each["id"]) for each in shown["items"]] == [asking.caller.session]


def shows_what_the_caller_played(shown: Any, asking: Asking) -> bool:
    return [each["duration_seconds"] for each in shown["items"]] == [asking.caller.played]


def adds_up_what_the_caller_played(shown: Any, asking: Asking) -> bool:
    return bool(shown["total_playtime_seconds"] == asking.caller.played)


def adds_up_what_the_user_played(shown: Any, asking: Asking) -> bool:
    played = {"own": asking.caller.played, "another's": asking.other.played, "absent": 0}
    return bool(shown["total_playtime_seconds"] == played[asking.relation])


BOTH = [f"{LIBRARY}/{{id}}", f"{LIBRARY}/games/{{id}}"]
PLAYTIME = f"{LIBRARY}/playtime"
NOT_A_GAME = (404, "GAME_NOT_FOUND")
NOT_A_CATEGORY = (404, "CATEGORY_NOT_FOUND")
NOT_A_SESSION = (404, "SESSION_NOT_FOUND")
REQUESTS: dict[str, list[Asked]] = {
    "schema.read": [
        Asked("GET", path)
        for path in ("/schema", "/schema/openapi.json", "/schema/openapi.yaml", "/schema/docs")
    ],
    "library.list": [Asked("GET", path, is_true=shows_the_callers_game) for path in (LIBRARY, f"{LIBRARY}/")],
    "library.item": [Asked("GET", path, absent=NOT_A_GAME) for path in BOTH],
    "library.edit": [
        Asked("PATCH", path, body={"is_hidden": True, "notes": "x"}, absent=NOT_A_GAME) for path in BOTH
    ],
    "library.access": [Asked("GET", f"{path}/access", is_true=allows_what_is_owned) for path in BOTH],
    "library.file": [
        Asked("POST", f"{LIBRARY}/games/{{id}}/categories", body={"category_name": "RPG"}, absent=NOT_A_GAME)
    ],
    "library.unfile": [Asked("DELETE", f"{LIBRARY}/games/{{id}}/categories/RPG", absent=NOT_A_GAME)],
    "categories.list": [Asked("GET", f"{LIBRARY}/categories", is_true=shows_the_callers_category)],
    "categories.create": [
        Asked("POST", f"{LIBRARY}/categories", status=201, body={"name": "New"}, is_true=is_the_callers_own)
    ],
    "categories.edit": [
        Asked(
            "PATCH",
            f"{LIBRARY}/categories/{{id}}",
            body={"color": "#336699"},
            of="category",
            absent=NOT_A_CATEGORY,
        )
    ],
    "categories.delete": [
        Asked("DELETE", f"{LIBRARY}/categories/{{id}}", of="category", absent=NOT_A_CATEGORY)
    ],
    "collections.list": [Asked("GET", f"{LIBRARY}/collections", is_true=counts_the_callers_game)],
    "playtime.start": [
        Asked(
            "POST",
            path,
            body=body | {"device_id": "desktop"},
            absent=NOT_A_GAME,
            is_true=is_the_callers_session,
        )
        for path, body in (
            (f"{PLAYTIME}/start", {"game_id": "{id}"}),
            (f"{LIBRARY}/games/{{id}}/session/start", {}),
        )
    ],
    "playtime.heartbeat": [
        Asked(
            "POST", f"{PLAYTIME}/heartbeat", body={"session_id": "{id}"}, of="session", absent=NOT_A_SESSION
        )
    ],
    "playtime.end": [
        Asked("POST", path, body={"session_id": "{id}"}, of="session", absent=NOT_A_SESSION)
        for path in (f"{PLAYTIME}/end", f"{LIBRARY}/games/{GAME}/session/end")
    ],
    "playtime.sessions": [
        Asked("GET", f"{PLAYTIME}/sessions", is_true=shows_what_the_caller_played),
        Asked("GET", f"{PLAYTIME}/sessions?active=true", is_true=shows_what_the_caller_plays),
    ],
    "playtime.stats": [Asked("GET", f"{PLAYTIME}/stats", is_true=adds_up_what_the_caller_played)],
    "playtime.report": [
        Asked("GET", f"{PLAYTIME}/report?period=2026", is_true=adds_up_what_the_caller_played)
    ],
    "users.library": [
        Asked("GET", path, of="user", is_true=shows_the_users_games)
        for path in (f"{LIBRARY}/users/{{id}}/library", "/api/v1/users/{id}/library")
    ],
    "users.playtime": [
        Asked("GET", path, of="user", is_true=adds_up_what_the_user_played)
        for path in (f"{LIBRARY}/users/{{id}}/playtime/stats", "/api/v1/users/{id}/playtime/stats")
    ],
}
"""Every REST operation of the matrix, and how it is asked for; a row without a request fails a test."""

OWNED = {
    "library.list": ["list_library"],
    "library.item": ["show_item"],
    "library.edit": ["edit_item"],
    "library.access": ["check_game_access"],
    "library.file": ["file_item"],
    "library.unfile": ["unfile_item"],
    "categories.list": ["list_categories"],
    "categories.create": ["create_category"],
    "categories.edit": ["edit_category"],
    "categories.delete": ["delete_category"],
    "collections.list": ["list_collections"],
    "playtime.start": ["start_session"],
    "playtime.heartbeat": ["record_heartbeat"],
    "playtime.end": ["end_session"],
    "playtime.sessions": ["list_sessions", "list_running_sessions"],
    "playtime.stats": ["show_stats"],
    "playtime.report": ["show_report"],
}
"""Operations on one's own, and the use cases that look after that."""
