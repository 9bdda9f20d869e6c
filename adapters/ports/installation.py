"""What an adapter may know of the installation that it runs in. Kinds read no settings of Django's themselves."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from uuid import UUID

from django.conf import settings

from conductor.tenancy.models import Tenant


@dataclass(frozen=True)
class Installation:
    """The surroundings of an adapter."""

    keys_dir: Path
    """Directory of the installation's own keys, private to its user."""
    development: bool = False
    """Only then may an adapter be told to reach this very machine."""
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks without public addresses that the operator lets this tenant's adapters reach; every other is refused."""


EVERYBODY = "*"
"""In place of a tenant's name: every tenant's adapters may reach the network."""


def installation(*, tenant_id: UUID | None = None) -> Installation:
    """Return the surroundings as the settings have them, for adapters of the tenant. Needs its scope, if one is named.

    Without a tenant the networks are those that everybody's adapters may reach.
    """
    permitted = [parse_network(each) for each in settings.CONDUCTOR_PRIVATE_NETWORKS]
    names = {EVERYBODY}
    if tenant_id is not None and any(whose != EVERYBODY for whose, _network in permitted):
        names |= set(Tenant.objects.filter(id=tenant_id).values_list("slug", flat=True))
    return Installation(
        keys_dir=Path(settings.CONDUCTOR_KEYS_DIR),
        development=not settings.PRODUCTION,
        private_networks=tuple(network for whose, network in permitted if whose in names),
    )


def parse_network(entry: str) -> tuple[str, IPv4Network | IPv6Network]:
    """Return whose adapters may reach which network, by `tenant=network`, `*=network`, or a network for everybody.

    Raise ValueError for what is none of these.
    """
    whose, equals, network = entry.rpartition("=")
    if equals and not whose.strip():
        raise ValueError(f"no tenant is named before the equals sign of {entry!r}")
    return whose.strip() or EVERYBODY, ip_network(network.strip())
