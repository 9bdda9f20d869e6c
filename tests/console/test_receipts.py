"""Receipts wherever the act is, verified in words, with their proofs as files; members only."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.ledger.export.stamping import REQUESTED
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.lib.refs import ref
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.ledger.acts import act, as_owner, logged

LIST = "/t/northwind/receipts/"


@pytest.fixture
def receipt(tenant: Tenant, now: datetime) -> Receipt:
    return logged(tenant, now, 3)[1]


def test_a_receipt_page_says_in_words_what_holds(
    receipt: Receipt, cleo: User, as_user: Callable[[User], Client]
) -> None:
    page = as_user(cleo).get(f"{LIST}{receipt.id}/").content.decode()

    assert "Verified: signed and in the log. Nobody outside of this installation has seen it yet." in page
    assert "The row says what was signed, byte for byte" in page
    assert "Entry 1 of 3;" in page
    assert "Get a time stamp" not in page  # an auditor reads
    assert f"{LIST}{receipt.id}/proof.sigstore.json" in page


def test_a_pending_receipt_waits_and_offers_no_proof(
    tenant: Tenant, now: datetime, ben: User, as_user: Callable[[User], Client]
) -> None:
    pending = act(tenant, now)
    client = as_user(ben)

    page = client.get(f"{LIST}{pending.id}/").content.decode()

    assert "Not in the log yet" in page
    assert "Download proof" not in page
    assert client.get(f"{LIST}{pending.id}/proof.sigstore.json").status_code == 409
    assert client.get(f"{LIST}{pending.id}/proof.dsse.json").status_code == 409


def test_a_changed_receipt_is_shown_as_not_verified(
    committed: None, tenant: Tenant, now: datetime, ben: User, as_user: Callable[[User], Client]
) -> None:
    changed = logged(tenant, now, 2)[0]
    with as_owner() as cursor:
        cursor.execute("UPDATE conductor_receipt SET actor_name = 'Nobody' WHERE id = %s", [changed.id])

    page = as_user(ben).get(f"{LIST}{changed.id}/").content.decode()

    assert "Not verified: this receipt is not what was signed and logged." in page
    assert "The row says something else than what was signed." in page


@pytest.mark.parametrize("form", ["sigstore.json", "tlog-proof", "dsse.json"])
def test_a_proof_is_downloaded_as_a_file(
    receipt: Receipt, cleo: User, as_user: Callable[[User], Client], form: str
) -> None:
    got = as_user(cleo).get(f"{LIST}{receipt.id}/proof.{form}")

    assert got["Content-Disposition"] == f'attachment; filename="receipt-{receipt.id}.{form}"'
    assert got.content.startswith(b"c2sp.org/tlog-proof@v1\n" if form == "tlog-proof" else b"{")


def test_the_trust_root_is_downloaded_as_a_file(
    receipt: Receipt, cleo: User, as_user: Callable[[User], Client]
) -> None:
    got = as_user(cleo).get(f"{LIST}trust-root.json")

    assert json.loads(got.content)["trustedRoot"]["tlogs"]


def test_asking_for_a_time_stamp_is_a_member_s_right_and_done_once(
    receipt: Receipt, ben: User, cleo: User, as_user: Callable[[User], Client], tenant: Tenant
) -> None:
    client = as_user(ben)
    assert "Get a time stamp" in client.get(f"{LIST}{receipt.id}/").content.decode()
    for _ in range(2):
        assert client.post(f"{LIST}{receipt.id}/timestamp/").status_code == 302
    with tenant_scope(tenant.id):
        assert Receipt.objects.filter(action=REQUESTED).count() == 1
    page = client.get(f"{LIST}{receipt.id}/").content.decode()
    assert "A time stamp was asked for" in page
    assert "Get a time stamp" not in page
    assert as_user(cleo).post(f"{LIST}{receipt.id}/timestamp/").status_code == 403


def test_strangers_find_nothing(receipt: Receipt, max_: User, as_user: Callable[[User], Client]) -> None:
    client = as_user(max_)
    for path in ("", f"{receipt.id}/", f"{receipt.id}/proof.sigstore.json", "trust-root.json"):
        assert client.get(f"{LIST}{path}").status_code == 404, path
    assert client.post(f"{LIST}{receipt.id}/timestamp/").status_code == 404
    assert client.get(f"/t/globex/receipts/{receipt.id}/").status_code == 404
    assert Client().get(LIST).status_code == 302


def test_the_list_shows_the_receipts_of_one_record_or_all_of_them(
    tenant: Tenant, now: datetime, ben: User, as_user: Callable[[User], Client]
) -> None:
    decision = ref("conductor.policy_decision", "0192f0c1-0000-7000-8000-000000000001")
    act(tenant, now, action="tests.thing.decided", links=[decision])
    for _ in range(60):
        act(tenant, now)
    sequence(tenant_id=tenant.id, now=now)
    client = as_user(ben)

    every, about = client.get(LIST), client.get(LIST, {"about": decision})
    assert every.content.decode().count("Download proof") == 50
    older = client.get(f"{LIST}?before={every.context['older']}").content.decode()
    assert older.count("Download proof") == 11
    assert about.content.decode().count("Download proof") == 1
    assert "tests.thing.decided" in about.content.decode()
