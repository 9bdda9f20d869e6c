"""Which provider holds this installation's signing keys (CONDUCTOR_KEY_PROVIDER)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from conductor.ledger.keys.keys import EnvKeys, FileKeys, KeyProvider, KeyUnavailable

_BUILT_IN: Final[dict[str, Callable[[], KeyProvider]]] = {
    "file": lambda: FileKeys(settings.CONDUCTOR_KEYS_DIR),
    "env": EnvKeys,
}
# Loaded by name, because they need libraries or machines that most installations lack.
_BY_PATH: Final = {
    "vault": "conductor.ledger.keys.vault.from_environment",
    "pkcs11": "conductor.ledger.keys.pkcs11_keys.from_environment",
}


@cache
def provider() -> KeyProvider:
    """Return the provider, made once per process: file, env, vault, pkcs11, or the dotted path of a factory.

    Raise KeyUnavailable if it cannot be made. Only the sequencer and the commands about keys ask for it.
    """
    name = settings.CONDUCTOR_KEY_PROVIDER
    if name in _BUILT_IN:
        return _BUILT_IN[name]()
    try:
        factory: Callable[[], KeyProvider] = import_string(_BY_PATH.get(name, name))
    except ImportError as error:
        raise KeyUnavailable(f"CONDUCTOR_KEY_PROVIDER is {name!r}, which cannot be loaded: {error}") from error
    return factory()
