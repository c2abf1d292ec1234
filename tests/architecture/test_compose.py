"""compose.yaml cannot be run where there is no Docker; what it tells our processes can be read by them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from library_adapters.configuration import load
from library_api.settings import Settings as APISettings
from library_consumers.settings import ConsumeSettings, RelaySettings, TopicsSettings, WorkSettings
from library_grpc.settings import Settings as GRPCSettings
from library_sweeper.settings import Settings as SweeperSettings

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize(
    ("service", "settings_type"),
    [
        ("api", APISettings),
        ("grpc", GRPCSettings),
        ("consume", ConsumeSettings),
        ("relay", RelaySettings),
        ("work", WorkSettings),
        ("sweeper", SweeperSettings),
        ("topics", TopicsSettings),
    ],
)
def test_service_accepts_its_environment(service: str, settings_type: type[Any]) -> None:
    environment = SERVICES[service]["environment"]

    load(settings_type, environ=environment)


def test_every_image_is_pinned_or_ours() -> None:
    for service in SERVICES.values():
        name, _, tag = service["image"].partition(":")
        assert name.startswith("library-service/") or tag not in {"", "latest"}


def test_nothing_listens_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published

    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_who_is_waited_for_tells_when_it_is_healthy() -> None:
    awaited = {
        name
        for service in SERVICES.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }

    assert {name for name in awaited if "healthcheck" not in SERVICES[name]} == set()
