"""Who may do what (contract 3): the matrix is the only source, and the routes are checked against it."""

import httpx2
import pytest
from builders import a_game, game_id
from component.api.door import LIBRARY, World, bearer, data, refusal
from litestar import Litestar, get

from library_api.app import create_routing
from library_api.doorkeeper import OperationNotInMatrix, require_matrix
from library_domain.shared.access import MATRIX, PLAYERS, Door, Role, is_allowed

REQUESTS: dict[str, list[str]] = {
    "schema.read": ["/schema", "/schema/openapi.json"],
    "library.list": [LIBRARY, f"{LIBRARY}/"],
    "library.item": [f"{LIBRARY}/{game_id('Portal 2')}", f"{LIBRARY}/games/{game_id('Portal 2')}"],
}
"""Every REST operation of the matrix, and how it is asked for; a row without a request fails a test."""

CASES = [(operation, path, role) for operation, paths in REQUESTS.items() for path in paths for role in Role]


def test_every_operation_of_the_matrix_is_asked_for() -> None:
    assert REQUESTS.keys() == {row.name for row in MATRIX.values() if row.door is Door.REST}


@pytest.mark.parametrize(("operation", "path", "role"), CASES)
async def test_the_matrix_decides(
    world: World, client: httpx2.AsyncClient, operation: str, path: str, role: Role
) -> None:
    world.own(a_game("Portal 2"))
    headers = {} if role is Role.ANONYMOUS else bearer("alice", role)

    response = await client.get(path, headers=headers)

    if is_allowed(operation, {role}):
        assert response.status_code == 200
    elif role is Role.ANONYMOUS:
        assert refusal(response) == (401, "UNAUTHORIZED", {})
    else:
        assert refusal(response) == (403, "FORBIDDEN", {"operation": operation})


async def test_roles_add_up(world: World, client: httpx2.AsyncClient) -> None:
    response = await client.get(LIBRARY, headers=bearer("alice", Role.SUPPORT, Role.USER))

    assert data(response)["total"] == 0


@pytest.mark.parametrize("role", sorted(PLAYERS))
@pytest.mark.parametrize("relation", ["another's", "nobody's"])
async def test_no_role_sees_another_users_game(
    world: World, client: httpx2.AsyncClient, role: Role, relation: str
) -> None:
    world.own(a_game("Portal 2"), by="bob")
    game = game_id("Portal 2") if relation == "another's" else game_id("No such game")

    response = await client.get(f"{LIBRARY}/{game}", headers=bearer("alice", role))

    assert refusal(response) == (404, "GAME_NOT_FOUND", {"game_id": str(game)})


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
