"""Every write of the adapters app: configuration, secrets, messages, notarization, tickets."""

from adapters.lifecycle.configuration import (
    AdapterInUse,
    AdapterNameTaken,
    configure_adapter,
    remove_adapter,
    switch_adapter,
    try_adapter,
)
from adapters.lifecycle.data_keys import (
    SealedWithoutTenantKey,
    destroy_data_keys,
    rewrap_data_keys,
    rotate_data_key,
    seal_text,
    verify_secrets,
)
from adapters.lifecycle.given_secrets import forget_secret, set_secret
from adapters.lifecycle.messages import deliver
from adapters.lifecycle.notarization import notarize, want_notarized, work_off
from adapters.lifecycle.notary_policy import (
    NeedsAnotherPerson,
    ProposalGone,
    approve_notary_policy,
    propose_notary_policy,
)
from adapters.lifecycle.ticket_changes import call_from_tracker, look_for_changes
from adapters.lifecycle.tickets import (
    TicketCompared,
    TicketEnded,
    TicketTied,
    TrackerFailed,
    end_ticket,
    look_at_ticket,
    move_ticket,
    open_ticket,
    record_comparison,
    request_ticket,
    tie_ticket,
    want_comparison,
)

__all__ = [
    "AdapterInUse",
    "AdapterNameTaken",
    "NeedsAnotherPerson",
    "ProposalGone",
    "SealedWithoutTenantKey",
    "TicketCompared",
    "TicketEnded",
    "TicketTied",
    "TrackerFailed",
    "approve_notary_policy",
    "call_from_tracker",
    "configure_adapter",
    "deliver",
    "destroy_data_keys",
    "end_ticket",
    "forget_secret",
    "look_at_ticket",
    "look_for_changes",
    "move_ticket",
    "notarize",
    "open_ticket",
    "propose_notary_policy",
    "record_comparison",
    "remove_adapter",
    "request_ticket",
    "rewrap_data_keys",
    "rotate_data_key",
    "seal_text",
    "set_secret",
    "switch_adapter",
    "tie_ticket",
    "try_adapter",
    "verify_secrets",
    "want_comparison",
    "want_notarized",
    "work_off",
]
