"""What is refused before anything connects."""

from dataclasses import dataclass

import pytest

from library_adapters.configuration import ConfigurationInvalid, load
from library_adapters.postgres.settings import PostgresSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    postgres: PostgresSettings


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:hunter 2@h/db",
        "postgresql://u:hunter2@[::1/db",
        "hunter2",
        "host=h hunter2",
        "mysql://u:hunter2@h",
    ],
)
def test_a_dsn_that_libpq_cannot_read_is_refused_without_its_password(dsn: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        load(Settings, environ={"LIBRARY_POSTGRES__DSN": dsn})

    assert "dsn is no connection string" in str(refused.value)
    assert "hunter" not in str(refused.value)


def test_a_dsn_may_name_several_hosts() -> None:
    dsn = "postgresql://u:p%20w@one,two:5433/db?target_session_attrs=read-write"

    settings = load(Settings, environ={"LIBRARY_POSTGRES__DSN": dsn})

    assert settings.postgres.dsn.get_secret_value() == dsn
