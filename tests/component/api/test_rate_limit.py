"""How often one may ask (contract 2, Limits): told in headers, exact over processes, and never in the way."""

import asyncio
from collections import Counter
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from builders import user_id
from component.api.door import LIBRARY, FakeLimits, World, bearer, client_of, refusal
from component.api.process import LOOPBACK, free_port
from component.api.serving import authorization, client_at, environment, serving
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from library_adapters.redis import RateLimiter, RateLimitSettings, RedisSettings, Window, open_redis
from library_api.app import create_app
from library_devstack.standins.issuer import Issuer

LIMIT = 50
ASKED = 300


class TestHeaders:
    async def test_tell_what_is_left(self, client: httpx2.AsyncClient) -> None:
        first = await client.get(LIBRARY, headers=bearer())
        second = await client.get(f"{LIBRARY}/{uuid7()}", headers=bearer())

        names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
        assert [first.headers[name] for name in names] == ["1000", "999", "7"]
        assert second.headers["RateLimit-Remaining"] == "998"

    async def test_are_absent_when_nothing_is_counted(self, world: World) -> None:
        async with client_of(create_app(world.application(limits=FakeLimits(None)))) as client:
            response = await client.get(LIBRARY, headers=bearer())

        assert response.status_code == 200
        assert "RateLimit-Limit" not in response.headers

    async def test_say_when_to_come_back(self, world: World) -> None:
        async with client_of(create_app(world.application(limits=FakeLimits(1)))) as client:
            await client.get(LIBRARY, headers=bearer())
            response = await client.get(LIBRARY, headers=bearer())

        assert refusal(response) == (429, "RATE_LIMITED", {"limit": 1, "window_seconds": 15})
        assert response.headers["Retry-After"] == "7"
        assert response.headers["RateLimit-Remaining"] == "0"


class TestWhoIsCounted:
    async def test_each_user_alone(self, world: World) -> None:
        async with client_of(create_app(world.application(limits=FakeLimits(1)))) as client:
            statuses = [
                (await client.get(LIBRARY, headers=bearer(name))).status_code
                for name in ("alice", "bob", "alice")
            ]

        assert statuses == [200, 200, 429]

    async def test_whoever_shows_no_valid_token_by_address(self, world: World) -> None:
        limits = FakeLimits(2)
        async with client_of(create_app(world.application(limits=limits))) as client:
            statuses = [
                (await client.get("/schema")).status_code,
                (await client.get(LIBRARY)).status_code,
                (await client.get(LIBRARY, headers={"Authorization": "Bearer nobody.user"})).status_code,
                (await client.get(LIBRARY, headers=bearer())).status_code,
            ]

        assert statuses == [200, 401, 429, 200]
        assert set(limits.taken) == {"address:127.0.0.1", f"user:{user_id('alice')}"}


@pytest.mark.parametrize("rounds", [3])
async def test_is_exact_over_four_processes(
    tmp_path: Path, database: str, redis_url: str, issuer: Issuer, rounds: int
) -> None:
    environ = environment(
        database=database,
        redis_url=redis_url,
        issuer=issuer,
        LIBRARY_RATE_LIMIT__ENABLED="true",
        LIBRARY_RATE_LIMIT__BURST_LIMIT=str(LIMIT),
        LIBRARY_RATE_LIMIT__BURST_SECONDS="60",
    )
    async with serving(tmp_path, environ, processes=4) as processes:
        clients = [client_at(process) for process in processes]
        try:
            for _ in range(rounds):
                headers = authorization(issuer, uuid7())
                responses = await asyncio.gather(
                    *(clients[n % 4].get(LIBRARY, headers=headers) for n in range(ASKED))
                )

                assert Counter(each.status_code for each in responses) == {200: LIMIT, 429: ASKED - LIMIT}
        finally:
            for client in clients:
                await client.aclose()


