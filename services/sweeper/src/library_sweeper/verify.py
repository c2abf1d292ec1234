"""`library-sweeper verify`: what is shown beside what it is made of, for every user."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from library_adapters.process import CLEAN, FAILED
from library_domain.flows.verify_users import VerifyUsers, VerifyUsersResult
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import UserId

Verify = Callable[[VerifyUsers], Awaitable[VerifyUsersResult]]


async def verify_all(verify: Verify, *, users: tuple[UserId, ...], batch: int, stop: asyncio.Event) -> int:
    """Print a line of JSON per difference; return the exit code: 0 when there was none and everybody was looked at."""
    verified = differences = 0
    after: UserId | None = None
    is_over = False
    while not is_over and not stop.is_set():
        try:
            result = await verify(VerifyUsers(users=users, after=after, limit=batch))
        except DependencyUnavailable as error:
            sys.stderr.write(f"{error.details['dependency']} does not answer\n")
            break
        for each in result.found:
            sys.stdout.write(json.dumps(asdict(each), default=str, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        verified += result.verified
        differences += len(result.found)
        after = result.next_after
        is_over = after is None
    ending = "" if is_over else ", and did not get to the end"
    sys.stderr.write(f"users: {verified}, differences: {differences}{ending}\n")
    return CLEAN if is_over and not differences else FAILED
