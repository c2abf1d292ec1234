"""Redis: how often a caller may ask. Nothing in it is the only copy of anything; it may be lost at any time."""

from library_adapters.redis.client import open_redis, ping
from library_adapters.redis.rate_limiter import Quota, RateLimiter
from library_adapters.redis.settings import RateLimitSettings, RedisSettings, Window

__all__ = [
    "Quota",
    "RateLimitSettings",
    "RateLimiter",
    "RedisSettings",
    "Window",
    "open_redis",
    "ping",
]
