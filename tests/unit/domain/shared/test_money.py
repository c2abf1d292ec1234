"""Prices: two places, no binary floats, nothing that is no price."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library_domain.shared.errors import ValidationFailed
from library_domain.shared.money import Money


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("0", "0.00"),
        ("499", "499.00"),
        ("499.5", "499.50"),
        ("499.990", "499.99"),
        ("1E+3", "1000.00"),
        ("0E+400", "0.00"),
        ("-0.0", "0.00"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_an_amount_is_kept_with_two_places(amount: str, kept: str) -> None:
    assert str(Money(Decimal(amount)).amount) == kept


@pytest.mark.parametrize("amount", ["-0.01", "10000000000", "1E+400", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_price_is_refused_by_name(amount: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Money(Decimal(amount))

    assert refused.value.details == {"field": "amount", "reason": "out_of_range"}


@pytest.mark.parametrize("amount", ["0.001", "499.999", "1E-400"])
def test_a_part_of_a_cent_is_refused_not_rounded(amount: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Money(Decimal(amount))

    assert refused.value.details == {"field": "amount", "reason": "more_than_two_places"}


@pytest.mark.parametrize("currency", ["", "rub", "RU", "RUBL", "R1B", "РУБ", "RUB\n"])
def test_a_malformed_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Money(Decimal(1), currency)

    assert refused.value.details == {"field": "currency", "reason": "not_iso_4217"}


@given(st.integers(min_value=0, max_value=999_999_999_999))
def test_every_number_of_cents_survives(cents: int) -> None:
    money = Money(Decimal(cents).scaleb(-2))

    assert money.amount * 100 == cents
    assert money.amount.as_tuple().exponent == -2


def test_equal_prices_are_equal_however_they_were_written() -> None:
    assert Money(Decimal("1999.9")) == Money(Decimal("1999.90"), "RUB")
    assert Money(Decimal(1), "RUB") != Money(Decimal(1), "USD")
