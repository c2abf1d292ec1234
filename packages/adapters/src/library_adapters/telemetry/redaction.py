"""Nothing secret leaves in a log line or a span: tokens, passwords and headers are masked by their looks.

It is the second fence. The first is that code does not log them.
"""

import re
from collections.abc import Callable
from functools import lru_cache

MASK = "***"

_SECRET_NAME = r"authorization|cookie|dsn|passw(?:or)?d|secret|token|api_?key"  # noqa: S105 - names, not values
_SENSITIVE_NAME = re.compile(rf"(?:{_SECRET_NAME}|\bbody\b)", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # A token in an Authorization header, wherever the header was printed.
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {MASK}"),
    # A JWT or a JWE on its own: JSON objects in base64url start with eyJ.
    (re.compile(r"\beyJ[\w-]{4,}(?:\.[\w-]*)*"), MASK),
    # The password of a URL. Greedy to the last @: a password may hold one unescaped. Bounded: no text may cost more
    # than its length.
    (re.compile(r"(://[^\s:/@]{0,128}):\S{0,512}@"), rf"\1:{MASK}@"),
    # password=…, PGPASSWORD=…, client_secret: "…", in connection strings, forms and JSON; a backslash escapes.
    (
        re.compile(
            rf"""((?:\b|_|\bpg)(?:{_SECRET_NAME})["']?\s*[=:]\s*)(?!(?:bearer|basic)\s)"""
            r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?:\\.|[^\s,;&])+)""",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # PostgreSQL shows the whole row that breaks a check.
    (re.compile(r"(Failing row contains )\(.*\)"), rf"\1({MASK})"),
)

_HARMLESS = re.compile(r"[\w./{}+ -]*", re.ASCII)
"""Most of what is logged: an id, a path, words. Without a `:` or `=` or bracket there is only one thing to be found by."""
_TELLTALES = ("eyj", "bearer", "basic")
"""What begins the patterns that need none of those, in lower case."""


def redact(text: str) -> str:
    """Return the text with what looks like a credential masked."""
    if _HARMLESS.fullmatch(text):
        lowered = text.lower()
        if not any(telltale in lowered for telltale in _TELLTALES):
            return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=1_024)
def is_sensitive(name: str) -> bool:
    """Tell whether a value of this name is masked whatever it looks like."""
    return _SENSITIVE_NAME.search(name) is not None
