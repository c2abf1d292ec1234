"""How `.sql` files become statements: names, fragments and choices."""

import pytest

from library_adapters.postgres.statements import variants


def test_a_statement_is_what_follows_its_name() -> None:
    assert variants("-- The file.\n\n-- name: one\nSELECT 1\n\n-- name: two\n-- Two.\nSELECT 2\n") == {
        "one": "SELECT 1",
        "two": "-- Two.\nSELECT 2",
    }


def test_a_fragment_stands_where_it_is_named_and_may_name_another() -> None:
    text = (
        "-- fragment: live\n-- Not taken away.\nNOT gone\n\n-- fragment: mine\nuser_id = 1 AND {live}\n\n"
        "-- name: all\nSELECT 1 WHERE {mine}\n"
    )

    assert variants(text) == {"all": "SELECT 1 WHERE user_id = 1 AND NOT gone"}


def test_choices_make_a_statement_of_each_combination() -> None:
    text = (
        "-- name: page\n-- where {key} is name, price\n-- where {direction} {beyond} is ASC >, DESC <\n"
        "SELECT WHERE {key} {beyond} 1 ORDER BY {key} {direction}\n"
    )

    made = {name: statement.splitlines()[-1] for name, statement in variants(text).items()}

    assert made == {
        "page.name.ASC": "SELECT WHERE name > 1 ORDER BY name ASC",
        "page.name.DESC": "SELECT WHERE name < 1 ORDER BY name DESC",
        "page.price.ASC": "SELECT WHERE price > 1 ORDER BY price ASC",
        "page.price.DESC": "SELECT WHERE price < 1 ORDER BY price DESC",
    }


def test_an_empty_array_is_no_place() -> None:
    assert variants("-- name: one\nSELECT '{}'\n") == {"one": "SELECT '{}'"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n", ValueError),
        ("-- name: one\nSELECT 1\n-- fragment: one\nSELECT 2\n", ValueError),
        ("-- name: one\nSELECT {missing}\n", KeyError),
        ("-- name: one\n-- where {a} {b} is 1 2, 3\nSELECT {a} {b}\n", ValueError),
    ],
)
def test_a_mistake_is_noticed(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        variants(text)
