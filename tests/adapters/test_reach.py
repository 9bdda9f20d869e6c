"""Addresses that look public and are not: clouds' metadata, and IPv4 inside IPv6 in every spelling."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address

import pytest

from adapters.installation import Installation, installation
from adapters.reach import AddressRefused, addresses

pytestmark = pytest.mark.fault("security-11")

REFUSED = [
    "192.0.0.192", "168.63.129.16", "100.100.100.200", "169.254.169.254", "169.254.170.2", "fd00:ec2::254",
    "fd20:ce::254", "64:ff9b:1::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1:ffff::a9fe:a9fe", "fec0::1", "::127.0.0.1",
    "::10.0.0.1", "::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1", "::ffff:169.254.169.254", "::ffff:168.63.129.16",
    "2002:7f00:1::1", "100::1", "198.18.0.1", "::", "::1", "0.0.0.0", "127.0.0.1", "10.1.2.3", "100.64.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_no_adapter_reaches_it(address: str) -> None:
    with pytest.raises(AddressRefused):
        addresses(host=address, port=443, installation=installation())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_reached(address: str) -> None:
    assert addresses(host=address, port=443, installation=installation()) == [ip_address(address)]


def test_what_the_operator_permits_is_reached_and_nothing_beside_it(settings: object) -> None:
    settings.CONDUCTOR_PRIVATE_NETWORKS = ["10.1.0.0/16"]  # type: ignore[attr-defined]
    permitted: Installation = installation()

    assert IPv4Network("10.1.0.0/16") in permitted.private_networks
    assert addresses(host="10.1.2.3", port=443, installation=permitted) == [ip_address("10.1.2.3")]
    with pytest.raises(AddressRefused):
        addresses(host="10.2.0.1", port=443, installation=permitted)
