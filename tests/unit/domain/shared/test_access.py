"""The whole matrix, written out a second time by hand: a change of it is a change here (spec 10.2, contract 3)."""

from itertools import combinations, product

import pytest

from library_domain.shared.access import MATRIX, Role, authorize, is_allowed
from library_domain.shared.errors import Forbidden

PEOPLE = "user developer publisher moderator support admin"
EVERYBODY = f"anonymous {PEOPLE} system"

ALLOWED = {
    "schema.read": EVERYBODY,
    "library.list": PEOPLE,
    "library.item": PEOPLE,
    "library.edit": PEOPLE,
    "library.access": PEOPLE,
    "library.file": PEOPLE,
    "library.unfile": PEOPLE,
    "categories.list": PEOPLE,
    "categories.create": PEOPLE,
    "categories.edit": PEOPLE,
    "categories.delete": PEOPLE,
    "collections.list": PEOPLE,
    "playtime.start": PEOPLE,
    "playtime.heartbeat": PEOPLE,
    "playtime.end": PEOPLE,
    "playtime.sessions": PEOPLE,
    "playtime.stats": PEOPLE,
    "playtime.report": PEOPLE,
    "users.library": "support admin",
    "users.playtime": "support admin",
    "grpc.get_library": "system",
    "grpc.batch_check_game_access": "system",
    "grpc.check_game_access": "system",
    "grpc.check_game_ownership": "system",
    "grpc.get_playtime_stats": "system",
    "grpc.get_playtime_statistics": "system",
    "grpc.start_game_session": "system",
    "grpc.end_game_session": "system",
}


def test_the_table_below_names_every_operation_and_every_role() -> None:
    assert set(ALLOWED) == set(MATRIX)
    assert set(EVERYBODY.split()) == set(Role)


@pytest.mark.parametrize(("operation", "role"), list(product(MATRIX, Role)))
def test_each_role_may_do_what_the_table_says(operation: str, role: Role) -> None:
    allowed = role in ALLOWED[operation].split()

    assert is_allowed(operation, [role]) is allowed
    if allowed:
        authorize(operation, [role])
    else:
        with pytest.raises(Forbidden) as refused:
            authorize(operation, [role])
        assert refused.value.details == {"operation": operation}


@pytest.mark.parametrize("operation", MATRIX)
def test_several_roles_may_do_what_one_of_them_may(operation: str) -> None:
    for pair in combinations(Role, 2):
        assert is_allowed(operation, pair) == any(is_allowed(operation, [role]) for role in pair)


@pytest.mark.parametrize("operation", MATRIX)
def test_nobody_without_a_role_may_do_anything(operation: str) -> None:
    assert not is_allowed(operation, [])


def test_an_operation_without_a_row_is_a_bug_not_a_refusal() -> None:
    with pytest.raises(KeyError, match=r"library\.burn"):
        is_allowed("library.burn", Role)


def test_every_row_is_found_under_its_own_name() -> None:
    assert {name: row.name for name, row in MATRIX.items()} == {name: name for name in MATRIX}
