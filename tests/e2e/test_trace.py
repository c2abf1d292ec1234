"""One trace from Payment's event to ours: what an operator sees who follows one purchase."""

from figures import Report
from waiting import until

from e2e.collector import Collector, Span
from e2e.doors import Payments, Rest, Tail
from e2e.purchases import Purchase, derived, games

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PAYMENTS_SPAN = "b7ad6b7169203331"


async def test_one_trace_leads_from_the_consumed_event_through_sql_to_the_published_one(
    payments: Payments, rest: Rest, announced: Tail, collector: Collector, report: Report
) -> None:
    buyer = derived("user", "is traced")
    purchase = Purchase(about="traced", user=buyer, game=games()[7].game_id)

    await payments.publish(purchase.event(), traceparent=f"00-{TRACE_ID}-{PAYMENTS_SPAN}-01")
    [record] = await announced.wait_for(buyer)
    spans = await until(lambda: complete(collector), within=30, what="the spans of the trace")

    by_id = {span.span_id: span for span in spans}
    [use_case] = [span for span in spans if span.name == "library.add"]
    statements = [
        span for span in spans if "db.statement" in span.attributes or "db.query.text" in span.attributes
    ]
    way_in = ancestors(use_case, by_id)
    published_by = record.headers["traceparent"].split("-")[2]
    report(
        f"{len(spans)} spans in one trace: "
        + " > ".join(reversed([use_case.name, *(s.name for s in way_in)]))
    )
    report(f"SQL in it: {', '.join(sorted({span.name for span in statements}))}")
    assert record.headers["traceparent"].split("-")[1] == TRACE_ID
    assert published_by in by_id
    assert way_in[-1].parent_id == PAYMENTS_SPAN
    assert all(span.trace_id == TRACE_ID for span in spans)
    assert any(use_case in ancestors(span, by_id) for span in statements)
    assert {"SELECT", "INSERT", "UPDATE"} <= {span.name for span in statements}


async def complete(collector: Collector) -> list[Span]:
    """Return the spans of the trace once its outermost one, which ends last, was exported."""
    spans = collector.of(TRACE_ID)
    return spans if any(span.parent_id == PAYMENTS_SPAN for span in spans) else []


def ancestors(span: Span, by_id: dict[str, Span]) -> list[Span]:
    """Return the span's parents in our processes, nearest first."""
    found: list[Span] = []
    while (span := by_id.get(span.parent_id)) is not None:  # type: ignore[assignment]  # None ends the walk
        found.append(span)
    return found
