"""The matrix and the doors name the same operations. A route without a row is refused when its door starts; a row
without a route would promise in documents and tests what nobody can call."""

import re
from pathlib import Path

from library_domain.shared.access import MATRIX, Door, Role
from library_grpc.doorkeeper import operation_of

ROOT = Path(__file__).parents[2]
ROUTED = re.compile(r'"operation": "([\w.]+)"')
CALLED = re.compile(r"^\s*rpc (\w+)\(", re.MULTILINE)


def rows(door: Door) -> set[str]:
    return {row.name for row in MATRIX.values() if row.door is door}


def test_every_rest_row_is_routed() -> None:
    sources = (ROOT / "services/api/src/library_api").rglob("*.py")

    assert {name for source in sources for name in ROUTED.findall(source.read_text())} == rows(Door.REST)


def test_every_grpc_row_is_a_method() -> None:
    protos = (ROOT / "proto/library").rglob("*.proto")
    methods = {name for proto in protos for name in CALLED.findall(proto.read_text())}

    assert {operation_of(name) for name in methods} == rows(Door.GRPC)


def test_grpc_is_for_the_platform_alone() -> None:
    assert {role for row in MATRIX.values() if row.door is Door.GRPC for role in row.roles} == {Role.SYSTEM}


def test_the_platform_does_not_come_through_the_public_door() -> None:
    private = {
        row.name for row in MATRIX.values() if row.door is Door.REST and Role.ANONYMOUS not in row.roles
    }

    assert {name for name in private if Role.SYSTEM in MATRIX[name].roles} == set()
