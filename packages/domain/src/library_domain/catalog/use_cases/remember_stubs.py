"""Ask after games without a name that no job asks after any more (details 3.11, `stubs`)."""

from dataclasses import dataclass

from library_domain.catalog.ports import FETCH_METADATA, CatalogUnitOfWork, ForgottenStubs


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberStubs:
    """Deal with at most `limit` games."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberStubsResult:
    """How many are asked after again, and whether there may be others."""

    remembered: int
    more: bool


class RememberStubsHandler:
    """Every stub has its job from the start; one whose job was given up and cleared away is found here."""

    def __init__(self, *, stubs: ForgottenStubs, uow: CatalogUnitOfWork) -> None:
        self._stubs = stubs
        self._uow = uow

    async def __call__(self, command: RememberStubs) -> RememberStubsResult:
        found = await self._stubs.find(limit=command.limit)
        if found:
            async with self._uow.begin() as tx:
                await tx.jobs.enqueue(FETCH_METADATA, [str(game_id) for game_id in found])
        return RememberStubsResult(remembered=len(found), more=len(found) == command.limit)
