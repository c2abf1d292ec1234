"""Show the report of a year or a month (contract, GET /playtime/report)."""

from dataclasses import dataclass

from library_domain.playtime.model import ReportPeriod
from library_domain.playtime.queries import PlaytimeReader, PlaytimeReport
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReport:
    """Ask for a period by its name: `2026` or `2026-10`."""

    user_id: UserId
    period: str


class ShowReportHandler:
    """Read the report. Raises ValidationFailed naming `period`."""

    def __init__(self, *, reader: PlaytimeReader) -> None:
        self._reader = reader

    async def __call__(self, query: ShowReport) -> PlaytimeReport:
        return await self._reader.report(query.user_id, ReportPeriod.named(query.period))
