"""Who may do what (contract 3): the matrix is the only source, and the routes are checked against it."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from itertools import count
from typing import Any

import httpx2
import pytest
from builders import a_game, user_id
from component.api.door import LIBRARY, World, bearer, client_of, data, refusal
from component.api.matrix import (
    ABSENT,
    OWNED,
    PLAYTIME,
    RELATIONS,
    REQUESTS,
    Asked,
    asking,
    furnished,
)
from fakes.store import Store
from litestar import Litestar, get
from litestar.types import Scope
from prometheus_client import CollectorRegistry

from library_api import doorkeeper
from library_api.app import create_app, create_routing
from library_api.doorkeeper import OperationNotInMatrix, require_matrix
from library_domain.shared.access import MATRIX, PLAYERS, Door, Role, authorize, is_allowed
from library_domain.shared.ids import UserId

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
    who = await asking(world, furnisher, relation)
    headers = {} if role is Role.ANONYMOUS else bearer(who.caller.name, role)

    response = await asked.send(door, who.object_ids[asked.of], headers)

    if not is_allowed(operation, {role}):
        refused = (
            (401, "UNAUTHORIZED", {})
            if role is Role.ANONYMOUS
            else (403, "FORBIDDEN", {"operation": operation})
        )
        assert refusal(response) == refused
    elif relation == "own" or asked.absent is None:
        assert response.status_code == asked.status, response.text
        assert asked.is_true is None or asked.is_true(data(response, asked.status), who), response.text
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

    @pytest.mark.parametrize(
        ("operation", "use_case"), [(name, each) for name, use_cases in OWNED.items() for each in use_cases]
    )
    async def test_none_survives_without_a_look_at_the_owner(
        self, shared: World, door: httpx2.AsyncClient, operation: str, use_case: str
    ) -> None:
        guarded = shared.use_cases[use_case]

        async def unguarded(command: Any) -> Any:
            return await guarded(replace(command, user_id=owner_of_what_is_asked_for(shared.store, command)))

        application = shared.application(**{use_case: unguarded}, registry=CollectorRegistry())
        async with client_of(create_app(application)) as mutant:
            assert await self.is_noticed(operation, shared, mutant, door)

    def test_every_operation_is_among_them(self) -> None:
        public = {"schema.read"}
        by_role_alone = {"users.library", "users.playtime"}

        assert set(GUARDED) == REQUESTS.keys() - public
        assert OWNED.keys() == REQUESTS.keys() - public - by_role_alone


def owner_of_what_is_asked_for(store: Store, command: Any) -> UserId:
    """Return whose object it is; without a user's filter, a list is of anybody's."""
    me: UserId = command.user_id
    if hasattr(command, "session_id"):
        owners = [user for user, session in store.sessions if session == command.session_id]
    elif getattr(command, "game_id", None) is not None:
        owners = [user for user, game in store.entries if game == command.game_id]
    elif hasattr(command, "category_id"):
        owners = [user for user, own in store.categories.items() if command.category_id in own]
    else:
        owners = [user for user, _ in store.entries if user != me]
    return me if me in owners or not owners else owners[0]


@pytest.mark.parametrize(
    "asked", [each for requests in REQUESTS.values() for each in requests if each.absent]
)
async def test_anothers_object_is_like_one_that_does_not_exist(
    shared: World, door: httpx2.AsyncClient, asked: Asked
) -> None:
    who = await asking(shared, door, "another's")
    theirs = who.object_ids[asked.of]
    headers = bearer(who.caller.name) | {"X-Request-ID": "the-same"}

    responses = [await asked.send(door, each, headers) for each in (theirs, ABSENT)]

    others, absent = responses
    del others.headers["RateLimit-Remaining"], absent.headers["RateLimit-Remaining"]
    assert others.headers == absent.headers
    assert others.text.replace(str(theirs), str(ABSENT)) == absent.text


@pytest.mark.parametrize("role", sorted(PLAYERS))
async def test_no_list_contains_what_is_anothers(shared: World, door: httpx2.AsyncClient, role: Role) -> None:
    caller = f"stranger-{next(_numbers)}"
    await furnished(shared, door)

    lists = [
        data(await door.get(path, headers=bearer(caller, role)))["items"]
        for path in (
            LIBRARY,
            f"{LIBRARY}/categories",
            f"{PLAYTIME}/sessions",
            f"{PLAYTIME}/sessions?active=true",
        )
    ]

    assert lists == [[], [], [], []]


class TestAnothersLibrary:
    """GET /users/{user_id}/library (data 12): for support and admin, audited, and never a change."""

    async def test_is_seen_as_its_owner_sees_it(self, shared: World, door: httpx2.AsyncClient) -> None:
        owner = await furnished(shared, door)
        own = data(await door.get(LIBRARY, headers=bearer(owner.name)))

        response = await door.get(f"{LIBRARY}/users/{owner.id}/library", headers=bearer("sue", Role.SUPPORT))

        assert data(response) == own
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers

    async def test_leaves_a_trace_and_no_change(self, shared: World, door: httpx2.AsyncClient) -> None:
        owner = await furnished(shared, door)
        before = shared.store.users[owner.id].revision

        await door.get(f"{LIBRARY}/users/{owner.id}/library", headers=bearer("sue", Role.SUPPORT))

        (trace,) = [row for row in shared.store.audit if row["action"] == "read_other"][-1:]
        assert (trace["user_id"], trace["actor_id"]) == (owner.id, user_id("sue"))
        assert shared.store.users[owner.id].revision == before

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
        owner = await furnished(shared, door)
        shared.accounts.away = True
        try:
            response = await door.get(
                f"{LIBRARY}/users/{owner.id}/library", headers=bearer("sue", Role.SUPPORT)
            )
        finally:
            shared.accounts.away = False

        assert data(response)["total"] > 0

    async def test_a_cursor_of_ones_own_is_of_no_use_there(
        self, shared: World, door: httpx2.AsyncClient
    ) -> None:
        owner = await furnished(shared, door)
        shared.own(a_game("Braid"), by=owner.name)
        cursor = data(await door.get(LIBRARY, params={"limit": 1}, headers=bearer(owner.name)))["next_cursor"]

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
