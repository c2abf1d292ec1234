"""A user's categories: their names, how many, and what becomes of them (details 3.11)."""

import unicodedata
from datetime import timedelta
from uuid import UUID

import pytest
from builders import NOON, game_id, user_id
from hypothesis import given
from hypothesis import strategies as st

from library_domain.library.errors import CategoryExists, CategoryNotFound, InvalidCategory, LimitReached
from library_domain.library.events import CategoryCreated, CategoryDeleted, CategoryEdited
from library_domain.library.model import MAX_CATEGORIES, Categories, category_key, category_name
from library_domain.shared.errors import ValidationFailed

ALICE = user_id("alice")
ONE, OTHER = UUID(int=1), UUID(int=2)
LATER = NOON + timedelta(hours=1)


def some_categories(*names: str) -> Categories:
    categories = Categories(user_id=ALICE, by_id={})
    for number, name in enumerate(names, start=1):
        categories.create(name, category_id=UUID(int=number), now=NOON)
    categories.events.clear()
    categories.changed.clear()
    return categories


class TestName:
    @pytest.mark.parametrize(
        "text",
        ["RPG", "Избранное", "日本語", "हिन्दी", "7", "R&B_'n'.Roll - 2", "x" * 100, "Ünïcödé"],
    )
    def test_may_be_letters_of_any_script_digits_and_a_few_signs(self, text: str) -> None:
        assert category_name(text) == unicodedata.normalize("NFC", text)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "empty"),
            ("  ", "empty"),
            ("x" * 101, "too_long"),
            (".", "no_letter"),
            ("..", "no_letter"),
            ("&-_.'", "no_letter"),
            ("a/b", "characters"),
            ("a\nb", "characters"),
            ("a\u00a0b", "characters"),
            ("<script>", "characters"),
            ("игры 🎮", "characters"),
            ("a\u200bb", "characters"),
        ],
    )
    def test_may_be_nothing_else(self, text: str, reason: str) -> None:
        with pytest.raises(InvalidCategory) as refused:
            category_name(text)

        assert refused.value.details["reason"] == reason

    def test_is_kept_composed_and_trimmed(self) -> None:
        assert category_name("  E\u0301te\u0301 ") == "Été"

    @given(st.text())
    def test_is_a_name_again_or_never_was_one(self, text: str) -> None:
        try:
            name = category_name(text)
        except InvalidCategory:
            return
        assert category_name(name) == name
        assert category_key(name) == category_key(text)

    @given(st.text())
    def test_is_compared_without_regard_to_case_and_composition(self, text: str) -> None:
        assert category_key(category_key(text)) == category_key(text)
        assert category_key(unicodedata.normalize("NFD", text)) == category_key(text)


class TestCreate:
    def test_keeps_the_category_and_records_it(self) -> None:
        categories = some_categories()

        category = categories.create(" RPG ", category_id=ONE, color="#1a2B3c", now=NOON)

        assert (category.name, category.color, category.created_at) == ("RPG", "#1a2B3c", NOON)
        assert categories.by_id == {ONE: category}
        assert categories.events == [
            CategoryCreated(
                user_id=ALICE, game_id=None, occurred_at=NOON, category_id=ONE, name="RPG", color="#1a2B3c"
            )
        ]

    def test_refuses_a_name_that_differs_only_in_case(self) -> None:
        with pytest.raises(CategoryExists):
            some_categories("Ёжики").create("ЁЖИКИ", category_id=OTHER, now=NOON)

    @pytest.mark.parametrize("color", ["", "red", "#12345", "#1234567", "#12345g", "#123456\n"])
    def test_refuses_what_is_no_colour(self, color: str) -> None:
        with pytest.raises(ValidationFailed) as refused:
            some_categories().create("RPG", category_id=ONE, color=color, now=NOON)

        assert refused.value.details["field"] == "color"

    def test_refuses_the_category_after_the_last(self) -> None:
        categories = some_categories(*(f"category {n}" for n in range(MAX_CATEGORIES)))

        with pytest.raises(LimitReached):
            categories.create("one more", category_id=game_id("more"), now=NOON)


class TestEdit:
    def test_keeps_the_id(self) -> None:
        categories = some_categories("RPG")

        category = categories.edit(ONE, name="Ролевые", color="#000000", now=LATER)

        assert (category.id, category.name, category.color) == (ONE, "Ролевые", "#000000")
        assert (category.created_at, category.updated_at) == (NOON, LATER)
        assert [type(event) for event in categories.events] == [CategoryEdited]

    def test_may_change_the_case_of_its_own_name(self) -> None:
        assert some_categories("rpg").edit(ONE, name="RPG", now=LATER).name == "RPG"

    def test_takes_the_colour_away_when_told(self) -> None:
        categories = some_categories("RPG")
        categories.edit(ONE, color="#000000", now=NOON)

        assert categories.edit(ONE, color=None, now=LATER).color is None

    def test_of_nothing_records_nothing(self) -> None:
        categories = some_categories("RPG")

        category = categories.edit(ONE, name="RPG", color=None, now=LATER)

        assert (category.updated_at, categories.events, categories.changed) == (NOON, [], set())

    def test_refuses_the_name_of_another(self) -> None:
        with pytest.raises(CategoryExists):
            some_categories("RPG", "Стратегии").edit(OTHER, name="rpg", now=LATER)

    def test_refuses_a_category_that_is_not_there(self) -> None:
        with pytest.raises(CategoryNotFound):
            some_categories().edit(ONE, name="RPG", now=LATER)


class TestDelete:
    def test_forgets_the_category_and_frees_its_name(self) -> None:
        categories = some_categories("RPG")

        categories.delete(ONE, now=LATER)

        assert (categories.named("rpg"), categories.deleted) == (None, {ONE})
        assert [type(event) for event in categories.events] == [CategoryDeleted]
        assert categories.create("RPG", category_id=OTHER, now=LATER).id == OTHER

    def test_refuses_a_category_that_is_not_there(self) -> None:
        with pytest.raises(CategoryNotFound):
            some_categories().delete(ONE, now=LATER)
