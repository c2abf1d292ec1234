"""What the clients of the platform's services have in common: how we call, who we are, and the messages of all of them.

Each service has a package of its own beside this one: `catalog`, `account`.
"""

from library_adapters.platform.link import Link
from library_adapters.platform.settings import CallLimits, Count, ServiceSettings

__all__ = ["CallLimits", "Count", "Link", "ServiceSettings"]
