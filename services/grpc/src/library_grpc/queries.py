"""`LibraryQueryService`: messages to queries and back; nothing is decided here."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from uuid import UUID

from library_domain.library.model import AccessVerdict, AcquisitionType
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnership, Ownership
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId
from library_grpc._generated.library.v1 import (
    CheckGameAccessRequest,
    CheckGameAccessResponse,
    CheckGameOwnershipRequest,
    CheckGameOwnershipResponse,
    LibraryQueryServiceBase,
)

OWNERSHIP_TYPES: Mapping[AcquisitionType, str] = MappingProxyType(
    {
        AcquisitionType.PURCHASE: "purchased",
        AcquisitionType.GIFT: "gifted",
        AcquisitionType.SUBSCRIPTION: "subscription",
        AcquisitionType.FREE: "free",
        AcquisitionType.FAMILY: "family_shared",
    },
)
"""The spec's example has other words than its enum (details 1.10)."""


class LibraryQueries(LibraryQueryServiceBase):
    """The service's methods."""

    def __init__(
        self,
        *,
        check_access: Callable[[CheckGameAccess], Awaitable[AccessVerdict]],
        check_ownership: Callable[[CheckGameOwnership], Awaitable[Ownership]],
    ) -> None:
        self._check_access = check_access
        self._check_ownership = check_ownership

    async def check_game_access(self, message: CheckGameAccessRequest) -> CheckGameAccessResponse:
        """Tell whether the user may play the game. Raises ValidationFailed for an id that is no UUID."""
        verdict = await self._check_access(
            CheckGameAccess(
                user_id=UserId(_uuid(message.user_id, "user_id")),
                game_id=GameId(_uuid(message.game_id, "game_id")),
            ),
        )
        return CheckGameAccessResponse(
            has_access=verdict.allowed,
            access_type=verdict.via.value if verdict.via else "",
            reason=verdict.reason.value if verdict.reason else "",
            expires_at=verdict.expires_at,
            owner_id=str(verdict.owner_id) if verdict.owner_id else "",
        )

    async def check_game_ownership(self, message: CheckGameOwnershipRequest) -> CheckGameOwnershipResponse:
        """Tell whether the user owns the game. Raises ValidationFailed for an id that is no UUID."""
        ownership = await self._check_ownership(
            CheckGameOwnership(
                user_id=UserId(_uuid(message.user_id, "user_id")),
                game_id=GameId(_uuid(message.game_id, "game_id")),
            ),
        )
        held = ownership.acquisition_type
        return CheckGameOwnershipResponse(
            owned=ownership.owned,
            ownership_type=OWNERSHIP_TYPES[held] if held else "",
            purchase_date=ownership.acquired_at,
            dlc_owned=[str(game_id) for game_id in ownership.dlc_owned],
        )


def _uuid(text: str, field: str) -> UUID:
    """Return the UUID in its one canonical form, in any case; the other spellings of Python are refused."""
    try:
        parsed = UUID(text)
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != text.lower():
        raise ValidationFailed(field=field, reason="not_a_uuid")
    return parsed
