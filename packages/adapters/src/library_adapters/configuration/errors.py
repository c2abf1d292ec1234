"""Why a process does not start."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One bad setting: where it stands and what is wrong with it, never its value."""

    field: str
    """Dotted, as in the YAML file: `postgres.pool_size`."""
    variable: str | None
    """The environment variable of the same setting; None where there is none, as for the file itself."""
    reason: str

    def __str__(self) -> str:
        place = f"{self.field} ({self.variable})" if self.variable else self.field
        return f"{place}: {self.reason}"


class ConfigurationInvalid(Exception):
    """The settings are refused; `problems` lists every bad field. A process prints this and exits with 2."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(["The configuration is invalid.", *(f"  {problem}" for problem in self.problems)])
        )
