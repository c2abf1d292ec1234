"""Which language a header asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library_api.languages import OFFERED, negotiate


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "ru"),
        ("", "ru"),
        ("ru", "ru"),
        ("en", "en"),
        ("EN", "en"),
        ("en-GB", "en"),
        ("ru-RU, en;q=0.9", "ru"),
        ("en-US,en;q=0.9,ru;q=0.8", "en"),
        ("en;q=0.5, ru;q=0.7", "ru"),
        ("en; q=0.7, ru; q=0.5", "en"),
        ("en, ru", "en"),
        ("ru, en", "ru"),
        ("de, fr", "ru"),
        ("de, en;q=0.1", "en"),
        ("*", "ru"),
        ("de, *;q=0.5", "ru"),
        ("ru;q=0, *", "en"),
        ("ru;q=0", "ru"),
        ("en;q=0", "ru"),
        ("en;q=0, ru;q=0", "ru"),
        ("en;q=2", "ru"),
        ("en;q=x, ru;q=0.1", "ru"),
        ("en;level=1", "en"),
        ("en;q=0.5000", "ru"),
        ("en;q=²", "ru"),
        (";;;,,,=", "ru"),
    ],
)
def test_answers_in_the_language_that_is_preferred(header: str | None, language: str) -> None:
    assert negotiate(header) == language


def test_reads_only_so_many_preferences() -> None:
    assert negotiate(", ".join(["de"] * 32 + ["en"])) == "ru"


@given(st.text(alphabet="enru*-;q=01.9, x", max_size=80) | st.text(max_size=80))
def test_always_offers_a_language(header: str) -> None:
    assert negotiate(header) in OFFERED
