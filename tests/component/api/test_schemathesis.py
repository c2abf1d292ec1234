"""Schemathesis over the served specification, against the real process and stores (reliability D1).

A minute's worth runs here; `make fuzz` is the large run.
"""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from builders import game_id, user_id
from component.api.serving import authorization, buy, environment, serving

from library_devstack.standins.issuer import Issuer

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "40")
LARGE_RUN_SECONDS = 3600


@pytest.mark.slow
@pytest.mark.timeout(LARGE_RUN_SECONDS)
async def test_nothing_is_found(tmp_path: Path, database: str, redis_url: str, issuer: Issuer) -> None:
    await buy(database, "Portal 2", "Braid", "Fez")
    token = authorization(issuer, user_id("alice"), "user", "support", ttl_seconds=LARGE_RUN_SECONDS)
    environ = environment(database=database, redis_url=redis_url, issuer=issuer)

    async with serving(tmp_path, environ) as (process,):
        run = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            *("--no-color", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{process.url}/schema/openapi.json"),
            *("--header", f"Authorization: {token['Authorization']}"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", EXAMPLES, "--max-response-time", "2", "--continue-on-failure"),
            *("--generation-database", "none", "--seed", "1"),
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

        assert run.returncode == 0, output
        assert (counted := re.search(r"(\d+) generated, (\d+) passed", output)), output
        assert int(counted[1]) == int(counted[2]) > 1_000
        assert [line for line in process.logs if line["level"] in {"error", "critical"}] == []
        assert [line for line in process.logs if line.get("status", 200) >= 500] == []
