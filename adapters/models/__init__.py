"""Tables of the adapters app: how a tenant reaches the outside, and what it answered."""

from adapters.models.adapter import (
    REFERENCE_CHARACTERS,
    AdapterConfig,
    DataKey,
    Delivery,
    NotaryPolicy,
    NotaryRecord,
    Secret,
)
from adapters.models.breaker import Breaker
from adapters.models.ticket import Ticket

__all__ = [
    "REFERENCE_CHARACTERS",
    "AdapterConfig",
    "Breaker",
    "DataKey",
    "Delivery",
    "NotaryPolicy",
    "NotaryRecord",
    "Secret",
    "Ticket",
]
