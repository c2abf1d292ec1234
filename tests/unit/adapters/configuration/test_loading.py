from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from library_adapters.configuration import URL, ConfigurationInvalid, Port, Secret, load


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    dsn: Secret
    pool_size: Annotated[int, Field(ge=1, le=100)] = 10
    mode: Literal["fast", "safe"] = "safe"

    def __post_init__(self) -> None:
        if self.mode == "fast" and self.pool_size > 50:
            raise ValueError("fast mode takes at most 50 connections")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    port: Port = 8080
    public_url: URL | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSettings:
    postgres: StoreSettings
    http: DoorSettings
    tracing: DoorSettings | None = None


DSN = {"LIBRARY_POSTGRES__DSN": "postgresql://library:hunter2@db/library"}


def write(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(environ: dict[str, str], file: Path | None = None) -> list[str]:
    """Return the problems that loading meets, one line each."""
    with pytest.raises(ConfigurationInvalid) as refused:
        load(ExampleSettings, environ=environ, file=file)
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).count("\n") == len(refused.value.problems)
    return [str(problem) for problem in refused.value.problems]


def test_the_environment_overrides_the_file_which_overrides_the_default(tmp_path: Path) -> None:
    file = write(tmp_path, "postgres: {dsn: from-file, pool_size: 20, mode: fast}")

    settings = load(ExampleSettings, file=file, environ={"LIBRARY_POSTGRES__POOL_SIZE": "30"})

    assert settings.postgres.dsn.get_secret_value() == "from-file"
    assert settings.postgres.pool_size == 30
    assert settings.postgres.mode == "fast"
    assert settings.http == DoorSettings()


def test_what_comes_out_is_the_plain_frozen_dataclass() -> None:
    settings = load(ExampleSettings, environ=DSN)

    assert type(settings) is ExampleSettings
    assert type(settings.postgres) is StoreSettings
    with pytest.raises(FrozenInstanceError):
        settings.http = DoorSettings()  # type: ignore[misc]


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = write(tmp_path, "http: {port: 1234}")

    settings = load(ExampleSettings, environ={**DSN, "LIBRARY_CONFIG": str(file)})

    assert settings.http.port == 1234


def test_no_repr_shows_a_secret() -> None:
    settings = load(ExampleSettings, environ=DSN)

    assert "hunter2" not in repr(settings)
    assert "hunter2" in settings.postgres.dsn.get_secret_value()


def test_a_section_that_may_be_absent_is_read_when_it_is_there() -> None:
    assert load(ExampleSettings, environ=DSN).tracing is None
    assert load(ExampleSettings, environ={**DSN, "LIBRARY_TRACING__PORT": "1"}).tracing == DoorSettings(
        port=1
    )


def test_an_empty_section_is_made_of_defaults(tmp_path: Path) -> None:
    assert load(ExampleSettings, environ=DSN, file=write(tmp_path, "http:\n")).http == DoorSettings()


def test_an_empty_variable_counts_as_absent() -> None:
    assert load(ExampleSettings, environ={**DSN, "LIBRARY_HTTP__PUBLIC_URL": ""}).http.public_url is None


def test_sections_and_variables_of_other_deployables_are_skipped(tmp_path: Path) -> None:
    file = write(tmp_path, "sweeper: {anything: 1}")

    settings = load(
        ExampleSettings, file=file, environ={**DSN, "LIBRARY_KAFKA__BOOTSTRAP_SERVERS": "x", "PATH": "y"}
    )

    assert settings.http == DoorSettings()


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "postgres.dsn (LIBRARY_POSTGRES__DSN): Field required"),
        (
            {**DSN, "LIBRARY_POSTGRES__POOL_SIZE": "101"},
            "postgres.pool_size (LIBRARY_POSTGRES__POOL_SIZE): Input should be less than or equal to 100",
        ),
        (
            {**DSN, "LIBRARY_POSTGRES__POOL_SIZE": "hunter2"},
            (
                "postgres.pool_size (LIBRARY_POSTGRES__POOL_SIZE): "
                "Input should be a valid integer, unable to parse string as an integer"
            ),
        ),
        (
            {**DSN, "LIBRARY_POSTGRES__MODE": "hunter2"},
            "postgres.mode (LIBRARY_POSTGRES__MODE): Input should be 'fast' or 'safe'",
        ),
        (
            {**DSN, "LIBRARY_POSTGRES__MODE": "fast", "LIBRARY_POSTGRES__POOL_SIZE": "51"},
            "postgres: fast mode takes at most 50 connections",
        ),
        (
            {**DSN, "LIBRARY_HTTP__PORT": "65536"},
            "http.port (LIBRARY_HTTP__PORT): Input should be less than or equal to 65535",
        ),
        ({**DSN, "LIBRARY_HTTP__PROT": "1"}, "http.prot (LIBRARY_HTTP__PROT): is no setting"),
        ({**DSN, "LIBRARY_HTTTP__PORT": "1"}, "htttp.port (LIBRARY_HTTTP__PORT): is no setting"),
        ({**DSN, "LIBRARY_HTTP": '{"port": 1}'}, "http (LIBRARY_HTTP): is no setting"),
        ({**DSN, "LIBRARY_POOL_SIZE": "hunter2"}, "pool_size (LIBRARY_POOL_SIZE): is no setting"),
    ],
)
def test_a_bad_variable_is_named(environ: dict[str, str], problem: str) -> None:
    assert refusal(environ) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("htttp: {port: 1}", "htttp: is no section"),
        ("http: {prot: 1}", "http.prot: is no setting"),
        (
            "http: {port: many}",
            "http.port (LIBRARY_HTTP__PORT): Input should be a valid integer, unable to parse string as an integer",
        ),
        (
            "http: {public_url: 'ftp://x'}",
            "http.public_url (LIBRARY_HTTP__PUBLIC_URL): String should match pattern '^https?://[^\\s/]+\\S*$'",
        ),
        ("http: [1]", "http: Input should be a dictionary or an instance of DoorSettings"),
    ],
)
def test_a_bad_line_of_the_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    assert refusal(DSN, write(tmp_path, text)) == [problem]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: b: hunter2", "is not YAML at line 1"),
        ("http:\n  port: 1\n hunter2: [", "is not YAML at line 3"),
        ("- hunter2", "must hold sections"),
        ("hunter2", "must hold sections"),
        ("\x00", "is not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, text: str, reason: str) -> None:
    file = write(tmp_path, text)

    assert refusal(DSN, file) == [f"{file} (LIBRARY_CONFIG): {reason}"]


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(b"\xff\xfe\xfa")

    assert refusal(DSN, file) == [f"{file} (LIBRARY_CONFIG): is not UTF-8"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "missing.yaml"

    assert refusal(DSN, file) == [f"{file} (LIBRARY_CONFIG): cannot be read: No such file or directory"]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, "postgres: {pool_size: 0}\nrelays: {}")

    assert len(refusal({"LIBRARY_HTTP__PORT": "x", "LIBRARY_NONSENSE": "1"}, file)) == 5


def test_the_machines_own_environment_has_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBRARY_HTTP__PORT", "1")

    assert load(ExampleSettings, environ=DSN).http.port == 8080


def test_a_section_that_is_not_listed_is_a_bug() -> None:
    with pytest.raises(TypeError, match="postgres"):
        load(ExampleSettings, environ=DSN, sections={"http", "tracing"})
