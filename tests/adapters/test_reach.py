"""Addresses that look public and are not: clouds' metadata, and IPv4 inside IPv6 in every spelling."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest
from django.core.checks import run_checks

from adapters.configuration.opening import open_adapter
from adapters.kinds.smtp.adapter import PORTS
from adapters.models.adapter import AdapterConfig
from adapters.ports.installation import Installation, installation, parse_network
from adapters.transport.http import post
from adapters.transport.reach import AddressRefused, addresses
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.world import NOW

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


def test_a_network_is_open_to_the_tenant_that_it_is_for_and_to_no_other(
    settings: Any, tenant: Tenant, other_tenant: Tenant
) -> None:
    settings.CONDUCTOR_PRIVATE_NETWORKS = ["northwind=10.1.0.0/16", "globex=10.2.0.0/16", "*=10.3.0.0/16"]
    reached = {}
    for each in (tenant, other_tenant):
        with tenant_scope(each.id):
            opened: Any = open_adapter(_relay(each))
        permitted = opened._installation
        reached[each.slug] = [
            network for network in ("10.1.2.3", "10.2.2.3", "10.3.2.3") if _reaches(network, permitted)
        ]

    assert reached == {"northwind": ["10.1.2.3", "10.3.2.3"], "globex": ["10.2.2.3", "10.3.2.3"]}
    assert [str(each) for each in installation().private_networks] == ["10.3.0.0/16"]


@pytest.mark.parametrize("entry", ["=10.1.0.0/16", "acme=", "acme=10.1.0.1/16", "acme", "acme=10.0.0.0/33"])
def test_an_entry_that_is_no_network_is_named(settings: Any, entry: str) -> None:
    settings.CONDUCTOR_PRIVATE_NETWORKS = ["*=10.3.0.0/16", entry]

    with pytest.raises(ValueError, match=r"\S"):
        parse_network(entry)
    assert [each.id for each in _complaints()] == ["adapters.E002"]


def test_production_asks_whose_a_network_is(settings: Any) -> None:
    settings.CONDUCTOR_PRIVATE_NETWORKS = ["10.1.0.0/16", "acme=10.2.0.0/16", "*=10.3.0.0/16"]
    assert _complaints() == []

    settings.PRODUCTION = True
    (complaint,) = _complaints()
    assert "write tenant=10.1.0.0/16, or *=10.1.0.0/16" in complaint.msg


@pytest.mark.parametrize("port", [22, 80, 443, 3306, 6379, 11211])
def test_mail_goes_to_ports_of_mail_alone_in_public_networks(port: int) -> None:
    with pytest.raises(AddressRefused, match=f"at port 25, 465, 587, 2525 only, not at {port}"):
        addresses(host="8.8.8.8", port=port, installation=installation(), ports=PORTS)


@pytest.mark.parametrize("port", sorted(PORTS))
def test_mail_reaches_ports_of_mail(port: int) -> None:
    assert addresses(host="8.8.8.8", port=port, installation=installation(), ports=PORTS)


def test_networks_of_the_operator_are_reached_at_every_port(settings: Any) -> None:
    settings.CONDUCTOR_PRIVATE_NETWORKS = ["*=10.3.0.0/16"]

    assert addresses(host="10.3.2.3", port=1025, installation=installation(), ports=PORTS)
    assert addresses(host="127.0.0.1", port=1025, installation=installation(), ports=PORTS, allow_loopback=True)


def test_the_smtp_adapter_asks_for_its_ports(settings: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        opened: Any = open_adapter(_relay(tenant, host="8.8.8.8", port=22))

    with pytest.raises(AddressRefused, match="not at 22"), opened._connection():
        raise AssertionError("connected")


@pytest.mark.parametrize("port", [22, 6379, 8080])
def test_plain_http_goes_to_its_own_port_alone_in_public_networks(port: int) -> None:
    """As a time-stamp authority is asked, whose answers prove themselves."""
    with pytest.raises(AddressRefused, match=f"at port 80 only, not at {port}"):
        post(
            url=f"http://8.8.8.8:{port}/tsr", body=b"", headers={}, timeout_seconds=1, max_bytes=10,
            installation=installation(), plain_everywhere=True,
        )  # fmt: skip


def _reaches(address: str, permitted: Installation) -> bool:
    try:
        return bool(addresses(host=address, port=443, installation=permitted))
    except AddressRefused:
        return False


def _relay(tenant: Tenant, **given: Any) -> AdapterConfig:
    settings = {"host": "mail.example.test", "from_address": "a@example.test", "to": ["b@example.test"], **given}
    return AdapterConfig.objects.create(
        tenant=tenant, port="notification", kind="smtp", name="Mail", settings=settings, created_at=NOW, updated_at=NOW
    )


def _complaints() -> list[Any]:
    found = run_checks(include_deployment_checks=True)
    return [each for each in found if each.id == "adapters.E002"]
