"""Which addresses an adapter may connect to. A tenant's admin names the host, so the host is not to be trusted.

The name is looked up once, every address of it is judged, and the connection is made to a judged address: a name
that changes its answer between the check and the connection gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError

Address = IPv4Address | IPv6Address

_EMBEDDING = [IPv6Network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")]
"""NAT64 (RFC 6052, RFC 8215), IPv4-compatible (RFC 4291) and IPv4-translated (RFC 2765): the last 32 bits count."""
_REFUSED = [
    ip_network(each)
    for each in (
        # Where clouds answer a machine about itself, credentials included, though the address looks public.
        "168.63.129.16/32", "192.0.0.0/24", "100.100.100.200/32", "169.254.0.0/16", "fd00:ec2::/32", "fd20:ce::/32",
        # Site-local (RFC 3879), local NAT64 (RFC 8215), what stands for no network (RFC 6666), and benchmarks.
        "fec0::/10", "64:ff9b:1::/48", "100::/64", "198.18.0.0/15",
    )
]  # fmt: skip
"""Refused whatever Python's `is_global` says, which differs between its releases."""


class AddressRefused(AdapterError):
    """The host is, or leads to, a network that adapters may not reach."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True, code="address_refused")


def addresses(
    *,
    host: str,
    port: int,
    installation: Installation,
    allow_loopback: bool = False,
    operators: bool = False,
    ports: Collection[int] = (),
) -> list[Address]:
    """Return the addresses of `host`, all of them permitted, in the resolver's order.

    Raise AddressRefused if one is not permitted, a temporary AdapterError if the name does not resolve.
    Permitted are public addresses, of these only the `ports` if any are named; the operator's private networks, and
    in development, if asked for, loopback; every address if it was the operator who named the host.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AdapterError(f"{host} does not resolve", permanent=False, code="host_unknown") from error
    found = list(dict.fromkeys(ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in answers))
    for address in [] if operators else found:
        if not _permitted(address, installation, allow_loopback=allow_loopback and installation.development):
            raise AddressRefused(
                f"{host} leads to an address that adapters may not reach; "
                "an operator can permit its network with CONDUCTOR_PRIVATE_NETWORKS"
            )
        if ports and port not in ports and not _is_near(address, installation):
            listed = ", ".join(map(str, sorted(ports)))
            raise AddressRefused(f"{host} may be reached at port {listed} only, not at {port}")
    return found


def _permitted(address: Address, installation: Installation, *, allow_loopback: bool) -> bool:
    plain = _unwrapped(address)
    if _is_private(plain, installation):
        return True
    if plain.is_loopback:
        return allow_loopback
    if any(each in network for each in {address, plain} for network in _REFUSED if network.version == each.version):
        return False
    return plain.is_global and not plain.is_multicast and not plain.is_unspecified


def _is_near(address: Address, installation: Installation) -> bool:
    """Whether a permitted address is this machine, or in a network of the operator's."""
    plain = _unwrapped(address)
    return plain.is_loopback or _is_private(plain, installation)


def _is_private(plain: Address, installation: Installation) -> bool:
    return any(plain in network for network in installation.private_networks if network.version == plain.version)


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does: the wrapping must not hide it."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _EMBEDDING) and int(address) > 1:  # not :: and ::1, which are themselves
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
