"""Rotation, outage and flood of the issuer's keys (contract 3, reliability B15 and F)."""

import asyncio
import json

import pytest
from prometheus_client import CollectorRegistry
from unit.adapters.tokens.issuing import FakeMonotonic, FakeSource, jwks, oct_jwk

from library_adapters.tokens import KeyStore
from library_domain.shared.errors import DependencyUnavailable

TTL = 600


async def settled() -> None:
    """Let the background renewal, if there is one, come to its end."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "jwks-fetch"))


async def test_the_key_set_is_fetched_once_for_its_time(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    for _ in range(100):
        monotonic.now += 5
        assert await keys.find("rsa") is not None

    assert source.fetches == 1


async def test_a_new_key_is_accepted_with_its_first_token_after_one_fetch(
    keys: KeyStore, source: FakeSource
) -> None:
    await keys.find("rsa")
    source.document = jwks("rsa", "rsa-2")

    assert await keys.find("rsa-2") is not None
    assert source.fetches == 2


async def test_a_withdrawn_key_is_refused_when_its_time_is_over(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    await keys.find("ec")
    source.document = jwks("rsa")

    monotonic.now += TTL

    assert await keys.find("ec") is None


async def test_a_set_is_renewed_in_the_background_before_its_time_is_over(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    await keys.find("ec")
    source.document = jwks("rsa")
    monotonic.now += TTL * 0.95

    assert await keys.find("ec") is not None
    await settled()

    assert source.fetches == 2
    assert await keys.find("ec") is None


async def test_a_flood_of_unknown_kids_costs_one_fetch_in_thirty_seconds(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    await keys.load()

    for second in range(30):
        found = await asyncio.gather(*(keys.find(f"made-up-{second}-{n}") for n in range(100)))
        assert found == [None] * 100
        monotonic.now += 1
    assert source.fetches == 2

    await keys.find("made-up")
    assert source.fetches == 3


async def test_a_flood_does_not_keep_known_keys_from_verifying(keys: KeyStore, source: FakeSource) -> None:
    await keys.load()
    source.fail = True

    found = await asyncio.gather(*(keys.find("rsa" if n % 2 else f"made-up-{n}") for n in range(1000)))

    assert sum(key is not None for key in found) == 500
    assert source.fetches == 2


async def test_all_who_come_during_a_fetch_wait_for_that_one(keys: KeyStore, source: FakeSource) -> None:
    answered = asyncio.Event()
    source.before_answer = answered.wait
    waiting = [asyncio.create_task(keys.find("rsa")) for _ in range(50)]
    await source.asked.wait()

    answered.set()

    assert all(await asyncio.gather(*waiting))
    assert source.fetches == 1


async def test_a_caller_who_leaves_does_not_end_the_fetch_of_the_others(
    keys: KeyStore, source: FakeSource
) -> None:
    answered = asyncio.Event()
    source.before_answer = answered.wait
    impatient, patient = (asyncio.create_task(keys.find("rsa")) for _ in range(2))
    await source.asked.wait()

    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    answered.set()

    assert await patient is not None
    assert source.fetches == 1


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b'{"keys": []}', id="empty"),
        pytest.param(json.dumps({"keys": [oct_jwk(b"k" * 32, "rsa")]}).encode(), id="symmetric"),
        pytest.param(b" " * 10_000_000, id="ten_megabytes"),
    ],
)
async def test_a_bad_key_set_leaves_the_last_good_one_serving(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic, registry: CollectorRegistry, document: bytes
) -> None:
    good = await keys.find("rsa")
    source.document = document
    monotonic.now += TTL

    assert await keys.find("rsa") == good
    assert registry.get_sample_value("library_jwks_fetches_total", {"outcome": "invalid"}) == 1


async def test_the_last_good_keys_serve_for_an_hour_while_the_issuer_is_away(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    await keys.load()
    source.fail = True

    for _ in range(3600):
        monotonic.now += 1
        assert await keys.find("rsa") is not None
        await settled()

    assert source.fetches <= 1 + 3600 / 30


async def test_nobody_waits_for_an_issuer_that_was_away_already(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    await keys.load()
    source.fail = True
    monotonic.now += TTL
    await keys.find("rsa")
    never = asyncio.Event()
    source.before_answer = never.wait
    monotonic.now += 31

    async with asyncio.timeout(1):
        assert await keys.find("rsa") is not None

    await keys.close()


async def test_the_issuers_return_is_noticed(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    await keys.load()
    source.fail = True
    monotonic.now += TTL
    await keys.find("rsa")
    source.fail, source.document = False, jwks("okp")
    monotonic.now += 31

    await keys.find("rsa")
    await settled()

    assert await keys.find("rsa") is None
    assert await keys.find("okp") is not None


async def test_without_any_keys_yet_the_answer_is_unavailable_and_not_a_refusal(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic
) -> None:
    source.fail = True
    for _ in range(5):
        with pytest.raises(DependencyUnavailable):
            await keys.find("rsa")
    assert source.fetches == 1

    source.fail = False
    monotonic.now += 1

    assert await keys.find("rsa") is not None


async def test_closing_ends_a_running_fetch(keys: KeyStore, source: FakeSource) -> None:
    source.before_answer = asyncio.Event().wait
    finding = asyncio.create_task(keys.find("rsa"))
    await source.asked.wait()

    await keys.close()

    with pytest.raises(asyncio.CancelledError):
        await finding


async def test_fetches_are_counted_by_outcome(
    keys: KeyStore, source: FakeSource, monotonic: FakeMonotonic, registry: CollectorRegistry
) -> None:
    await keys.load()
    source.fail = True
    monotonic.now += TTL
    await keys.find("rsa")

    assert registry.get_sample_value("library_jwks_fetches_total", {"outcome": "ok"}) == 1
    assert registry.get_sample_value("library_jwks_fetches_total", {"outcome": "unreachable"}) == 1
