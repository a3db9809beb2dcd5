"""Rate limits: how often a client may ask (draft-ietf-httpapi-ratelimit-headers; RFC 6585, 4)."""

from framework.batteries.ratelimits.battery import battery
from framework.batteries.ratelimits.limiter import Limiter, RateLimited
from framework.batteries.ratelimits.marks import limit
from framework.batteries.ratelimits.settings import RateLimitSettings

__all__ = ["Limiter", "RateLimitSettings", "RateLimited", "battery", "limit"]
