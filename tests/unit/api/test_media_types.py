"""Which form of an answer a header asks for."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library_api.media_types import CSV, JSON, OFFERS, wanted


def asked(*accept: str, opt: dict[str, Any] | None = None) -> str | None:
    offering = {OFFERS: (JSON, CSV)} if opt is None else opt
    scope: Any = {
        "route_handler": SimpleNamespace(opt=offering),
        "headers": [(b"accept", each.encode()) for each in accept],
    }
    return wanted(scope)


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("text/csv;charset=utf-8", CSV),
        ("text/csv;charset=utf-8;q=0.5, application/json;q=0.4", CSV),
        ("text/csv;q=0.5, application/json", JSON),
        ("text/csv, application/json", JSON),
        ("text/csv, */*;q=0.1", CSV),
        ("text/*", CSV),
        ("application/json;q=0, */*", CSV),
        ("text/csv;q=0", JSON),
        ("text/csv;q=inf", JSON),
        ("text/html", JSON),
        (";;;,,,=", JSON),
    ],
)
def test_answers_in_the_form_that_is_preferred(header: str, form: str) -> None:
    assert asked(header) == form


def test_reads_all_headers_as_one() -> None:
    assert asked("application/json;q=0.1", "text/csv") == CSV


def test_where_there_is_one_form_there_is_no_choice() -> None:
    assert asked("text/csv", opt={}) is None


@given(
    st.text(alphabet="textcsvjon/*;q=01.9, ", max_size=80)
    | st.text(st.characters(codec="utf-8"), max_size=80)
)
def test_always_answers_in_some_form(header: str) -> None:
    assert asked(header) in {JSON, CSV}
