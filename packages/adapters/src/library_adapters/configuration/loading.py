"""From YAML and environment to frozen dataclasses. pydantic-settings works at this border and nowhere behind it."""

import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from library_adapters.configuration.errors import ConfigurationInvalid, Problem

PREFIX = "LIBRARY_"
FILE_VARIABLE = "LIBRARY_CONFIG"
SECTIONS = frozenset(
    {
        "account",
        "catalog",
        "clock",
        "consumers",
        "grpc",
        "http",
        "kafka",
        "logs",
        "management",
        "postgres",
        "process",
        "rate_limit",
        "redis",
        "relay",
        "sweeper",
        "tokens",
        "tracing",
        "work",
    },
)
"""Every section of the one file. A deployable reads its own and skips those of the others; anything else is a typo."""

SettingsT = TypeVar("SettingsT")


def load(
    cls: type[SettingsT],
    *,
    environ: Mapping[str, str],
    file: Path | None = None,
    sections: Collection[str] = SECTIONS,
) -> SettingsT:
    """Return the settings of type `cls`: a frozen dataclass whose fields are sections, dataclasses themselves.

    A value comes from the environment (`LIBRARY_POSTGRES__DSN` for `postgres.dsn`; an empty variable counts as
    absent), else from `file` or the file named by `LIBRARY_CONFIG`, else from the dataclass.

    Raises ConfigurationInvalid with every bad, missing or unknown field.
    """
    hints = get_type_hints(cls, include_extras=True)
    if foreign := hints.keys() - set(sections):
        raise TypeError(f"{cls.__name__} declares sections that are not listed: {sorted(foreign)}")

    given = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value}
    path = file or (Path(given[FILE_VARIABLE]) if FILE_VARIABLE in given else None)
    written = _read(path) if path else {}
    variables = {_variable(leaf): leaf for leaf in _leaves(cls)}
    problems = [
        *_unknown_sections(written, sections),
        *_unknown_variables(given, variables, elsewhere=set(sections) - hints.keys()),
    ]

    border = _border(
        cls,
        hints,
        environment={name.lower(): value for name, value in given.items() if name in variables},
        written=_sections(written, hints),
    )
    try:
        checked = border()
    except ValidationError as error:
        # from None: what pydantic raised quotes values, secrets among them.
        raise ConfigurationInvalid([*problems, *_problems(error, variables)]) from None
    if problems:
        raise ConfigurationInvalid(problems)
    return cls(**{name: getattr(checked, name) for name in hints})


def _border(
    cls: type[Any],
    hints: Mapping[str, Any],
    *,
    environment: Mapping[str, str | None],
    written: dict[str, Any],
) -> type[BaseSettings]:
    """Make the one pydantic model: it exists for the length of a `load`."""

    class Border(BaseSettings):
        # Dataclasses inside take over extra="forbid", which is how a typo in a section is found.
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            variables = EnvSettingsSource(settings_cls)
            variables.env_vars = environment
            return variables, InitSettingsSource(settings_cls, written)

    defaults = {field.name: field for field in fields(cls)}
    members: dict[str, Any] = {name: (hint, defaults[name]) for name, hint in hints.items()}
    return create_model(cls.__name__, __base__=Border, **members)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        reason = "is not UTF-8"
    except yaml.MarkedYAMLError as error:
        # Without the error's own text: it quotes the line, which may hold a secret.
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = f"is not YAML{line}"
    except yaml.YAMLError:
        reason = "is not YAML"
    else:
        if document is None:
            return {}
        if isinstance(document, dict):
            return {str(key): value for key, value in document.items()}
        reason = "must hold sections"
    raise ConfigurationInvalid([Problem(field=str(path), variable=FILE_VARIABLE, reason=reason)])


def _sections(written: Mapping[str, Any], hints: Mapping[str, Any]) -> dict[str, Any]:
    """Return this deployable's sections; one that is absent or empty is made of defaults, field by field."""
    empty: dict[str, Any] = {
        name: {} for name, hint in hints.items() if is_dataclass(hint) and written.get(name) is None
    }
    return {name: value for name, value in written.items() if name in hints} | empty


def _leaves(cls: type[Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every single setting."""
    for name, hint in get_type_hints(cls).items():
        nested = _dataclass_in(hint)
        if nested is None:
            yield (*prefix, name)
        else:
            yield from _leaves(nested, (*prefix, name))


def _dataclass_in(hint: object) -> type[Any] | None:
    """Return the dataclass that the hint is or, with None, offers."""
    candidates = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return next((each for each in candidates if isinstance(each, type) and is_dataclass(each)), None)


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _unknown_sections(written: Mapping[str, Any], sections: Collection[str]) -> Iterator[Problem]:
    for name in written:
        if name not in sections:
            yield Problem(field=name, variable=None, reason="is no section")


def _unknown_variables(
    given: Mapping[str, str],
    variables: Collection[str],
    *,
    elsewhere: Collection[str],
) -> Iterator[Problem]:
    for name in given:
        section = name.removeprefix(PREFIX).partition("__")[0].lower()
        if name not in variables and name != FILE_VARIABLE and section not in elsewhere:
            field = name.removeprefix(PREFIX).replace("__", ".").lower()
            yield Problem(field=field, variable=name, reason="is no setting")


def _problems(error: ValidationError, variables: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        path = tuple(str(part) for part in each["loc"])
        variable = _variable(path)
        reason = (
            "is no setting"
            if each["type"] == "unexpected_keyword_argument"
            else each["msg"].removeprefix("Value error, ")
        )
        yield Problem(
            field=".".join(path), variable=variable if variable in variables else None, reason=reason
        )
