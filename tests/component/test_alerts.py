"""Every metric that an alert names is exported by one of our processes, under that name and with those labels."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from component.api.process import account_away

from library_adapters.configuration import load
from library_adapters.telemetry import Management
from library_api.bootstrap import open_application as open_api
from library_api.settings import Settings as APISettings
from library_consumers.bootstrap import open_consumers, open_relay, open_worker
from library_consumers.settings import ConsumeSettings, RelaySettings, WorkSettings
from library_grpc.bootstrap import open_application as open_grpc
from library_grpc.settings import Settings as GRPCSettings
from library_sweeper.bootstrap import open_application as open_sweeper
from library_sweeper.settings import Settings as SweeperSettings

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "docs/operations/alerts.yaml").read_text())
RULES = [pytest.param(rule, id=rule["alert"]) for group in ALERTS["groups"] for rule in group["rules"]]
METRIC = re.compile(r"\blibrary_[a-z_]+")
SUFFIX = re.compile(r"_(bucket|sum|count)$")
TYPE = re.compile(r"^# TYPE (\w+) \w+$", re.MULTILINE)
ABSENT = re.compile(r'absent\((\w+)\), "process", "(\w+)"')


def everything_away(port: int) -> dict[str, str]:
    """Return settings for every process, under which nothing that they need is there."""
    return account_away() | {
        "LIBRARY_POSTGRES__DSN": f"postgresql://library@127.0.0.1:{port}/library",
        "LIBRARY_REDIS__URL": f"redis://127.0.0.1:{port}",
        "LIBRARY_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "LIBRARY_HTTP__CURSOR_KEY": "a key of thirty-two characters or more",
        "LIBRARY_TOKENS__ISSUER": f"http://127.0.0.1:{port}",
        "LIBRARY_TOKENS__JWKS_URL": f"http://127.0.0.1:{port}/jwks.json",
        "LIBRARY_CATALOG__ADDRESS": f"127.0.0.1:{port}",
        "LIBRARY_CATALOG__TOKEN_URL": f"http://127.0.0.1:{port}/token",
        "LIBRARY_CATALOG__CLIENT_ID": "library",
        "LIBRARY_CATALOG__CLIENT_SECRET": "secret",
        "LIBRARY_MANAGEMENT__PORT": "0",
    }


@pytest.fixture(scope="module")
async def exported() -> AsyncIterator[Mapping[str, str]]:
    """Give what each of our processes answers when it is scraped."""
    environ = everything_away(1)
    doors: Mapping[str, tuple[type[Any], Callable[[Any], Any]]] = {
        "api": (APISettings, open_api),
        "grpc": (GRPCSettings, open_grpc),
        "consume": (ConsumeSettings, open_consumers),
        "relay": (RelaySettings, open_relay),
        "work": (WorkSettings, open_worker),
    }
    async with AsyncExitStack() as stack, httpx2.AsyncClient(trust_env=False) as client:
        managements = {}
        for name, (settings_type, door) in doors.items():
            _, managements[name] = await stack.enter_async_context(door(load(settings_type, environ=environ)))
        settings = load(SweeperSettings, environ=environ)
        sweeper = await stack.enter_async_context(open_sweeper(settings))
        managements["sweeper"] = await stack.enter_async_context(
            Management(settings.management, sweeper.registry)
        )
        yield {
            name: (await client.get(f"http://127.0.0.1:{management.port}/metrics")).text
            for name, management in managements.items()
        }


@pytest.mark.parametrize("rule", RULES)
async def test_an_alert_names_metrics_that_there_are(
    rule: dict[str, Any], exported: Mapping[str, str]
) -> None:
    # A counter's type line bears its whole name, a histogram's not its parts.
    names = set(TYPE.findall("\n".join(exported.values())))
    asked = {SUFFIX.sub("", name) if name not in names else name for name in METRIC.findall(rule["expr"])}
    assert asked

    assert asked - names == set()


async def test_a_process_is_missed_by_what_it_alone_exports_from_its_start(
    exported: Mapping[str, str],
) -> None:
    rules = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
    gone = rules["LibraryProcessesAreGone"]
    missed = {process: metric for metric, process in ABSENT.findall(gone["expr"])}

    assert missed.keys() == exported.keys() - {"grpc"}  # which has no metric of its own
    for process, metric in missed.items():
        sample = re.compile(rf"^{metric}[ {{]", re.MULTILINE)
        assert {name for name, text in exported.items() if sample.search(text)} == {process}


@pytest.mark.parametrize("rule", RULES)
def test_an_alert_says_how_urgent_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")

    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_no_two_alerts_have_one_name() -> None:
    names = [rule.id for rule in RULES]

    assert len(names) == len(set(names))
