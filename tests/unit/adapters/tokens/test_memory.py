"""Verified tokens are remembered for a while, and for no longer than they and their keys are good (data 32)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from unit.adapters.tokens.issuing import (
    AUDIENCE,
    ISSUER,
    NOW,
    TIMESTAMP,
    FakeMonotonic,
    FakeSource,
    Issuer,
    jwks,
)

from library_adapters.tokens import KeyStore, TokenMetrics, TokenSettings, TokenVerifier
from library_domain.shared.errors import Forbidden, Unauthenticated


@dataclass
class MovingClock:
    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


class World:
    def __init__(self, **settings: Any) -> None:
        self.clock = MovingClock()
        self.monotonic = FakeMonotonic()
        self.registry = CollectorRegistry()
        self.source = FakeSource(jwks("rsa"))
        metrics = TokenMetrics(self.registry)
        self.keys = KeyStore(self.source, ttl_seconds=600, metrics=metrics, monotonic=self.monotonic)
        self.verifier = TokenVerifier(
            TokenSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url="https://issuer.test/jwks", **settings),
            keys=self.keys,
            clock=self.clock,
            metrics=metrics,
        )

    def pass_time(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)
        self.monotonic.now += seconds

    def hits(self) -> float:
        return self.looked_up("hit")

    def looked_up(self, outcome: str) -> float:
        return self.registry.get_sample_value("library_token_memory_lookups_total", {"outcome": outcome}) or 0


async def test_a_token_that_was_accepted_is_known_the_next_time(issuer: Issuer) -> None:
    world = World()
    token = issuer.token()

    first, second = [await world.verifier.verify(token) for _ in range(2)]

    assert second is first
    assert (world.hits(), world.looked_up("miss")) == (1, 1)
    assert world.registry.get_sample_value("library_token_verifications_total", {"verdict": "accepted"}) == 2


@pytest.mark.parametrize(("seconds", "hits"), [(59, 1), (60, 0)])
async def test_it_is_known_for_a_minute(issuer: Issuer, seconds: int, hits: int) -> None:
    world = World()
    token = issuer.token()
    await world.verifier.verify(token)

    world.pass_time(seconds)
    await world.verifier.verify(token)

    assert world.hits() == hits


async def test_a_token_at_its_end_is_verified_again_and_refused_when_that_says_so(issuer: Issuer) -> None:
    world = World()
    token = issuer.token(exp=TIMESTAMP + 10)
    await world.verifier.verify(token)

    world.pass_time(10)
    # The leeway of a minute is the verification's to give.
    await world.verifier.verify(token)
    world.pass_time(60)
    with pytest.raises(Unauthenticated):
        await world.verifier.verify(token)

    assert world.hits() == 0


async def test_a_clock_that_went_back_is_not_trusted_to_remember(issuer: Issuer) -> None:
    world = World()
    token = issuer.token(iat=TIMESTAMP - 3600)
    await world.verifier.verify(token)

    world.clock.time -= timedelta(seconds=1)
    await world.verifier.verify(token)

    assert world.hits() == 0


async def test_a_withdrawn_key_is_forgotten_with_its_tokens(issuer: Issuer) -> None:
    world = World()
    token = issuer.token()
    await world.verifier.verify(token)

    world.source.document = jwks("ec")
    assert await world.keys.load()

    with pytest.raises(Unauthenticated):
        await world.verifier.verify(token)


async def test_a_set_that_is_due_is_renewed_although_every_token_is_known(issuer: Issuer) -> None:
    world = World()
    token = issuer.token()
    await world.keys.load()
    world.source.asked.clear()
    world.pass_time(530)
    await world.verifier.verify(token)

    world.pass_time(11)
    await world.verifier.verify(token)
    await world.source.asked.wait()

    assert (world.source.fetches, world.hits()) == (2, 0)


async def test_refusals_are_not_remembered(issuer: Issuer) -> None:
    world = World()
    without_role, later = issuer.token(role="nobody"), issuer.token(nbf=TIMESTAMP + 90)
    with pytest.raises(Forbidden):
        await world.verifier.verify(without_role)
    with pytest.raises(Unauthenticated):
        await world.verifier.verify(later)

    world.pass_time(30)

    await world.verifier.verify(later)
    with pytest.raises(Forbidden):
        await world.verifier.verify(without_role)
    assert world.hits() == 0


async def test_those_that_were_not_seen_for_longest_make_room(issuer: Issuer) -> None:
    world = World(memory_entries=2)
    first, second, third = (issuer.token(jti=name) for name in "abc")

    for token in (first, second, first, third, first, second):
        await world.verifier.verify(token)

    assert world.hits() == 2
    assert world.looked_up("miss") == 4


async def test_it_can_be_turned_off(issuer: Issuer) -> None:
    world = World(memory_entries=0)
    token = issuer.token()

    first, second = [await world.verifier.verify(token) for _ in range(2)]

    assert second == first
    assert second is not first
    assert world.looked_up("miss") == 0
