"""Idempotency-Key (contract 2; data 10 and 11; reliability G5 and G6)."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import psycopg
import pytest
from builders import a_game, game_id, user_id
from component.api.door import LIBRARY, World, bearer, data, refusal
from component.api.raw import Connection
from component.api.serving import authorization, buy, client_at, environment, serving
from figures import Report
from uuid_utils.compat import uuid7

from library_devstack.standins.issuer import Issuer
from library_domain.shared.errors import DependencyUnavailable

CATEGORIES = f"{LIBRARY}/categories"
FILING = f"{LIBRARY}/games/{game_id('Portal 2')}/categories"


@pytest.fixture(autouse=True)
def a_library(world: World) -> None:
    for user in ("alice", "bob"):
        world.own(a_game("Portal 2"), by=user)


async def create(
    client: httpx2.AsyncClient, key: str = "key-1", name: str = "RPG", *, by: str = "alice"
) -> httpx2.Response:
    return await client.post(CATEGORIES, json={"name": name}, headers=bearer(by) | {"Idempotency-Key": key})


class TestReplay:
    async def test_is_the_first_answer_byte_for_byte(self, client: httpx2.AsyncClient) -> None:
        first = await create(client)
        second = await create(client)

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert first.headers["Location"] == second.headers["Location"]
        assert "Idempotent-Replayed" not in first.headers
        assert second.headers["Idempotent-Replayed"] == "true"

    async def test_has_an_id_of_its_own(self, client: httpx2.AsyncClient) -> None:
        first, second = await create(client), await create(client)

        assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]

    async def test_calls_nothing(self, world: World, client: httpx2.AsyncClient) -> None:
        await create(client)
        await create(client)

        assert world.create_category.calls == 1
        assert len(data(await client.get(CATEGORIES, headers=bearer()))["items"]) == 1

    @pytest.mark.parametrize("body", ['{"name":"RPG"}', '{ "name" : "R\\u0050G" }', '{"name":"RPG"}\n'])
    async def test_does_not_mind_how_the_same_json_is_written(
        self, client: httpx2.AsyncClient, body: str
    ) -> None:
        await create(client)

        headers = bearer() | {"Idempotency-Key": "key-1", "Content-Type": "application/json"}
        response = await client.post(CATEGORIES, content=body, headers=headers)

        assert response.headers["Idempotent-Replayed"] == "true"

    async def test_without_a_key_each_is_its_own(self, client: httpx2.AsyncClient) -> None:
        await client.post(CATEGORIES, json={"name": "RPG"}, headers=bearer())

        response = await client.post(CATEGORIES, json={"name": "RPG"}, headers=bearer())

        assert refusal(response)[:2] == (409, "CATEGORY_EXISTS")


class TestKey:
    async def test_of_another_request_is_refused(self, client: httpx2.AsyncClient) -> None:
        await create(client)

        assert refusal(await create(client, name="MMO")) == (422, "IDEMPOTENCY_KEY_REUSED", {})

    async def test_of_another_user_is_another(self, client: httpx2.AsyncClient) -> None:
        await create(client)

        response = await create(client, by="bob")

        assert response.status_code == 201
        assert "Idempotent-Replayed" not in response.headers

    async def test_of_another_operation_is_another(self, client: httpx2.AsyncClient) -> None:
        await create(client)

        headers = bearer() | {"Idempotency-Key": "key-1"}
        response = await client.post(FILING, json={"category_name": "RPG"}, headers=headers)

        assert data(response)["categories"] == ["RPG"]

    async def test_of_another_game_is_refused(self, client: httpx2.AsyncClient) -> None:
        headers = bearer() | {"Idempotency-Key": "key-1"}
        await client.post(FILING, json={"category_name": "RPG"}, headers=headers)

        other = f"{LIBRARY}/games/{game_id('Braid')}/categories"
        response = await client.post(other, json={"category_name": "RPG"}, headers=headers)

        assert refusal(response)[:2] == (422, "IDEMPOTENCY_KEY_REUSED")

    @pytest.mark.parametrize("key", ["a", "~", "a b", "x" * 255, "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}"])
    async def test_of_printable_characters_is_taken(self, client: httpx2.AsyncClient, key: str) -> None:
        assert (await create(client, key)).status_code == 201

    @pytest.mark.parametrize("key", [b"", b"x" * 256, b"a\tb", b"a\x7f", "ключ".encode(), b"\x01"])
    async def test_of_anything_else_is_refused(self, client: httpx2.AsyncClient, key: bytes) -> None:
        headers = [(b"Authorization", bearer()["Authorization"].encode()), (b"Idempotency-Key", key)]

        response = await client.post(CATEGORIES, json={"name": "RPG"}, headers=headers)

        assert refusal(response)[:2] == (400, "VALIDATION_ERROR")
        assert refusal(response)[2]["field"] == "Idempotency-Key"

    async def test_two_are_refused(self, client: httpx2.AsyncClient) -> None:
        headers = [*bearer().items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

        response = await client.post(CATEGORIES, json={"name": "RPG"}, headers=headers)

        assert refusal(response)[2]["field"] == "Idempotency-Key"


class TestRefusalsAreNotKept:
    async def test_a_refused_input_leaves_the_key_free(self, client: httpx2.AsyncClient) -> None:
        refused = await create(client, name="???")
        taken = await create(client, name="RPG")

        assert refusal(refused)[:2] == (400, "INVALID_CATEGORY")
        assert taken.status_code == 201

    async def test_neither_does_a_failure(self, world: World, client: httpx2.AsyncClient) -> None:
        world.create_category.raises = DependencyUnavailable("postgres")
        failed = await create(client)
        world.create_category.raises = None

        again = await create(client)

        assert (failed.status_code, again.status_code) == (503, 201)
        assert "Idempotent-Replayed" not in again.headers

    async def test_nor_what_was_done_before_the_failure(
        self, world: World, client: httpx2.AsyncClient
    ) -> None:
        headers = bearer() | {"Idempotency-Key": "key-1"}
        absent = f"{LIBRARY}/games/{game_id('No such game')}/categories"

        refused = await client.post(absent, json={"category_name": "RPG"}, headers=headers)

        assert refusal(refused)[:2] == (404, "GAME_NOT_FOUND")
        assert world.store.answers == {}
        assert data(await client.get(CATEGORIES, headers=bearer()))["items"] == []


ROUNDS, AT_ONCE = 200, 50


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_fifty_at_once_have_one_effect(
    tmp_path: Path, database: str, redis_url: str, issuer: Issuer, *, report: Report
) -> None:
    """G5: over two processes, so that neither memory alone decides."""
    ended: Counter[str] = Counter()
    body = b'{"name":"RPG"}'
    environ = environment(database=database, redis_url=redis_url, issuer=issuer)
    async with serving(tmp_path, environ, processes=2) as processes, AsyncExitStack() as stack:
        urls = [httpx2.URL(process.url) for process in processes]
        connections = [
            await stack.enter_async_context(Connection(urls[n % 2].host, urls[n % 2].port or 0))
            for n in range(AT_ONCE)
        ]
        for number in range(ROUNDS):
            headers = authorization(issuer, user_id(f"user {number}")) | {
                "Host": "library",
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Idempotency-Key": str(uuid7()),
            }
            lines = [
                f"POST {CATEGORIES} HTTP/1.1",
                *(f"{name}: {value}" for name, value in headers.items()),
            ]
            request = [line.encode() for line in lines]

            answers = await asyncio.gather(*(each.ask(*request, body=body) for each in connections))

            statuses = Counter(each.status for each in answers)
            assert statuses.keys() <= {201, 409}
            assert all(
                refusal(each.response)[1] == "IDEMPOTENCY_IN_PROGRESS"
                for each in answers
                if each.status == 409
            )
            made = [each for each in answers if each.status == 201]
            assert len({each.body for each in made}) == 1
            assert sum("idempotent-replayed" not in each.headers for each in made) == 1
            ended += Counter(done=1, replayed=len(made) - 1, refused=statuses[409])

    async with await psycopg.AsyncConnection.connect(database) as connection:
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM user_game_categories), (SELECT count(*) FROM idempotency_keys)"
        )
        assert await cursor.fetchone() == (ROUNDS, ROUNDS)
    report(f"{ROUNDS} rounds of {AT_ONCE}: " + ", ".join(f"{count} {name}" for name, count in ended.items()))


async def test_a_key_is_the_users_the_operations_and_the_requests(
    tmp_path: Path, database: str, redis_url: str, issuer: Issuer
) -> None:
    """G6, over real stores: what is stored under a key is found again by nothing else."""
    for name in ("alice", "bob"):
        await buy(database, "Portal 2", by=name)
    environ = environment(database=database, redis_url=redis_url, issuer=issuer)
    async with serving(tmp_path, environ) as (process,), client_at(process) as client:
        alice, bob = (
            authorization(issuer, user_id(name)) | {"Idempotency-Key": "key"} for name in ("alice", "bob")
        )
        first = await client.post(CATEGORIES, json={"name": "RPG"}, headers=alice)
        same = await client.post(CATEGORIES, json={"name": "RPG"}, headers=alice)
        other_payload = await client.post(CATEGORIES, json={"name": "MMO"}, headers=alice)
        other_user = await client.post(CATEGORIES, json={"name": "MMO"}, headers=bob)
        other_operation = await client.post(FILING, json={"category_name": "RPG"}, headers=alice)
        malformed = [
            await client.post(CATEGORIES, json={"name": "RPG"}, headers=alice | {"Idempotency-Key": key})
            for key in ("", "x" * 256, "a\tb")
        ]

    assert (same.status_code, same.content) == (first.status_code, first.content)
    assert same.headers["Idempotent-Replayed"] == "true"
    assert refusal(other_payload) == (422, "IDEMPOTENCY_KEY_REUSED", {})
    assert data(other_user, 201)["name"] == "MMO"
    assert data(other_operation)["categories"] == ["RPG"]
    for each in malformed:
        assert refusal(each)[:2] == (400, "VALIDATION_ERROR")
        assert refusal(each)[2]["field"] == "Idempotency-Key"
