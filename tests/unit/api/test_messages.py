"""Every error code has something to say in both languages."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import library_domain
from library_api.errors import STATUS
from library_api.languages import OFFERED
from library_api.messages import MESSAGES
from library_domain.shared.errors import DomainError, Kind


def domain_errors() -> set[type[DomainError]]:
    for module in walk_packages(library_domain.__path__, "library_domain."):
        import_module(module.name)
    return set(_below(DomainError))


def _below(error: type[DomainError]) -> Iterator[type[DomainError]]:
    for subclass in error.__subclasses__():
        if subclass.__module__.startswith("library_domain."):
            yield subclass
        yield from _below(subclass)


def test_every_error_of_the_domain_has_a_message() -> None:
    assert {error.slug for error in domain_errors()} <= MESSAGES.keys()


def test_every_message_is_there_in_every_language() -> None:
    assert all(set(texts) == set(OFFERED) and all(texts.values()) for texts in MESSAGES.values())


def test_every_kind_of_failure_has_a_status() -> None:
    assert STATUS.keys() == set(Kind)
