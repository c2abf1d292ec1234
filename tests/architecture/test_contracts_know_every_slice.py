"""import-linter holds the layers; this holds that the contracts about slices speak of the same slices."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def contract(name: str) -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return next(each for each in contracts if each["id"] == name)


def test_every_slice_has_its_inner_layers_checked() -> None:
    layers = {name.strip() for layer in contract("slices")["layers"] for name in layer.split("|")}

    assert set(contract("slice")["containers"]) == {
        f"library_domain.{name}" for name in layers - {"flows", "shared"}
    }


def test_every_package_of_the_workspace_is_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {path.parent.name for path in ROOT.glob("*/*/src/library_*/__init__.py")}

    assert set(project["tool"]["importlinter"]["root_packages"]) == packages
