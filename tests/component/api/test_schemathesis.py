"""Schemathesis over the served specification, against the real process and stores (reliability D1).

A minute's worth runs here; `make fuzz` is the large run.
"""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from builders import game_id, user_id
from component.api.serving import authorization, buy, environment, serving
from figures import Report

from library_devstack.standins.issuer import Issuer

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "40")
LARGE_RUN_SECONDS = 3600


@pytest.mark.slow
@pytest.mark.timeout(LARGE_RUN_SECONDS)
async def test_nothing_is_found(
    tmp_path: Path, database: str, redis_url: str, issuer: Issuer, report: Report
) -> None:
    await buy(database, "Portal 2", "Braid", "Fez")
    token = authorization(issuer, user_id("alice"), "user", "support", ttl_seconds=LARGE_RUN_SECONDS)
    environ = environment(database=database, redis_url=redis_url, issuer=issuer)
    events = tmp_path / "events.ndjson"

    async with serving(tmp_path, environ) as (process,):
        run = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            *("--no-color", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{process.url}/schema/openapi.json"),
            *("--header", f"Authorization: {token['Authorization']}"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", EXAMPLES, "--max-response-time", "2", "--continue-on-failure"),
            *("--generation-database", "none", "--seed", "1"),
            *("--report", "ndjson", "--report-ndjson-path", str(events)),
            cwd=tmp_path,
            env=os.environ
            | {
                "PYTHONPATH": str(HERE.parents[1]),
                "SCHEMATHESIS_HOOKS": "component.api.fuzzing",
                "FUZZING_GAME": str(game_id("Portal 2")),
                "PYTHONWARNINGS": "default",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await run.communicate())[0].decode(errors="replace")
        logs = process.logs

    assert events.exists(), output
    # Told first: the figures of a run that found something are as good.
    answered = Counter(line["status"] // 100 for line in logs if "status" in line)
    checks = checks_of(events)
    report(
        f"{answered.total()} requests, {checks.total()} checks, {checks.total() - checks['success']} failed"
    )
    report(", ".join(f"{count} answers {status}xx" for status, count in sorted(answered.items())))
    assert run.returncode == 0, output
    counted = re.search(r"(\d+) generated, (\d+) passed", output)
    assert counted, output
    assert int(counted[1]) == int(counted[2]) > 1_000
    assert checks.keys() == {"success"}
    assert 5 not in answered
    assert [line for line in logs if line["level"] in {"error", "critical"}] == []


def checks_of(events: Path) -> Counter[str]:
    """Return how many checks Schemathesis made, by how they ended."""
    found: Counter[str] = Counter()
    with events.open(encoding="utf-8") as lines:
        for line in lines:
            recorded = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for checks in recorded.get("checks", {}).values():
                found.update(each["status"] for each in checks)
    return found
