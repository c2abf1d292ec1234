"""The key that names are sorted and searched by (data 16)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library_domain.shared.text import sort_name


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Portal 2", "portal 2"),
        ("  Half-Life \t 2\n", "half-life 2"),
        ("ЁЛКИ", "елки"),
        ("Е\u0308лки", "елки"),  # the same letter in two code points
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("ﬁne", "fine"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Ⅳ", "iv"),
        ("Pokémon", "pokémon"),
        ("Poke\u0301mon", "pokémon"),
        ("", ""),
        (" \u00a0\u2003", ""),
        ("東京", "東京"),
    ],
)
def test_names_that_look_alike_have_one_key(name: str, key: str) -> None:
    assert sort_name(name) == key


def test_letters_of_one_alphabet_come_in_its_order() -> None:
    names = ["Яблоко", "ёлки", "Ежи", "Жмурки", "Ель"]

    assert sorted(names, key=sort_name) == ["Ежи", "ёлки", "Ель", "Жмурки", "Яблоко"]


@given(st.text())
def test_equivalent_spellings_have_one_key(name: str) -> None:
    spellings = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")}

    assert {sort_name(spelling) for spelling in spellings} == {sort_name(name)}


@given(st.text())
def test_spaces_around_and_between_do_not_matter(name: str) -> None:
    assert sort_name(f"  {name.replace(' ', '   ')} ") == sort_name(name)


@given(st.text(alphabet=st.characters(codec="cp1251")))
def test_a_key_is_its_own_key(name: str) -> None:
    assert sort_name(sort_name(name)) == sort_name(name)
