"""Every write of the adapters app: configuration, secrets, messages, notarization."""

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
from adapters.lifecycle.notarization import notarize
from adapters.lifecycle.notary_policy import (
    NeedsAnotherPerson,
    ProposalGone,
    approve_notary_policy,
    propose_notary_policy,
)

__all__ = [
    "AdapterInUse",
    "AdapterNameTaken",
    "NeedsAnotherPerson",
    "ProposalGone",
    "SealedWithoutTenantKey",
    "approve_notary_policy",
    "configure_adapter",
    "deliver",
    "destroy_data_keys",
    "forget_secret",
    "notarize",
    "propose_notary_policy",
    "remove_adapter",
    "rewrap_data_keys",
    "rotate_data_key",
    "seal_text",
    "set_secret",
    "switch_adapter",
    "try_adapter",
    "verify_secrets",
]
