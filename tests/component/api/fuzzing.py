"""What Schemathesis is told of this service; loaded by its command line through SCHEMATHESIS_HOOKS."""

from typing import Any

import schemathesis

_CONTRADICTIONS = ("cursor", "order")
"""Parameters whose values no schema can bind to other parameters: a cursor is ours, and `order` may gainsay `sort`."""


@schemathesis.hook
def map_query(context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    if not query:
        return query
    query.pop("cursor", None)
    if str(query.get("sort", "")).startswith("-"):
        query.pop("order", None)
    return query
