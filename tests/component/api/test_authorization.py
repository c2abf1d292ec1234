"""Who may do what (contract 3): the matrix is the only source, and the routes are checked against it."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from uuid import UUID

import httpx2
import pytest
from builders import a_game, game_id, user_id
from component.api.door import LIBRARY, World, bearer, client_of, data, refusal
from fakes.store import Store
from litestar import Litestar, get
from litestar.types import Scope
from prometheus_client import CollectorRegistry

from library_api import doorkeeper
from library_api.app import create_app, create_routing
from library_api.doorkeeper import OperationNotInMatrix, require_matrix
from library_domain.shared.access import MATRIX, PLAYERS, Door, Role, authorize, is_allowed
from library_domain.shared.ids import UserId

GAME = game_id("Portal 2")
ABSENT = game_id("No such game")


@dataclass(frozen=True)
class Asking:
    """Who asks, and for what."""

    world: World
    caller: UserId
    category: UUID
    """The caller's only one."""
    relation: str


@dataclass(frozen=True)
class Asked:
    """How an operation is asked for, of an object in three relations to the caller."""

    method: str
    path: str
    """With `{id}` for the object, if it concerns one."""
    status: int = 200
    body: dict[str, Any] | None = None
    absent: tuple[int, str] | None = None
    """How one that is not there is refused; None when nothing of that kind can be told apart."""
    is_true: Callable[[Any, Asking], bool] | None = None
    """Whether the data of a success are those of the caller, or of the object that was asked for."""


def shows_the_users_games(page: Any, asking: Asking) -> bool:
    return len(page["items"]) == {"own": 1, "another's": 2, "absent": 0}[asking.relation]


def shows_the_callers_game(page: Any, asking: Asking) -> bool:
    return [each["game_id"] for each in page["items"]] == [str(GAME)]


def counts_the_callers_game(shown: Any, asking: Asking) -> bool:
    return [each["count"] for each in shown["items"] if each["name"] == "unplayed"] == [1]


def shows_the_callers_category(shown: Any, asking: Asking) -> bool:
    return [each["id"] for each in shown["items"]] == [str(asking.category)]


def allows_what_is_owned(shown: Any, asking: Asking) -> bool:
    return bool(shown["allowed"]) == (asking.relation == "own")


def is_the_callers_own(made: Any, asking: Asking) -> bool:
    return UUID(made["id"]) in asking.world.store.categories[asking.caller]


BOTH = [f"{LIBRARY}/{{id}}", f"{LIBRARY}/games/{{id}}"]
NOT_A_GAME = (404, "GAME_NOT_FOUND")
NOT_A_CATEGORY = (404, "CATEGORY_NOT_FOUND")
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
        Asked("PATCH", f"{LIBRARY}/categories/{{id}}", body={"color": "#336699"}, absent=NOT_A_CATEGORY)
    ],
    "categories.delete": [Asked("DELETE", f"{LIBRARY}/categories/{{id}}", absent=NOT_A_CATEGORY)],
    "collections.list": [Asked("GET", f"{LIBRARY}/collections", is_true=counts_the_callers_game)],
    "users.library": [
        Asked("GET", path, is_true=shows_the_users_games)
        for path in (f"{LIBRARY}/users/{{id}}/library", "/api/v1/users/{id}/library")
    ],
}
"""Every REST operation of the matrix, and how it is asked for; a row without a request fails a test."""

RELATIONS = ("own", "another's", "absent")
Case = tuple[str, Asked, Role, str]
CASES = [
    pytest.param((operation, asked, role, relation), id=f"{operation}-{n}-{role}-{relation}")
    for operation, requests in REQUESTS.items()
    for n, asked in enumerate(requests)
    for role in Role
    for relation in RELATIONS
]
GUARDED = sorted(REQUESTS.keys() - {"schema.read"})
"""What a token and a role are needed for."""
OWNED = {
    "library.list": "list_library",
    "library.item": "show_item",
    "library.edit": "edit_item",
    "library.access": "check_game_access",
    "library.file": "file_item",
    "library.unfile": "unfile_item",
    "categories.list": "list_categories",
    "categories.create": "create_category",
    "categories.edit": "edit_category",
    "categories.delete": "delete_category",
    "collections.list": "list_collections",
}
"""Operations on one's own, and the use cases that look after that."""
_numbers = count()


@pytest.fixture(scope="module")
def only_world() -> World:
    return World()


