"""A receipt of what was done in Slack names the Slack user, and how that user came to be linked to the member."""

from __future__ import annotations

from typing import Any

import pytest

from chatops.models.workspace import SlackIdentity
from conductor.ledger.models import Receipt
from conductor.lib.clock import rfc3339
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from tests.chatops import slack
from tests.chatops.slack import Speaker

pytestmark = pytest.mark.fault("security-4")


def _authentication(tenant: Tenant, action: str) -> Any:
    with tenant_scope(tenant.id):
        receipt = Receipt.objects.filter(action=action).order_by("-id")[0]
        return receipt.authentication


def _expected(tenant: Tenant, receipts: Any) -> dict[str, str]:
    with tenant_scope(tenant.id):
        identity = SlackIdentity.objects.get(slack_user_id=slack.BEN)
    return {
        "method": "slack",
        "team": slack.NORTHWIND_TEAM,
        "user": slack.BEN,
        "linkedBy": identity.proven_by,
        "linkedAt": rfc3339(identity.linked_at),
        "at": rfc3339(receipts()[-1].received_at),
    }


def test_a_command_in_slack(ben_says: Speaker, workspace: Tenant, receipts: Any) -> None:
    ben_says("declare sev3 Checkout fails", user_name="ana", authentication="passkey", actor="tenancy.user:1")

    assert _authentication(workspace, "incidents.incident.declared") == _expected(workspace, receipts)


def test_a_button_in_slack(ben_says: Speaker, workspace: Tenant, receipts: Any) -> None:
    answer = ben_says("declare sev3 Checkout fails")
    slack.press(slack.buttons(answer)["I am on it"], authentication={"method": "passkey"})

    assert _authentication(workspace, "incidents.incident.acknowledged") == _expected(workspace, receipts)
