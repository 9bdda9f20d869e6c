"""Every write of the adapters app: configuration, secrets, messages, notarization."""

from adapters.lifecycle.configuration import (
    AdapterInUse,
    AdapterNameTaken,
    configure_adapter,
    remove_adapter,
    switch_adapter,
    try_adapter,
)
from adapters.lifecycle.given_secrets import forget_secret, set_secret
from adapters.lifecycle.messages import deliver
from adapters.lifecycle.notarization import notarize

__all__ = [
    "AdapterInUse",
    "AdapterNameTaken",
    "configure_adapter",
    "deliver",
    "forget_secret",
    "notarize",
    "remove_adapter",
    "set_secret",
    "switch_adapter",
    "try_adapter",
]