@pytest.fixture(scope="module")
async def door(only_world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Give one door to all cases: making it takes longer than a case."""
    async with client_of(create_app(only_world.application())) as client:
        yield client


@pytest.fixture
def shared(only_world: World) -> World:
    """Empty the world behind the door."""
    only_world.store.__dict__.update(Store().__dict__)
    return only_world


async def furnished(world: World, door: httpx2.AsyncClient) -> tuple[str, UUID]:
    """Return a new user who has a game in a category, and the category."""
    name = f"user-{next(_numbers)}"
    world.own(a_game("Portal 2"), by=name)
    made = await door.post(f"{LIBRARY}/categories", json={"name": "RPG"}, headers=bearer(name))
    await door.post(f"{LIBRARY}/games/{GAME}/categories", json={"category_name": "RPG"}, headers=bearer(name))
    return name, UUID(data(made, 201)["id"])


def test_every_operation_of_the_matrix_is_asked_for() -> None:
    assert REQUESTS.keys() == {row.name for row in MATRIX.values() if row.door is Door.REST}


@pytest.mark.parametrize("case", CASES)
async def test_the_matrix_decides(shared: World, door: httpx2.AsyncClient, case: Case) -> None:
    await hold_to_the_matrix(shared, door, case, furnisher=door)


async def hold_to_the_matrix(
    world: World, door: httpx2.AsyncClient, case: Case, *, furnisher: httpx2.AsyncClient
) -> None:
    """Ask the door once, of a world furnished through another or the same; assert what the matrix says of it."""
    operation, asked, role, relation = case
    caller, own_category = await furnished(world, furnisher)
    other, other_category = await furnished(world, furnisher)
    # For games, the other user has one that the caller has not.
    world.own(a_game(f"Only {other}"), by=other)
    ids: dict[str, dict[str, object]] = {
        "own": {"game": GAME, "category": own_category, "user": user_id(caller)},
        "another's": {
            "game": game_id(f"Only {other}"),
            "category": other_category,
            "user": user_id(other),
        },
        "absent": {"game": ABSENT, "category": ABSENT, "user": user_id("nobody at all")},
    }
    kind = operation.partition(".")[0].replace("categories", "category").replace("users", "user")
    path = asked.path.replace("{id}", str(ids[relation].get(kind, ids[relation]["game"])))
    headers = {} if role is Role.ANONYMOUS else bearer(caller, role)

    response = await door.request(asked.method, path, json=asked.body, headers=headers)

    if not is_allowed(operation, {role}):
        refused = (
            (401, "UNAUTHORIZED", {})
            if role is Role.ANONYMOUS
            else (403, "FORBIDDEN", {"operation": operation})
        )
        assert refusal(response) == refused
    elif relation == "own" or asked.absent is None:
        asking = Asking(world, user_id(caller), own_category, relation)
        assert response.status_code == asked.status, response.text
        assert asked.is_true is None or asked.is_true(data(response, asked.status), asking), response.text
    else:
        assert refusal(response)[:2] == asked.absent


class TestMutants:
    """The check of the checks (reliability E): whatever guard is taken away, at whatever operation, it is noticed."""

    @staticmethod
    async def is_noticed(
        operation: str, world: World, door: httpx2.AsyncClient, furnisher: httpx2.AsyncClient
    ) -> bool:
        """Tell whether `test_the_matrix_decides` fails for any case of the operation."""
        for asked in REQUESTS[operation]:
            for role in Role:
                for relation in RELATIONS:
                    world.store.__dict__.update(Store().__dict__)
                    try:
                        await hold_to_the_matrix(
                            world, door, (operation, asked, role, relation), furnisher=furnisher
                        )
                    except AssertionError:
                        return True
        return False

    @pytest.mark.parametrize("operation", GUARDED)
    async def test_none_survives_without_a_look_at_the_token(
        self, shared: World, door: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, operation: str
    ) -> None:
        guard = doorkeeper._token

        def unguarded(scope: Scope) -> str:
            has_token = any(name == b"authorization" for name, _ in scope["headers"])
            is_mutated = scope["route_handler"].opt["operation"] == operation
            return "stranger.user.support" if is_mutated and not has_token else guard(scope)

        monkeypatch.setattr(doorkeeper, "_token", unguarded)

        assert await self.is_noticed(operation, shared, door, door)

    @pytest.mark.parametrize("operation", GUARDED)
    async def test_none_survives_without_a_look_at_the_role(
        self, shared: World, door: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, operation: str
    ) -> None:
        def unguarded(asked: str, roles: Iterable[Role]) -> None:
            if asked != operation:
                authorize(asked, roles)

        monkeypatch.setattr(doorkeeper, "authorize", unguarded)

        assert await self.is_noticed(operation, shared, door, door)

    @pytest.mark.parametrize("operation", OWNED)
    async def test_none_survives_without_a_look_at_the_owner(
        self, shared: World, door: httpx2.AsyncClient, operation: str
    ) -> None:
        use_case = shared.use_cases[OWNED[operation]]

        async def unguarded(command: Any) -> Any:
            return await use_case(replace(command, user_id=owner_of_what_is_asked_for(shared.store, command)))

        application = shared.application(**{OWNED[operation]: unguarded}, registry=CollectorRegistry())
        async with client_of(create_app(application)) as mutant:
            assert await self.is_noticed(operation, shared, mutant, door)

    def test_every_operation_is_among_them(self) -> None:
        public = {"schema.read"}
        by_role_alone = {"users.library"}

        assert set(GUARDED) == REQUESTS.keys() - public
        assert OWNED.keys() == REQUESTS.keys() - public - by_role_alone


def owner_of_what_is_asked_for(store: Store, command: Any) -> UserId:
    """Return whose object it is; without a user's filter, a list is of anybody's."""
    me: UserId = command.user_id
    if hasattr(command, "game_id"):
        owners = [user for user, game in store.entries if game == command.game_id]
    elif hasattr(command, "category_id"):
        owners = [user for user, own in store.categories.items() if command.category_id in own]
    else:
        owners = [user for user, _ in store.entries if user != me]
    return me if me in owners or not owners else owners[0]


@pytest.mark.parametrize(
    ("operation", "asked"),
    [(name, asked) for name, requests in REQUESTS.items() for asked in requests if asked.absent],
)
async def test_anothers_object_is_like_one_that_does_not_exist(
    shared: World, door: httpx2.AsyncClient, operation: str, asked: Asked
) -> None:
    caller, _ = await furnished(shared, door)
    other, category = await furnished(shared, door)
    shared.own(a_game(f"Only {other}"), by=other)
    theirs = category if operation.startswith("categories") else game_id(f"Only {other}")
    headers = bearer(caller) | {"X-Request-ID": "the-same"}

    responses = [
        await door.request(
            asked.method, asked.path.replace("{id}", str(each)), json=asked.body, headers=headers
        )
        for each in (theirs, ABSENT)
    ]

    others, absent = responses
    del others.headers["RateLimit-Remaining"], absent.headers["RateLimit-Remaining"]
    assert others.headers == absent.headers
    assert others.text.replace(str(theirs), str(ABSENT)) == absent.text


@pytest.mark.parametrize("role", sorted(PLAYERS))
async def test_no_list_contains_what_is_anothers(shared: World, door: httpx2.AsyncClient, role: Role) -> None:
    caller = f"user-{next(_numbers)}"
    await furnished(shared, door)

    library = data(await door.get(LIBRARY, headers=bearer(caller, role)))
    categories = data(await door.get(f"{LIBRARY}/categories", headers=bearer(caller, role)))

    assert (library["items"], categories["items"]) == ([], [])


class TestAnothersLibrary:
    """GET /users/{user_id}/library (data 12): for support and admin, audited, and never a change."""

    async def test_is_seen_as_its_owner_sees_it(self, shared: World, door: httpx2.AsyncClient) -> None:
        owner, _ = await furnished(shared, door)
        own = data(await door.get(LIBRARY, headers=bearer(owner)))

        response = await door.get(
            f"{LIBRARY}/users/{user_id(owner)}/library", headers=bearer("sue", Role.SUPPORT)
        )

        assert data(response) == own
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers

    async def test_leaves_a_trace_and_no_change(self, shared: World, door: httpx2.AsyncClient) -> None:
        owner, _ = await furnished(shared, door)
        before = shared.store.users[user_id(owner)].revision

        await door.get(f"{LIBRARY}/users/{user_id(owner)}/library", headers=bearer("sue", Role.SUPPORT))

        (trace,) = [row for row in shared.store.audit if row["action"] == "read_other"][-1:]
        assert (trace["user_id"], trace["actor_id"]) == (user_id(owner), user_id("sue"))
        assert shared.store.users[user_id(owner)].revision == before

    async def test_of_what_is_no_user_is_not_found(self, door: httpx2.AsyncClient) -> None:
        response = await door.get(f"{LIBRARY}/users/abc/library", headers=bearer("sue", Role.SUPPORT))

        assert refusal(response) == (404, "NOT_FOUND", {})

    async def test_of_whom_account_does_not_know_is_not_found(
        self, shared: World, door: httpx2.AsyncClient
    ) -> None:
        stranger = f"stranger-{next(_numbers)}"
        shared.accounts.unknown.add(user_id(stranger))

        response = await door.get(
            f"{LIBRARY}/users/{user_id(stranger)}/library", headers=bearer("sue", Role.SUPPORT)
        )

        assert refusal(response) == (404, "NOT_FOUND", {"user_id": str(user_id(stranger))})

    async def test_is_served_while_account_is_away(self, shared: World, door: httpx2.AsyncClient) -> None:
        owner, _ = await furnished(shared, door)
        shared.accounts.away = True
        try:
            response = await door.get(
                f"{LIBRARY}/users/{user_id(owner)}/library", headers=bearer("sue", Role.SUPPORT)
            )
        finally:
            shared.accounts.away = False

        assert data(response)["total"] > 0

    async def test_a_cursor_of_ones_own_is_of_no_use_there(
        self, shared: World, door: httpx2.AsyncClient
    ) -> None:
        owner, _ = await furnished(shared, door)
        shared.own(a_game("Braid"), by=owner)
        cursor = data(await door.get(LIBRARY, params={"limit": 1}, headers=bearer(owner)))["next_cursor"]

        response = await door.get(
            f"{LIBRARY}/users/{user_id('sue')}/library",
            params={"cursor": cursor},
            headers=bearer("sue", Role.SUPPORT),
        )

        assert refusal(response) == (400, "VALIDATION_ERROR", {"field": "cursor", "reason": "invalid"})


async def test_roles_add_up(world: World, client: httpx2.AsyncClient) -> None:
    response = await client.get(LIBRARY, headers=bearer("alice", Role.SUPPORT, Role.USER))

    assert data(response)["total"] == 0


class TestToken:
    async def test_without_one_the_client_is_told_how_to_bring_it(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(LIBRARY)

        assert refusal(response) == (401, "UNAUTHORIZED", {})
        assert response.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "value",
        [
            "Bearer nobody.user",
            "Basic bm9ib2R5Og==",
            "Bearer",
            "Bearer a b",
            "alice.user",
            "",
            "Bearer " + "a b" * 99,
        ],
    )
    async def test_a_bad_one_is_refused_and_nothing_told(
        self, client: httpx2.AsyncClient, value: str
    ) -> None:
        response = await client.get(LIBRARY, headers={"Authorization": value})

        assert refusal(response) == (401, "UNAUTHORIZED", {})
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    async def test_without_a_known_role_it_opens_nothing(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(LIBRARY, headers={"Authorization": "Bearer alice"})

        assert refusal(response)[:2] == (403, "FORBIDDEN")

    async def test_two_are_none(self, world: World, client: httpx2.AsyncClient) -> None:
        twice = [("Authorization", "Bearer alice.user"), ("Authorization", "Bearer alice.user")]

        response = await client.get(LIBRARY, headers=twice)

        assert refusal(response) == (401, "UNAUTHORIZED", {})
        assert not world.tokens.seen

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
    async def test_its_scheme_may_be_written_in_any_case(
        self, client: httpx2.AsyncClient, scheme: str
    ) -> None:
        response = await client.get(LIBRARY, headers={"Authorization": f"{scheme} alice.user"})

        assert response.status_code == 200

    @pytest.mark.parametrize("name", ["token", "access_token", "authorization"])
    async def test_it_is_not_looked_for_in_the_query(
        self, world: World, client: httpx2.AsyncClient, name: str
    ) -> None:
        response = await client.get(LIBRARY, params={name: "alice.user"})

        assert refusal(response) == (401, "UNAUTHORIZED", {})
        assert not world.tokens.seen

    async def test_it_is_not_looked_for_in_cookies(self, world: World, client: httpx2.AsyncClient) -> None:
        response = await client.get(LIBRARY, headers={"Cookie": "access_token=alice.user"})

        assert refusal(response) == (401, "UNAUTHORIZED", {})

    async def test_a_public_operation_does_not_look_at_it(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        response = await client.get("/schema", headers={"Authorization": "Bearer nobody.user"})

        assert response.status_code == 200
        assert not world.tokens.seen

    async def test_it_is_asked_for_before_anything_else_is_refused(self, client: httpx2.AsyncClient) -> None:
        response = await client.get(LIBRARY, params={"limit": "abc"})

        assert refusal(response) == (401, "UNAUTHORIZED", {})


class TestDenyByDefault:
    def test_every_route_of_the_door_has_a_row(self, world: World) -> None:
        require_matrix(create_routing(world.application()))

    @pytest.mark.parametrize(
        "opt", [{}, {"operation": "library.burn"}, {"operation": "grpc.check_game_access"}]
    )
    def test_a_route_without_a_row_of_this_door_cannot_be_served(self, opt: dict[str, str]) -> None:
        @get("/api/v1/library/burn", opt=opt)
        async def burn() -> None: ...

        with pytest.raises(OperationNotInMatrix, match="GET /api/v1/library/burn"):
            require_matrix(Litestar([burn], openapi_config=None, logging_config=None))
