"""Tokens that were verified a moment ago (data 32): a signature costs a hundred times what remembering it does.

Whoever presents a token presents it with every request. What is remembered is that this very text was accepted, and whom
it proves; refusals are not. An entry never outlives the key set it was verified with.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from library_adapters.tokens.identity import Identity
from library_adapters.tokens.key_store import KeyStore
from library_adapters.tokens.metrics import TokenMetrics
from library_adapters.tokens.settings import TokenSettings
from library_domain.shared.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    identity: Identity
    since: datetime
    until: datetime


class TokenMemory:
    """A bounded number of accepted tokens; those that were not seen for longest make room. Of one event loop."""

    def __init__(
        self, settings: TokenSettings, *, keys: KeyStore, clock: Clock, metrics: TokenMetrics
    ) -> None:
        self._entries_max = settings.memory_entries
        self._lifetime = timedelta(seconds=settings.memory_seconds)
        self._keys = keys
        self._clock = clock
        self._metrics = metrics
        self._generation = keys.generation
        # By hash: a dump of our memory gives nobody a token.
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def recall(self, token: str) -> Identity | None:
        """Return whom the token proved a moment ago; None: it must be verified."""
        if not self._entries_max:
            return None
        self._forget_other_keys()
        key = _key(token)
        entry = self._entries.get(key)
        # While the key set is about to be renewed, verifying is what renews it.
        is_known = (
            entry is not None and self._keys.is_settled and entry.since <= self._clock.now() < entry.until
        )
        self._metrics.remembered(is_known=is_known)
        if entry is None or not is_known:
            return None
        self._entries.move_to_end(key)
        return entry.identity

    def remember(self, token: str, identity: Identity) -> None:
        """Keep what was just verified with the present keys; a token past its time, good by leeway only, is not kept."""
        if not self._entries_max:
            return
        self._forget_other_keys()
        now = self._clock.now()
        until = min(now + self._lifetime, identity.expires_at)
        if until <= now:
            return
        key = _key(token)
        self._entries[key] = _Entry(identity=identity, since=now, until=until)
        self._entries.move_to_end(key)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)

    def _forget_other_keys(self) -> None:
        if self._generation != self._keys.generation:
            self._generation = self._keys.generation
            self._entries.clear()


def _key(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
