"""What was played, added up (contract 2; details 3.8)."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from library_api.application import Wired
from library_api.conditional import NO_STORE, VERSIONED
from library_api.envelope import Success
from library_api.media_types import CSV, JSON, OFFERS, wanted
from library_api.openapi import refusals
from library_api.parameters import acting_user
from library_api.routes.paths import PLAYTIME
from library_api.routes.report_table import report_table
from library_api.routes.span import AskedStats, asked_stats
from library_domain.playtime.queries import PlaytimeReport, PlaytimeStats
from library_domain.playtime.use_cases.show_report import ShowReport
from library_domain.playtime.use_cases.show_stats import ShowStats

PeriodParameter = Annotated[
    str,
    QueryParameter(
        description="A year or a month, UTC: `2026` or `2026-10`.",
        schema_extra={"pattern": "^(?!0000|9999)[0-9]{4}(-(0[1-9]|1[0-2]))?$"},
    ),
]


class StatsAnswer(Success, frozen=True, kw_only=True):
    """Sums of some days."""

    data: PlaytimeStats


class ReportAnswer(Success, frozen=True, kw_only=True):
    """A year or a month of play."""

    data: PlaytimeReport


@get(
    f"{PLAYTIME}/stats",
    opt={"operation": "playtime.stats"},
    dependencies={"asked": Provide(asked_stats, sync_to_thread=False)},
    summary="Show what was played",
    tags=["playtime"],
    responses=refusals(),
)
async def show_stats(
    asked: NamedDependency[SkipValidation[AskedStats]], application: Wired
) -> Response[StatsAnswer]:
    """Return totals, by game and by period, of the days that are asked for: the last 30 if nothing is said."""
    stats = await application.show_stats(
        ShowStats(
            user_id=acting_user(),
            aggregation=asked.aggregation,
            game_id=asked.game_id,
            start=asked.start,
            end=asked.end,
        )
    )
    return Response(StatsAnswer(data=stats), headers={"Cache-Control": NO_STORE})


@get(
    f"{PLAYTIME}/report",
    opt={"operation": "playtime.report", VERSIONED: True, OFFERS: (JSON, CSV)},
    summary="Report on a year or a month",
    tags=["playtime"],
    responses=refusals(),
)
async def show_report(
    application: Wired, request: Request[object, object, State], period: PeriodParameter
) -> Response[ReportAnswer]:
    """Return the report, as JSON or, for `Accept: text/csv`, as a table with a row for each thing that it says."""
    report = await application.show_report(ShowReport(user_id=acting_user(), period=period))
    if wanted(request.scope) == JSON:
        return Response(ReportAnswer(data=report))
    table: Response[Any] = Response(
        report_table(report),
        media_type=f"{CSV}; header=present",
        headers={"Content-Disposition": f'attachment; filename="playtime-{report.period}.csv"'},
    )
    return table
