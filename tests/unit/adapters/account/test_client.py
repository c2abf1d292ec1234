"""What is particular to Account: what an answer means, and for how long it is believed. How we call is Catalog's too."""

from collections.abc import AsyncIterator

import pytest
from builders import user_id
from grpclib.const import Status
from prometheus_client import CollectorRegistry
from unit.adapters.account.scripted import ScriptedAccount, a_client, serving
from unit.adapters.catalog.scripted import Monotonic, ScriptedIssuer, issuing

from library_adapters.account import AccountClient
from library_adapters.platform._generated.platform.account.v1 import AccountStatus
from library_domain.shared.errors import DependencyUnavailable

ALICE, BOB, NOBODY = user_id("alice"), user_id("bob"), user_id("nobody")


@pytest.fixture
def account() -> ScriptedAccount:
    return ScriptedAccount(ALICE, BOB)


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client(
    account: ScriptedAccount, monotonic: Monotonic, registry: CollectorRegistry
) -> AsyncIterator[AccountClient]:
    issuer = ScriptedIssuer()
    async with (
        issuing(issuer),
        serving(account) as port,
        a_client(port, issuer, monotonic=monotonic, registry=registry, cached_users=2) as client,
    ):
        yield client


@pytest.mark.parametrize("status", list(AccountStatus))
async def test_an_account_exists_whatever_its_state(
    client: AccountClient, account: ScriptedAccount, status: AccountStatus
) -> None:
    account.users[str(ALICE)] = status

    assert await client.exists(ALICE)


@pytest.mark.parametrize(("user", "seconds"), [(ALICE, 60), (NOBODY, 5)])
async def test_an_answer_is_believed_for_a_while(
    client: AccountClient, account: ScriptedAccount, monotonic: Monotonic, user: object, seconds: int
) -> None:
    expected = await client.exists(user)  # type: ignore[arg-type]
    monotonic.now += seconds - 1
    assert await client.exists(user) is expected  # type: ignore[arg-type]
    assert len(account.asked) == 1

    monotonic.now += 1
    await client.exists(user)  # type: ignore[arg-type]

    assert len(account.asked) == 2


async def test_no_more_is_remembered_than_there_is_room_for(
    client: AccountClient, account: ScriptedAccount
) -> None:
    for user in (ALICE, BOB, NOBODY, BOB, ALICE):
        await client.exists(user)

    assert account.asked == [str(user) for user in (ALICE, BOB, NOBODY, ALICE)]


async def test_that_a_user_is_unknown_is_an_answer_and_opens_no_circuit(
    client: AccountClient, registry: CollectorRegistry
) -> None:
    for number in range(30):
        assert not await client.exists(user_id(str(number)))

    tries = {"dependency": "account", "outcome": "success"}
    assert registry.get_sample_value("library_dependency_try_seconds_count", tries) == 30
    assert registry.get_sample_value("library_dependency_circuit_state", {"dependency": "account"}) == 0


async def test_an_open_circuit_is_seen_in_the_metrics(
    client: AccountClient, account: ScriptedAccount, registry: CollectorRegistry
) -> None:
    account.failure = Status.UNAVAILABLE
    for _ in range(5):
        with pytest.raises(DependencyUnavailable):
            await client.exists(ALICE)

    assert registry.get_sample_value("library_dependency_circuit_state", {"dependency": "account"}) == 2


async def test_an_absence_is_not_remembered(client: AccountClient, account: ScriptedAccount) -> None:
    account.failure = Status.UNAVAILABLE
    with pytest.raises(DependencyUnavailable):
        await client.exists(ALICE)
    account.failure = None

    assert await client.exists(ALICE)
