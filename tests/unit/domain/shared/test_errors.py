"""Anticipated failures speak for themselves."""

from collections.abc import Iterator

import pytest

import library_domain.library.errors  # noqa: F401 -- a subclass is known once it is imported
from library_domain.shared.errors import DependencyUnavailable, DomainError, Kind, ValidationFailed


def subclasses(of: type[DomainError]) -> Iterator[type[DomainError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from subclasses(kind)


EVERY = sorted(subclasses(DomainError), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("error", EVERY)
def test_each_has_a_kind_a_stable_slug_and_a_message(error: type[DomainError]) -> None:
    assert isinstance(error.kind, Kind)
    assert error.slug == error.slug.upper()
    assert error.__doc__


def test_details_are_what_was_given() -> None:
    error = ValidationFailed(field="limit", reason="out_of_range")

    assert error.details == {"field": "limit", "reason": "out_of_range"}
    assert str(error) == ValidationFailed.__doc__


def test_an_absent_dependency_is_named_with_the_time_to_wait() -> None:
    error = DependencyUnavailable("catalog", retry_after_seconds=30)

    assert error.details == {"dependency": "catalog"}
    assert error.retry_after_seconds == 30
