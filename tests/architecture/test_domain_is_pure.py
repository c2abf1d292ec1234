"""The domain stands on a short list of the standard library. import-linter forbids what is known to be wrong;
this list allows what is known to be right, so that a new driver, framework or piece of process state is noticed."""

import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "collections",
    "contextlib",
    "contextvars",  # who acts, per task: the only state, set by doors
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "re",
    "typing",
    "unicodedata",
    "uuid",
}


def test_domain_imports_only_allowed_modules_of_the_standard_library() -> None:
    graph = grimp.build_graph("library_domain", include_external_packages=True, cache_dir=None)

    imported = {
        (module, target)
        for module in graph.modules
        if module.startswith("library_domain")
        for target in graph.find_modules_directly_imported_by(module)
        if not target.startswith("library_domain")
    }

    assert {
        (module, target) for module, target in imported if target.partition(".")[0] not in ALLOWED
    } == set()


def test_domain_package_declares_no_dependency() -> None:
    project = tomllib.loads((ROOT / "packages/domain/pyproject.toml").read_text())["project"]

    assert project["dependencies"] == []
    assert "optional-dependencies" not in project
