"""The page of all settings, from the classes that declare them."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AwareDatetime, SecretStr
from pydantic.fields import FieldInfo

from library_api.settings import Settings as APISettings
from library_consumers.settings import (
    ConsumeSettings,
    OutboxSettings,
    RelaySettings,
    TopicsSettings,
    WorkSettings,
)
from library_grpc.settings import Settings as GRPCSettings
from library_sweeper.settings import Settings as SweeperSettings

PROCESSES: dict[str, type[Any]] = {
    "api": APISettings,
    "grpc": GRPCSettings,
    "consume": ConsumeSettings,
    "relay": RelaySettings,
    "work": WorkSettings,
    "outbox": OutboxSettings,
    "topics": TopicsSettings,
    "dlq": TopicsSettings,
    "sweeper": SweeperSettings,
}
HEAD = """\
# Configuration

<!-- Made by `make generate` from the settings classes; not written by hand. -->

One YAML file serves all processes: each reads its own sections and skips those of the others. `LIBRARY_CONFIG` names the
file; there is a sample in [`configs/config.yaml`](../../configs/config.yaml). The environment overrides it: a setting's
variable is `LIBRARY_`, its section, and its name, joined by `__`. An empty variable counts as absent.

A process that meets a bad, missing or unknown setting does not start: it prints every such field by name, never a
value, and exits with 2. Secrets belong into the environment, not into the file.

The migration job reads two variables and no file: `LIBRARY_POSTGRES__DSN`, and `LIBRARY_MIGRATIONS` if the migrations are
neither in the working directory nor above the package.
"""
KINDS = {
    bool: "yes or no",
    int: "integer",
    float: "number",
    str: "text",
    Path: "path",
    AwareDatetime: "date and time with its offset",
    SecretStr: "secret",
}


@dataclass(slots=True)
class Section:
    """A section of the file, and who reads it."""

    settings: type[Any]
    readers: list[str] = field(default_factory=list)


def sections() -> dict[str, Section]:
    """Return every section by its name, in alphabetical order."""
    found: dict[str, Section] = {}
    for process, settings in PROCESSES.items():
        for name, hint in get_type_hints(settings).items():
            found.setdefault(name, Section(hint)).readers.append(process)
    return dict(sorted(found.items()))


def rows(settings: type[Any], prefix: str) -> Iterator[str]:
    """Yield a table row for each setting of a section, nested ones included."""
    hints = get_type_hints(settings, include_extras=True)
    meanings = documented(settings)
    for each in fields(settings):
        name = f"{prefix}.{each.name}"
        if is_dataclass(hints[each.name]):
            yield from rows(hints[each.name], name)
            continue
        variable = "LIBRARY_" + name.replace(".", "__").upper()
        cells = (
            f"`{name}`",
            f"`{variable}`",
            kind(hints[each.name]),
            default(each),
            meanings.get(each.name, ""),
        )
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def documented(settings: type[Any]) -> dict[str, str]:
    """Return the text below each field, which Python itself does not keep; inherited fields too."""
    found: dict[str, str] = {}
    for ancestor in reversed(settings.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(ancestor))).body[0]
        if not isinstance(body, ast.ClassDef):
            continue
        for statement, below in zip(body.body, body.body[1:], strict=False):
            match statement, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str() as text)),
                ):
                    found[name] = " ".join(text.split())
    return found


def kind(hint: Any) -> str:  # noqa: ANN401 - a type hint has no type of its own
    """Say in words what a value may be."""
    if get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        return kind(base) + limits(marks)
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join(kind(each) for each in get_args(hint) if each is not NoneType)
    if get_origin(hint) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {kind(get_args(hint)[0])}"
    return KINDS.get(hint, getattr(hint, "__name__", str(hint)))


def limits(marks: list[Any]) -> str:
    """Say the bounds that a number has."""
    said = ""
    for mark in [
        inner for each in marks for inner in (each.metadata if isinstance(each, FieldInfo) else [each])
    ]:
        match mark:
            case Ge(ge=bound):
                said += f", ≥ {bound}"
            case Gt(gt=bound):
                said += f", > {bound}"
            case Le(le=bound):
                said += f", ≤ {bound}"
            case Lt(lt=bound):
                said += f", < {bound}"
    return said


def default(each: Field[Any]) -> str:
    """Say what holds when nothing is set."""
    if each.default is MISSING and each.default_factory is MISSING:
        return "**required**"
    value = each.default if each.default_factory is MISSING else each.default_factory()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None or value == () else f"`{value}`"


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for name, section in sections().items():
        parts.append(
            f"\n## `{name}`\n\nRead by {', '.join(section.readers)}.\n\n"
            "| setting | variable | value | default | meaning |\n| --- | --- | --- | --- | --- |\n"
            + "".join(f"{row}\n" for row in rows(section.settings, name))
        )
    return "".join(parts)
