"""Let clients repeat what they sent without doing it twice: ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key).

``@idempotent`` marks an endpoint that heeds the key, ``@requires_key`` one that insists on it.
`framework.batteries.idempotency.sql` keeps the answers in the transaction of the write,
`framework.batteries.idempotency.redis` in Redis.
"""

from framework.batteries.idempotency.battery import battery, idempotent, requires_key
from framework.batteries.idempotency.settings import IdempotencySettings
from framework.batteries.idempotency.stores import MemoryStore, Store

__all__ = ["IdempotencySettings", "MemoryStore", "Store", "battery", "idempotent", "requires_key"]
