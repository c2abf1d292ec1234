from dataclasses import dataclass
from pathlib import Path

from library_adapters.configuration import load
from library_adapters.telemetry import LogSettings, ManagementSettings, TracingSettings
from library_adapters.tokens import TokenSettings

CONFIGS = Path(__file__).parents[4] / "configs"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSettings:
    logs: LogSettings
    tracing: TracingSettings
    management: ManagementSettings
    tokens: TokenSettings


def test_the_sample_loads_and_shows_the_defaults() -> None:
    settings = load(CommonSettings, file=CONFIGS / "config.yaml", environ={})

    assert settings.logs == LogSettings()
    assert settings.tracing == TracingSettings()
    assert settings.management == ManagementSettings()
    assert settings.tokens == TokenSettings(issuer=settings.tokens.issuer, jwks_url=settings.tokens.jwks_url)
