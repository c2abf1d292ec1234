"""Money as decimals with two places, never a binary float (contract 1)."""

import re
from dataclasses import dataclass
from decimal import Decimal

from library_domain.shared.errors import ValidationFailed

_CURRENCY = re.compile(r"[A-Z]{3}")
_MAX = Decimal("9999999999.99")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one ISO 4217 currency.

    Raises ValidationFailed for a negative, too large or more than two-placed amount and for a malformed currency.
    """

    amount: Decimal
    currency: str = "RUB"

    def __post_init__(self) -> None:
        """Normalise to two places and refuse what is no price."""
        if not self.amount.is_finite() or not 0 <= self.amount <= _MAX:
            raise ValidationFailed(field="amount", reason="out_of_range")
        rounded = self.amount.quantize(_CENT)
        if rounded != self.amount:
            raise ValidationFailed(field="amount", reason="more_than_two_places")
        if not _CURRENCY.fullmatch(self.currency):
            raise ValidationFailed(field="currency", reason="not_iso_4217")
        # Zero has no sign: -0.00 would be published as it is.
        object.__setattr__(self, "amount", abs(rounded))
