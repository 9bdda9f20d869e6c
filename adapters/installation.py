"""What an adapter may know of the installation that it runs in. Kinds read no settings of Django's themselves."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Installation:
    """The surroundings of an adapter."""

    keys_dir: Path
    """Directory of the installation's own keys, private to its user."""
    development: bool = False
    """Only then may an adapter be told to reach this very machine."""
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks without public addresses that the operator lets adapters reach; every other one is refused."""


def installation() -> Installation:
    """Return the surroundings as the settings have them."""
    return Installation(
        keys_dir=Path(settings.CONDUCTOR_KEYS_DIR),
        development=not settings.PRODUCTION,
        private_networks=tuple(ip_network(each) for each in settings.CONDUCTOR_PRIVATE_NETWORKS),
    )