class TestWithoutRedis:
    """It fails open: answers stay right, and soon as fast as before (reliability B7 and B8)."""

    async def answers(
        self, tmp_path: Path, environ: dict[str, str], issuer: Issuer
    ) -> tuple[list[float], str]:
        """Return how long each of thirty answers took, and the metrics afterwards."""
        seconds = []
        async with serving(tmp_path, environ) as (process,), client_at(process) as client:
            headers = authorization(issuer, user_id("alice"))
            for _ in range(30):
                before = monotonic()
                response = await client.get(LIBRARY, headers=headers)
                seconds.append(monotonic() - before)
                assert response.status_code == 200
                assert "RateLimit-Limit" not in response.headers
            metrics = (await client.get(f"{process.management_url}/metrics")).text
        return seconds, metrics

    async def test_that_refuses_connections(self, tmp_path: Path, database: str, issuer: Issuer) -> None:
        environ = environment(
            database=database,
            redis_url=f"redis://{LOOPBACK}:{free_port()}",
            issuer=issuer,
            LIBRARY_RATE_LIMIT__ENABLED="true",
            # Thirty answers of a busy machine may take longer than production leaves Redis alone.
            LIBRARY_REDIS__CIRCUIT_OPEN_SECONDS="60",
        )

        _, metrics = await self.answers(tmp_path, environ, issuer)

        assert 'library_rate_limit_decisions_total{outcome="open"} 30.0' in metrics
        assert "library_redis_circuit_open 1.0" in metrics

    async def test_that_takes_connections_and_never_answers(
        self, tmp_path: Path, database: str, issuer: Issuer
    ) -> None:
        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1024):
                pass
            writer.close()

        server = await asyncio.start_server(swallow, LOOPBACK, 0)
        port = server.sockets[0].getsockname()[1]
        environ = environment(
            database=database,
            redis_url=f"redis://{LOOPBACK}:{port}",
            issuer=issuer,
            LIBRARY_RATE_LIMIT__ENABLED="true",
        )
        try:
            seconds, metrics = await self.answers(tmp_path, environ, issuer)
        finally:
            server.close()

        assert 'outcome="open"} 30.0' in metrics
        # Five calls wait for their 0.2 s, then Redis is left alone.
        assert sum(each > 0.2 for each in seconds) <= 5


class TestLimiter:
    """The adapter against the real Redis."""

    @staticmethod
    def limiter(client: object, *windows: Window) -> RateLimiter:
        settings = RedisSettings(url=SecretStr("redis://unused"), timeout_seconds=5)
        return RateLimiter(client, settings, windows=windows, registry=CollectorRegistry())  # type: ignore[arg-type]

    async def test_the_fullest_window_is_told(self, redis_url: str) -> None:
        async with open_redis(RedisSettings(url=SecretStr(redis_url))) as client:
            limiter = self.limiter(client, Window(limit=10, seconds=60), Window(limit=3, seconds=300))

            quotas = [await limiter.take("told") for _ in range(4)]

        assert [quota and (quota.limit, quota.remaining, quota.is_admitted) for quota in quotas] == [
            (3, 2, True),
            (3, 1, True),
            (3, 0, True),
            (3, 0, False),
        ]
        assert quotas[-1] is not None
        assert 290 < quotas[-1].reset_seconds <= 300

    async def test_a_refused_request_is_charged_nowhere(self, redis_url: str) -> None:
        caller = str(uuid7())
        async with open_redis(RedisSettings(url=SecretStr(redis_url))) as client:
            short, long = Window(limit=1, seconds=60), Window(limit=5, seconds=300)
            for _ in range(20):
                await self.limiter(client, short, long).take(caller)

            left = await self.limiter(client, long).take(caller)

        assert left is not None
        assert left.remaining == 3

    async def test_what_may_come_in_bursts_counts_in_the_longest_window_alone(self, redis_url: str) -> None:
        caller = str(uuid7())
        async with open_redis(RedisSettings(url=SecretStr(redis_url))) as client:
            limiter = self.limiter(client, Window(limit=2, seconds=60), Window(limit=6, seconds=300))

            # At once, so that both kinds are in one batch.
            quotas = await asyncio.gather(
                *(limiter.take(caller, may_burst=number % 2 == 0) for number in range(6)),
                *(limiter.take(caller, may_burst=True) for _ in range(2)),
            )

        assert [quota and (quota.window_seconds, quota.is_admitted) for quota in quotas] == [
            (300, True),
            (60, True),
            (300, True),
            (60, True),
            (300, True),
            (60, False),
            (300, True),
            (300, False),
        ]

    async def test_of_one_window_bursts_count_in_that(self, redis_url: str) -> None:
        caller = str(uuid7())
        async with open_redis(RedisSettings(url=SecretStr(redis_url))) as client:
            limiter = self.limiter(client, Window(limit=3, seconds=60))

            quotas = await asyncio.gather(
                *(limiter.take(caller, may_burst=number % 2 == 0) for number in range(4))
            )

        assert [quota and quota.is_admitted for quota in quotas] == [True, True, True, False]

    @pytest.mark.parametrize("seconds", [15, 60])
    def test_a_burst_is_shorter_than_what_goes_on(self, seconds: int) -> None:
        with pytest.raises(ValueError, match="burst_seconds"):
            RateLimitSettings(burst_seconds=seconds, sustained_seconds=15)

    async def test_a_window_ends(self, redis_url: str) -> None:
        caller = str(uuid7())
        async with open_redis(RedisSettings(url=SecretStr(redis_url))) as client:
            limiter = self.limiter(client, Window(limit=1, seconds=1))
            first = await limiter.take(caller)
            refused = await limiter.take(caller)

            async def admitted() -> bool:
                quota = await limiter.take(caller)
                return quota is not None and quota.is_admitted

            async with asyncio.timeout(5):
                while not await admitted():  # noqa: ASYNC110 - the clock is Redis' own
                    await asyncio.sleep(0.05)

        assert first is not None
        assert first.is_admitted
        assert refused is not None
        assert not refused.is_admitted
