"""What every UnitOfWork promises (library_domain.shared.ports; data 9 to 12)."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from builders import NOON, event_id, game_added, game_id, grant_recorded, user_id
from contract.worlds import World
from fakes.clock import FakeClock

from library_domain.shared.access import Role
from library_domain.shared.caller import Caller, acting
from library_domain.shared.errors import (
    DependencyUnavailable,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    UserErased,
)
from library_domain.shared.ports import Answer, EventClaim, RequestClaim

ALICE = user_id("alice")
BOB = user_id("bob")
PORTAL = game_id("Portal 2")


class Failure(Exception):
    """Something goes wrong inside the block."""


def a_claim(key: str = "k-1", body: bytes = b"a", operation: str = "wishlist.add") -> RequestClaim:
    return RequestClaim(user_id=ALICE, operation=operation, key=key, request_sha256=body)


class TestBegin:
    async def test_writes_audit_and_outbox_when_the_block_ends(self, world: World) -> None:
        caller = Caller(
            actor_id=UUID(int=5), roles=frozenset({Role.SYSTEM}), ip_address="10.1.2.3", request_id="req-1"
        )

        with acting(caller):
            async with world.uow.begin(ALICE) as tx:
                tx.record(game_added(ALICE, PORTAL), grant_recorded(ALICE, PORTAL))

        audit = await world.audit()
        assert sorted(row["action"] for row in audit) == ["add_game", "record_grant"]
        assert {(row["user_id"], row["actor_id"], row["request_id"], row["revision"]) for row in audit} == {
            (ALICE, UUID(int=5), "req-1", 1)
        }
        (published,) = await world.outbox()
        assert (published["revision"], published["n"]) == (1, 0)
        assert (published["topic"], published["type"]) == ("library-events", "library.game.added")
        event = published["event"]
        assert event["event_type"] == "library.game.added"
        assert event["subject"] == str(ALICE)
        assert event["source"] == event["producer"] == "library-service"
        assert event["timestamp"] == "2026-11-23T12:00:00Z"
        assert event["sequence"] == {"revision": 1, "n": 0}
        assert event["data"]["game_id"] == str(PORTAL)
        assert event["data"]["game_name"] == "Космические рейнджеры"
        assert event["data"]["price"] == {"amount": 1999.90, "currency": "RUB"}
        assert "occurred_at" not in event["data"]

    async def test_leaves_nothing_when_the_block_raises(self, world: World) -> None:
        with pytest.raises(Failure):
            async with world.uow.begin(ALICE) as tx:
                tx.record(game_added(ALICE, PORTAL))
                raise Failure

        assert await world.audit() == []
        assert await world.outbox() == []
        assert await world.revision(ALICE) == 0

    async def test_raises_the_revision_once_however_many_events(self, world: World) -> None:
        async with world.uow.begin(ALICE) as tx:
            tx.record(game_added(ALICE, PORTAL), game_added(ALICE, game_id("Portal")))

        assert await world.revision(ALICE) == 1
        assert [(row["revision"], row["n"]) for row in await world.outbox()] == [(1, 0), (1, 1)]

    async def test_leaves_the_revision_when_nothing_was_recorded(self, world: World) -> None:
        async with world.uow.begin(ALICE):
            pass

        assert await world.revision(ALICE) == 0

    async def test_joins_the_transaction_that_is_open(self, world: World) -> None:
        with pytest.raises(Failure):
            async with world.uow.begin(ALICE):
                async with world.uow.begin(ALICE) as inner:
                    inner.record(game_added(ALICE, PORTAL))
                raise Failure

        assert await world.outbox() == []

    async def test_locks_several_users_and_numbers_events_per_user(self, world: World) -> None:
        async with world.uow.begin(ALICE, BOB) as tx:
            tx.record(game_added(ALICE, PORTAL), game_added(BOB, PORTAL))

        assert (await world.revision(ALICE), await world.revision(BOB)) == (1, 1)
        assert {(row["user_id"], row["n"]) for row in await world.outbox()} == {(ALICE, 0), (BOB, 0)}

    async def test_refuses_to_lock_against_the_order(self, world: World) -> None:
        first, second = sorted([ALICE, BOB])

        with pytest.raises(RuntimeError, match="ascending order"):
            async with world.uow.begin(second), world.uow.begin(first):
                pass

    async def test_refuses_events_of_a_user_that_it_does_not_hold(self, world: World) -> None:
        with pytest.raises(RuntimeError, match="does not hold"):
            async with world.uow.begin(ALICE) as tx:
                tx.record(game_added(BOB, PORTAL))

    async def test_refuses_to_write_for_an_erased_user(self, world: World) -> None:
        await world.erase(ALICE, NOON)

        with pytest.raises(UserErased):
            async with world.uow.begin(ALICE):
                pass

    async def test_serialises_twenty_writers_of_one_user(self, world: World) -> None:
        async def write() -> None:
            async with world.uow.begin(ALICE) as tx:
                tx.record(game_added(ALICE, PORTAL))

        await asyncio.gather(*(write() for _ in range(20)))

        assert await world.revision(ALICE) == 20
        assert [row["revision"] for row in await world.outbox()] == list(range(1, 21))

    async def test_gives_up_waiting_for_a_user_that_is_held_too_long(self, world: World) -> None:
        release = asyncio.Event()
        held = asyncio.Event()

        async def hold() -> None:
            async with world.uow.begin(ALICE):
                held.set()
                await release.wait()

        holder = asyncio.create_task(hold())
        await held.wait()
        with pytest.raises(DependencyUnavailable):
            async with world.uow.begin(ALICE):
                pass
        release.set()
        await holder


class TestOnceForAnEvent:
    claim = EventClaim(user_id=ALICE, consumer="library", event_id=event_id("purchase"))

    async def test_lets_the_first_through_and_replays_the_second(self, world: World) -> None:
        replays = []
        for _ in range(2):
            async with world.uow.once(self.claim) as once:
                replays.append(once.replay)

        assert replays == [None, Answer()]

    async def test_forgets_a_claim_that_failed(self, world: World) -> None:
        with pytest.raises(Failure):
            async with world.uow.once(self.claim):
                raise Failure

        async with world.uow.once(self.claim) as once:
            assert once.replay is None

    async def test_commits_the_use_case_with_the_claim(self, world: World) -> None:
        with pytest.raises(Failure):
            async with world.uow.once(self.claim):
                async with world.uow.begin(ALICE) as tx:
                    tx.record(game_added(ALICE, PORTAL))
                raise Failure

        assert await world.outbox() == []

    async def test_is_separate_for_each_consumer(self, world: World) -> None:
        other = EventClaim(user_id=ALICE, consumer="realtime", event_id=self.claim.event_id)
        async with world.uow.once(self.claim):
            pass

        async with world.uow.once(other) as once:
            assert once.replay is None

    async def test_lets_one_of_twenty_at_once_through(self, world: World) -> None:
        async def take() -> bool:
            async with world.uow.once(self.claim) as once:
                if once.replay is None:
                    async with world.uow.begin(ALICE) as tx:
                        tx.record(game_added(ALICE, PORTAL))
                return once.replay is None

        firsts = await asyncio.gather(*(take() for _ in range(20)))

        assert sum(firsts) == 1
        assert len(await world.outbox()) == 1


class TestOnceForARequest:
    async def test_replays_the_stored_answer_byte_for_byte(self, world: World) -> None:
        answer = Answer(status=201, body=b'{"status": "success"}', headers=(("Location", "/x"),))
        async with world.uow.once(a_claim()) as once:
            once.store(answer)

        async with world.uow.once(a_claim()) as once:
            assert once.replay == answer

    async def test_refuses_the_same_key_with_another_request(self, world: World) -> None:
        async with world.uow.once(a_claim(body=b"a")) as once:
            once.store(Answer(status=200, body=b"1"))

        with pytest.raises(IdempotencyKeyReused):
            async with world.uow.once(a_claim(body=b"b")):
                pass

    async def test_keeps_operations_apart(self, world: World) -> None:
        async with world.uow.once(a_claim(operation="wishlist.add")) as once:
            once.store(Answer(status=200, body=b"1"))

        async with world.uow.once(a_claim(operation="category.add")) as once:
            assert once.replay is None

    async def test_keeps_nothing_of_a_refusal(self, world: World) -> None:
        async with world.uow.once(a_claim()):
            pass

        async with world.uow.once(a_claim(body=b"another")) as once:
            assert once.replay is None

    async def test_counts_a_day_old_answer_as_absent(self, world: World, clock: FakeClock) -> None:
        async with world.uow.once(a_claim()) as once:
            once.store(Answer(status=200, body=b"old"))

        clock.advance(timedelta(hours=24))
        async with world.uow.once(a_claim(body=b"another")) as once:
            assert once.replay is None
            once.store(Answer(status=200, body=b"new"))

        async with world.uow.once(a_claim(body=b"another")) as once:
            assert once.replay == Answer(status=200, body=b"new")

    async def test_runs_once_of_twenty_at_once_and_replays_the_rest(self, world: World) -> None:
        async def ask(number: int) -> bytes:
            async with world.uow.once(a_claim()) as once:
                if once.replay is not None:
                    return bytes(once.replay.body)
                body = str(number).encode()
                once.store(Answer(status=200, body=body))
                return body

        answers = await asyncio.gather(*(ask(number) for number in range(20)))

        assert len(set(answers)) == 1

    async def test_says_in_progress_when_the_first_takes_too_long(self, world: World) -> None:
        release = asyncio.Event()
        held = asyncio.Event()

        async def hold() -> None:
            async with world.uow.once(a_claim()):
                held.set()
                await release.wait()

        holder = asyncio.create_task(hold())
        await held.wait()
        with pytest.raises(IdempotencyInProgress):
            async with world.uow.once(a_claim()):
                pass
        release.set()
        await holder
