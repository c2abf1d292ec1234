from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.testing import ChannelFor
from joserfc import jwt
from joserfc.jwk import KeySet

from library_adapters.platform._generated.platform.account.v1 import (
    AccountServiceStub,
    AccountStatus,
    GetUserRequest,
)
from library_adapters.platform._generated.platform.catalog.v1 import BatchGetGamesRequest, CatalogServiceStub
from library_devstack.sample import Game
from library_devstack.sample.dataset import player_id
from library_devstack.stack import Stack
from library_devstack.standins.account import AccountStandIn
from library_devstack.standins.catalog import CatalogStandIn
from library_devstack.standins.issuer import Issuer, make_key

PLAYER = UUID("5b5a8fd9-1383-5b9e-b865-c982dd5aa464")
PORTAL = Game(
    title="Portal",
    product_type="game",
    parent=None,
    platforms=("windows", "linux"),
    price=Decimal("9.99"),
    currency="USD",
    released=date(2007, 10, 10),
)
SOUNDTRACK = Game(
    title="Portal: Soundtrack",
    product_type="dlc",
    parent="Portal",
    platforms=("windows",),
    price=Decimal("2.99"),
    currency="USD",
    released=date(2007, 10, 10),
)


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    async with ChannelFor([CatalogStandIn([PORTAL, SOUNDTRACK]), AccountStandIn([PLAYER])]) as channel:
        yield channel


class TestCatalog:
    async def test_describes_what_it_knows_and_leaves_out_the_rest(self, channel: Channel) -> None:
        ids = [str(PORTAL.game_id), str(SOUNDTRACK.game_id), str(PLAYER)]

        answer = await CatalogServiceStub(channel).batch_get_games(BatchGetGamesRequest(ids=ids))

        assert [(game.name, game.product_type, game.parent_game_id) for game in answer.games] == [
            ("Portal", "game", None),
            ("Portal: Soundtrack", "dlc", str(PORTAL.game_id)),
        ]
        assert answer.games[0].price is not None
        assert answer.games[0].price.amount == "9.99"

    @pytest.mark.parametrize("ids", [["no uuid"], [str(PLAYER)] * 101])
    async def test_refuses_what_the_contract_refuses(self, channel: Channel, ids: list[str]) -> None:
        with pytest.raises(GRPCError) as refusal:
            await CatalogServiceStub(channel).batch_get_games(BatchGetGamesRequest(ids=ids))

        assert refusal.value.status is Status.INVALID_ARGUMENT
        assert refusal.value.message is not None
        assert "ids" in refusal.value.message


class TestAccount:
    async def test_says_that_a_player_is_active(self, channel: Channel) -> None:
        answer = await AccountServiceStub(channel).get_user(GetUserRequest(user_id=str(PLAYER)))

        assert answer.status is AccountStatus.ACTIVE

    async def test_does_not_know_anybody_else(self, channel: Channel) -> None:
        with pytest.raises(GRPCError) as refusal:
            await AccountServiceStub(channel).get_user(GetUserRequest(user_id=str(PORTAL.game_id)))

        assert refusal.value.status is Status.NOT_FOUND


class TestIssuer:
    def test_publishes_no_private_part_of_its_key(self, issuer: Issuer) -> None:
        (key,) = httpx.get(issuer.jwks_url).json()["keys"]

        assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}

    def test_signs_tokens_that_its_keys_verify(self, issuer: Issuer) -> None:
        keys = KeySet.import_key_set(httpx.get(issuer.jwks_url).json())

        token = jwt.decode(issuer.mint(PLAYER, ["user", "admin"], ttl_seconds=60), keys, algorithms=["RS256"])

        assert token.claims["exp"] - token.claims["iat"] == 60
        assert {name: token.claims[name] for name in ("iss", "aud", "sub", "roles")} == {
            "iss": issuer.url,
            "aud": "library-service",
            "sub": str(PLAYER),
            "roles": ["user", "admin"],
        }

    def test_leaves_out_what_a_test_wants_to_be_missing(self, issuer: Issuer) -> None:
        keys = KeySet.import_key_set(httpx.get(issuer.jwks_url).json())

        token = jwt.decode(issuer.mint(PLAYER, exp=None, aud="another"), keys, algorithms=["RS256"])

        assert "exp" not in token.claims
        assert token.claims["aud"] == "another"

    def test_gives_a_client_with_the_right_secret_a_system_token(self, issuer: Issuer) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": "library-service",
            "client_secret": "secret-of-the-tests",
        }

        answer = httpx.post(f"{issuer.url}/token", data=form).json()

        assert issuer.is_system(answer["access_token"])
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)

    def test_takes_a_client_from_the_authorization_header(self, issuer: Issuer) -> None:
        form = {"grant_type": "client_credentials"}

        answer = httpx.post(
            f"{issuer.url}/token", data=form, auth=("library-service", "secret-of-the-tests")
        ).json()

        assert issuer.is_system(answer["access_token"])

    @pytest.mark.parametrize(
        "authorization", ["Basic", "Basic ***", "Basic bGlicmFyeS1zZXJ2aWNlOng=", "Bearer x"]
    )
    def test_refuses_what_is_no_client_in_the_header(self, issuer: Issuer, authorization: str) -> None:
        answer = httpx.post(
            f"{issuer.url}/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": authorization},
        )

        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})

    @pytest.mark.parametrize(
        ("form", "status", "error"),
        [
            (
                {"grant_type": "client_credentials", "client_id": "library-service", "client_secret": "x"},
                401,
                "invalid_client",
            ),
            ({"grant_type": "client_credentials"}, 401, "invalid_client"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
            ({"grant_type": "x" * 10_000}, 400, "invalid_request"),
        ],
    )
    def test_refuses_as_oauth_says(
        self, issuer: Issuer, form: dict[str, str], status: int, error: str
    ) -> None:
        answer = httpx.post(f"{issuer.url}/token", data=form)

        assert (answer.status_code, answer.json()) == (status, {"error": error})

    @pytest.mark.parametrize(
        "token",
        ["", "no.token.here", Issuer(make_key(), url="http://elsewhere").mint(PLAYER, "system")],
        ids=["empty", "malformed", "of another issuer"],
    )
    def test_knows_its_own_tokens(self, issuer: Issuer, token: str) -> None:
        assert not issuer.is_system(token)
        assert not issuer.is_system(issuer.mint(PLAYER, "user"))
        assert not issuer.is_system(issuer.mint(PLAYER, "system", ttl_seconds=-600))


class TestProcess:
    async def test_asks_for_a_token_of_the_platform(self, stack: Stack) -> None:
        env = stack.env()
        form = {
            "grant_type": "client_credentials",
            "client_id": env["LIBRARY_CATALOG__CLIENT_ID"],
            "client_secret": env["LIBRARY_CATALOG__CLIENT_SECRET"],
        }
        async with httpx.AsyncClient(trust_env=False) as client:
            token = (await client.post(env["LIBRARY_CATALOG__TOKEN_URL"], data=form)).json()["access_token"]
        host, _, port = env["ACCOUNT_ADDRESS"].partition(":")
        request = GetUserRequest(user_id=str(player_id("62990992")))

        async with Channel(host, int(port)) as channel:
            stub = AccountServiceStub(channel)
            with pytest.raises(GRPCError) as refusal:
                await stub.get_user(request)
            answer = await stub.get_user(request, metadata={"authorization": f"Bearer {token}"})

        assert refusal.value.status is Status.UNAUTHENTICATED
        assert answer.status is AccountStatus.ACTIVE
