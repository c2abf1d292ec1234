"""The lint of data 27: SQL that also runs when the tables are distributed by user_id.

It reads our own style of SQL, not SQL: keywords, tables and columns look the way they do in our files. A statement
over many users says so with a reason, in a comment line of its own:

    -- citus: many users; only candidates, nothing is locked

What is turned off there by configuration, because it could not run, says that too:

    -- not on citus: …
"""

import re

NEVER_THERE = re.compile(r"^-- not on citus: .", re.MULTILINE)
REASON = re.compile(r"^-- citus:(.*)$", re.MULTILINE)
COMMENT = re.compile(r"--[^\n]*")
STRING = re.compile(r"'(?:[^']|'')*'")
PARAMETER = re.compile(r"%\((\w+)\)s")
INNERMOST = re.compile(r"\(([^()]*)\)")
QUERY = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
NAMED_QUERIES = re.compile(r"^\s*WITH\b.*?(?=\b(?:SELECT|INSERT|UPDATE|DELETE)\b)", re.IGNORECASE)

SERVER_DECIDES = re.compile(
    r"\b(?:now|random|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|gen_random_uuid|uuidv7)(?=\()"
    r"|\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
LOCK = re.compile(r"\bFOR (?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b", re.IGNORECASE)
WRITE = re.compile(r"\s*(?:UPDATE|DELETE)\b", re.IGNORECASE)
INSERT = re.compile(r"\s*INSERT INTO (?P<table>[\w.]+)(?: AS \w+)? \((?P<columns>[^)]*)\)", re.IGNORECASE)
SET = re.compile(r"\bSET (.*?)(?= WHERE | FROM | RETURNING |$)", re.IGNORECASE)
SETS_USER = re.compile(r"(?:^|,|\() ?user_id\b(?=[^=]*=)", re.IGNORECASE)
UPSERT = re.compile(r"\bDO UPDATE SET (.*)$", re.IGNORECASE)
CALL = re.compile(r"\b(\w+)\(")
USER_IS_PARAMETER = re.compile(r"\buser_id = :\w+", re.IGNORECASE)
USER_IS_NAMED = re.compile(r"\buser_id = (?::\w|\w+\.)|\bUSING \([^)]*\buser_id\b", re.IGNORECASE)
# What an upsert may compute: the answer is the same on every node.
SAME_EVERYWHERE = {"coalesce", "greatest", "least", "nullif"}


def complaints(statement: str, user_tables: frozenset[str]) -> list[str]:
    """Return what would not run, or not safely, with the user tables distributed; empty when all is well."""
    if NEVER_THERE.search(statement):
        return []
    reasons = [reason.strip() for reason in REASON.findall(statement)]
    queries = split(statement)
    found = [problem for query in queries for problem in broken_laws(query, user_tables)]
    spread = [problem for query in queries for problem in over_many_users(query, user_tables)]
    if "" in reasons:
        found.append("'-- citus:' gives no reason")
    if reasons and not spread:
        found.append("'-- citus:' excuses nothing")
    return found if reasons else found + spread


def split(statement: str) -> list[str]:
    """Return the queries of a statement, nested ones first; `()` stands where one was nested in another."""
    text = " ".join(STRING.sub("''", COMMENT.sub("", statement)).split())
    text = PARAMETER.sub(r":\1", text)
    queries: list[str] = []

    def take(group: re.Match[str]) -> str:
        if not QUERY.match(group[1]):
            return f"⟨{group[1]}⟩"
        queries.append(group[1])
        return "⟨⟩"

    while INNERMOST.search(text):
        text = INNERMOST.sub(take, text)
    return [NAMED_QUERIES.sub("", query).replace("⟨", "(").replace("⟩", ")") for query in (*queries, text)]


def broken_laws(query: str, user_tables: frozenset[str]) -> list[str]:
    """Return what no reason excuses."""
    found = [
        f"{match[0]} is the server's; times and ids are parameters"
        for match in SERVER_DECIDES.finditer(query)
    ]
    # A table that no user owns is not distributed: its rows are locked where they all are.
    if LOCK.search(query) and touched(query, user_tables) and not USER_IS_PARAMETER.search(query):
        found.append("locks rows without `user_id = %(…)s`")
    if any(SETS_USER.search(assignments) for assignments in SET.findall(query)):
        found.append("sets user_id, which says where the row lives")
    for assignments in UPSERT.findall(query):
        found += [
            f"an upsert computes {name}(), which must be immutable"
            for name in CALL.findall(assignments)
            if name.lower() not in SAME_EVERYWHERE
        ]
        if "()" in CALL.sub("", assignments):
            found.append("an upsert reads another query")
    return found


def over_many_users(query: str, user_tables: frozenset[str]) -> list[str]:
    """Return why a query may touch more than one user's rows."""
    if insert := INSERT.match(query):
        owned = insert["table"] in user_tables
        carries_user = "user_id" in [column.strip() for column in insert["columns"].split(",")]
        return [f"inserts into {insert['table']} without user_id"] if owned and not carries_user else []
    tables = touched(query, user_tables)
    if WRITE.match(query) and tables and not USER_IS_PARAMETER.search(query):
        return [f"writes {tables[0]} without `user_id = %(…)s`"]
    if len(USER_IS_NAMED.findall(query)) < len(tables):
        return [f"reads {', '.join(sorted(tables))} without saying whose"]
    return []


def touched(query: str, user_tables: frozenset[str]) -> list[str]:
    """Return the users' tables that a query reads or writes, each as often as it does."""
    return [table for table in user_tables for _ in re.findall(rf"\b(?:FROM|JOIN|UPDATE) {table}\b", query)]
