"""The bounds of a page (contract 2)."""

import pytest

from library_domain.shared.errors import ValidationFailed
from library_domain.shared.paging import Page


def test_the_default_is_the_first_twenty() -> None:
    assert (Page().limit, Page().offset) == (20, 0)


@pytest.mark.parametrize(("limit", "offset"), [(1, 0), (100, 10_000)])
def test_the_bounds_themselves_are_allowed(limit: int, offset: int) -> None:
    assert Page(limit=limit, offset=offset).limit == limit


@pytest.mark.parametrize("limit", [-1, 0, 101])
def test_a_limit_beyond_them_is_refused_by_name(limit: int) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Page(limit=limit)

    assert refused.value.details == {"field": "limit", "reason": "out_of_range", "minimum": 1, "maximum": 100}


@pytest.mark.parametrize("offset", [-1, 10_001])
def test_an_offset_beyond_them_is_refused_by_name(offset: int) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Page(offset=offset)

    assert refused.value.details == {
        "field": "offset",
        "reason": "out_of_range",
        "minimum": 0,
        "maximum": 10_000,
    }
