"""Named SQL statements, read from the `.sql` files beside this module.

A statement begins with a line `-- name: page` and a comment on what it is for; parameters are `%(name)s`.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

_NAME = re.compile(r"^-- name: ([a-z_]+)$", re.MULTILINE)


_LEADING_COMMENTS = re.compile(r"\A(?:--[^\n]*\n)+")


@cache
def statements(family: str) -> dict[str, LiteralString]:
    """Return the statements of `sql/{family}.sql` by name, as they are sent.

    The comment is for the reader; the server gets the name instead, and shows it in its activity and logs.

    Raises ValueError when a name occurs twice.
    """
    return {
        # The text ships with the package, so it is as literal as a string in the code.
        name: f"/* {family}.{name} */ {_LEADING_COMMENTS.sub('', source)}"
        for name, source in sources(family).items()
    }


@cache
def sources(family: str) -> dict[str, str]:
    """Return the statements of `sql/{family}.sql` by name, as they are written.

    Raises ValueError when a name occurs twice.
    """
    text = files("library_adapters.postgres.sql").joinpath(f"{family}.sql").read_text("utf-8")
    _, *parts = _NAME.split(text)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        msg = f"a statement of {family}.sql is named twice"
        raise ValueError(msg)
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}


def families() -> list[str]:
    """Return the names of all statement files."""
    folder = files("library_adapters.postgres.sql")
    return sorted(
        entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql")
    )
