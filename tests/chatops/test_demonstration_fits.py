"""The demonstration's company is one: alerts, sentences and history name what its topology and its team hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from chatops.commands import sentence
from chatops.demo import alerts, outage, response, topology
from chatops.demo.alerts import CHECKOUT, Firing, notification
from chatops.demo.people import GLOBEX, NORTHWIND
from conductor.lib.clock import parse_rfc3339
from incidents.alerts.parsers.alertmanager import read_alertmanager

NOW = datetime(2026, 11, 30, 14, 12, tzinfo=UTC)
OUTAGE = Firing("SearchErrorRate", outage.SERVICE, "critical", "Searches fail", timedelta(minutes=3))


@pytest.mark.fault("console-F11")
@pytest.mark.parametrize("firing", [CHECKOUT, OUTAGE], ids=["checkout", "outage"])
def test_a_replayed_alert_begins_shortly_before_it_is_sent(firing: Firing) -> None:
    recorded = json.loads(alerts.RECORDING.read_bytes())
    sent = notification(firing, now=NOW)

    signal = read_alertmanager(sent, source="alertmanager", words={}).signals[0]
    assert signal.starts_at == NOW - firing.began_before
    assert timedelta(0) < firing.began_before < timedelta(minutes=10)
    assert signal.service == firing.service
    assert signal.environment == "production"
    assert signal.severity == "SEV2"
    assert sent.keys() == recorded.keys()
    assert sent["alerts"][0].keys() == recorded["alerts"][0].keys()
    # Nothing of the machine that it was recorded on.
    assert "//vm:" not in json.dumps(sent)


def test_each_replay_is_an_alert_of_its_own_and_one_repeated_is_the_same() -> None:
    def key(run: str) -> tuple[str, str]:
        signal = read_alertmanager(notification(OUTAGE, now=NOW, run=run), source="alertmanager", words={}).signals[0]
        return signal.fingerprint, signal.group_key

    assert key("1") != key("2")
    assert key("1")[0] != key("2")[0]
    assert key("1") == key("1")


@pytest.mark.fault("console-F11")
def test_an_alert_of_a_service_that_does_not_exist_here_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="checkout is no service"):
        Firing("HighErrorRate", "checkout", "critical", "", timedelta(0))


@pytest.mark.fault("console-F11")
def test_every_service_is_one_of_the_topology() -> None:
    services = set(topology.SERVICES)
    declared = sentence.parse(response.DECLARATION).args.service

    assert {CHECKOUT.service, outage.SERVICE, declared} <= services
    assert {need for needs in topology.SERVICES.values() for need in needs} <= services
    assert {*topology.STORES, *topology.EXTERNALS} <= services
    nodes = {(each["kind"], each["key"]) for each in json.loads(topology.topology_json())["nodes"]}
    assert {("service", f"production/{service}") for service in services} <= nodes


def test_whoever_speaks_in_slack_is_one_of_the_company() -> None:
    linked = {person.slack_user_id for person in NORTHWIND if person.slack_user_id}

    assert {user for user, _text in response.RESPONSE} <= linked
    assert {response.RESPONDER, response.COMMANDER} <= linked
    assert {
        user
        for n in range(len(outage.recorded_outage().notes))
        for user, _ in outage.sayings(outage.recorded_outage(), n)
    } <= linked


def test_people_have_the_address_of_their_own_company() -> None:
    assert all(person.email.endswith("@northwind.example") for person in NORTHWIND)
    assert all(person.email.endswith("@globex.example") for person in GLOBEX)
    assert parse_rfc3339(notification(CHECKOUT, now=NOW)["alerts"][0]["startsAt"]) < NOW
