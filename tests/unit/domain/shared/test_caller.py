"""Who acts, in this task and in no other."""

import asyncio
from uuid import UUID

import pytest

from library_domain.shared.access import Role
from library_domain.shared.caller import NOBODY, Caller, acting, current_caller

ALICE = Caller(actor_id=UUID(int=1), roles=frozenset({Role.USER}), request_id="alice-1")
SUPPORT = Caller(actor_id=UUID(int=2), roles=frozenset({Role.SUPPORT}), request_id="support-1")


async def test_nobody_acts_until_a_door_says_who() -> None:
    assert current_caller() is NOBODY
    assert NOBODY.roles == frozenset()


async def test_a_caller_acts_within_the_block_and_no_longer() -> None:
    with acting(ALICE):
        assert current_caller() is ALICE
        with acting(SUPPORT):
            assert current_caller() is SUPPORT
        assert current_caller() is ALICE

    assert current_caller() is NOBODY


async def test_a_block_that_fails_gives_the_caller_back() -> None:
    with pytest.raises(LookupError), acting(ALICE):
        raise LookupError

    assert current_caller() is NOBODY


async def test_requests_side_by_side_do_not_see_each_others_caller() -> None:
    both_act = asyncio.Barrier(2)

    async def request(caller: Caller) -> Caller:
        with acting(caller):
            await both_act.wait()
            return current_caller()

    seen = tuple(await asyncio.gather(request(ALICE), request(SUPPORT)))

    assert seen == (ALICE, SUPPORT)


async def test_what_a_request_starts_acts_for_the_same_caller() -> None:
    async def part() -> Caller:
        return current_caller()

    with acting(ALICE):
        started = asyncio.create_task(part())

    assert await started is ALICE
