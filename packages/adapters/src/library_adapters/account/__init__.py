"""Hold on Account: who there is, asked over gRPC (details 1.9)."""

from library_adapters.account.client import AccountClient, open_account
from library_adapters.account.settings import AccountSettings

__all__ = ["AccountClient", "AccountSettings", "open_account"]
