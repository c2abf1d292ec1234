"""`kill -9` of sweepers in the middle of their work, two at a time (reliability A5)."""

import asyncio
import random
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chaos.ledger import keep_evidence
from e2e.house import House, open_house
from figures import Report
from waiting import until

from library_devstack.stack.process import minimal_environment

KILLS = 20
PLAYERS = 3_000
CLAIMS = 20_000

# Each player had one game by a subscription that ran out yesterday; nobody has noticed yet.
PAST = """
INSERT INTO user_revisions (user_id, revision, changed_at)
SELECT md5('player ' || n)::uuid, 1, now() - interval '30 days' FROM generate_series(1, {players}) AS n;

INSERT INTO user_libraries (user_id, game_id, product_type, acquisition_type, acquisition_date, access_expires_at,
                            shown_until, revision)
SELECT md5('player ' || n)::uuid, md5('game')::uuid, 'game', 'subscription', now() - interval '30 days',
       now() - interval '1 day', now() - interval '1 day', 1
  FROM generate_series(1, {players}) AS n;

INSERT INTO library_grants (user_id, game_id, acquisition_type, source_id, granted_at, expires_at, event_time, revision)
SELECT md5('player ' || n)::uuid, md5('game')::uuid, 'subscription', 'plus', now() - interval '30 days',
       now() - interval '1 day', now() - interval '30 days', 1
  FROM generate_series(1, {players}) AS n;

INSERT INTO inbox (user_id, consumer, event_id, at)
SELECT md5('player ' || n)::uuid, 'library', gen_random_uuid(), now() - interval '60 days'
  FROM generate_series(1, {claims}) AS n;
"""
OUTCOME = """
SELECT (SELECT count(*) FROM user_libraries WHERE revoke_reason = 'expired') AS withdrawn,
       (SELECT count(*) FROM user_libraries WHERE revoked_at IS NULL) AS left_over,
       (SELECT count(*) FROM evidence.outbox) AS announced,
       (SELECT count(DISTINCT user_id) FROM evidence.outbox) AS told,
       (SELECT count(*) FROM library_audit_log WHERE action = 'revoke_access') AS audited,
       (SELECT count(*) FROM user_revisions WHERE revision = 2) AS moved_once,
       (SELECT count(*) FROM inbox) AS old_claims
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, deployables=()) as house:
        await house.start("postgres")
        await house.migrate()
        await keep_evidence(house)
        yield house


async def a_sweeper(house: House) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "library_sweeper"),
        env=minimal_environment(**house.stack.env(), LIBRARY_SWEEPER__BATCH="50"),
        stdout=DEVNULL,
        stderr=DEVNULL,
    )


async def done(house: House) -> int:
    (row,) = await house.rows(OUTCOME)
    return int(row["withdrawn"] + CLAIMS - row["old_claims"])


async def test_twenty_kills_of_sweepers_do_everything_once(house: House, report: Report) -> None:
    for statement in PAST.format(players=PLAYERS, claims=CLAIMS).split(";"):
        if statement.strip():
            await house.rows(statement)
    chance, killed_at_work = random.Random(5), 0
    sweepers = [await a_sweeper(house), await a_sweeper(house)]
    for number in range(KILLS):
        victim, goal = sweepers[number % 2], await done(house) + chance.randint(1, 150)

        async def busy_or_gone(victim: Process = victim, goal: int = goal) -> bool:
            return victim.returncode is not None or await done(house) >= goal

        await until(busy_or_gone, within=60, what="a sweeper at work")
        if victim.returncode is None:
            killed_at_work += 1
            victim.kill()
        await victim.wait()
        sweepers[number % 2] = await a_sweeper(house)
    codes = [await sweeper.wait() for sweeper in sweepers]
    code, _ = await house.run("library_sweeper")

    (outcome,) = await house.rows(OUTCOME)
    report(
        f"{killed_at_work} kill -9 of sweepers, two at a time: {outcome['withdrawn']} of {PLAYERS} rights withdrawn, "
        f"each announced, audited and counted once; {outcome['old_claims']} of {CLAIMS} old claims left"
    )
    assert codes == [0, 0]
    assert code == 0
    assert killed_at_work >= KILLS // 2
    assert dict(outcome) == {
        "withdrawn": PLAYERS,
        "left_over": 0,
        "announced": PLAYERS,
        "told": PLAYERS,
        "audited": PLAYERS,
        "moved_once": PLAYERS,
        "old_claims": 0,
    }
    assert await house.run("library_sweeper", "verify") == (
        0,
        (await house.run("library_sweeper", "verify"))[1],
    )
