"""What the API is told, and how it refuses."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from library_adapters.configuration import ConfigurationInvalid, load
from library_api.settings import Settings

ENOUGH = {
    "LIBRARY_POSTGRES__DSN": "postgresql://library@localhost/library",
    "LIBRARY_REDIS__URL": "redis://localhost",
    "LIBRARY_HTTP__CURSOR_KEY": "a key of thirty-two characters or more",
    "LIBRARY_ACCOUNT__ADDRESS": "account:50051",
    "LIBRARY_ACCOUNT__TOKEN_URL": "https://issuer.test/token",
    "LIBRARY_ACCOUNT__CLIENT_ID": "library",
    "LIBRARY_ACCOUNT__CLIENT_SECRET": "secret",
    "LIBRARY_TOKENS__ISSUER": "https://issuer.test",
    "LIBRARY_TOKENS__JWKS_URL": "https://issuer.test/jwks.json",
}


def test_needs_stores_a_key_and_an_issuer() -> None:
    settings = load(Settings, environ=ENOUGH)

    assert (str(settings.http.host), settings.http.port, settings.http.trusted_proxies) == (
        "127.0.0.1",
        8080,
        (),
    )


def test_takes_trusted_proxies_divided_by_commas() -> None:
    environ = ENOUGH | {"LIBRARY_HTTP__TRUSTED_PROXIES": "10.0.0.0/8, ::1/128"}

    settings = load(Settings, environ=environ)

    assert settings.http.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))


def test_takes_trusted_proxies_as_a_list_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "library.yaml"
    file.write_text("http:\n  trusted_proxies: [10.0.0.0/8]\n", encoding="utf-8")

    settings = load(Settings, environ=ENOUGH, file=file)

    assert settings.http.trusted_proxies == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("variable", "value", "field"),
    [
        ("LIBRARY_HTTP__CURSOR_KEY", "too short", "http.cursor_key"),
        ("LIBRARY_HTTP__PORT", "0", "http.port"),
        ("LIBRARY_HTTP__PORT", "eighty", "http.port"),
        ("LIBRARY_HTTP__HOST", "localhost", "http.host"),
        ("LIBRARY_HTTP__HEADER_TIMEOUT_SECONDS", "0", "http.header_timeout_seconds"),
        ("LIBRARY_HTTP__BACKPRESSURE", "-1", "http.backpressure"),
        ("LIBRARY_HTTP__TRUSTED_PROXIES", "10.0.0.1/8", "http.trusted_proxies"),
        ("LIBRARY_HTTP__PROT", "8080", "http.prot"),
    ],
)
def test_refuses_a_bad_value_by_the_name_of_its_field(variable: str, value: str, field: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refusal:
        load(Settings, environ=ENOUGH | {variable: value})

    assert any(problem.field.startswith(field) for problem in refusal.value.problems)
