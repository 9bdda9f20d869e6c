"""Verbs: connect a workspace and its people; keep a request before its work, and do the work exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from chatops.models import SlackIdentity, SlackInstallation, SlackReceipt
from conductor.ledger.receipts import append
from conductor.lib.errors import Conflict, Invalid
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, require
from conductor.tenancy.models import Membership
from conductor.tenancy.scope import tenant_scope

REFERENCES = ("env:", "file:", "vault:")
ANSWER_WITHIN_MS = 2000
"""Bound of one statement and of one wait for a lock while Slack waits; Slack itself gives up after 3 s."""

Perform = Callable[[SlackReceipt, datetime], Mapping[str, Any]]
"""Carries out a stored request inside its transaction and returns the answer. A refusal is an answer too."""


class WorkspaceTaken(Conflict):
    """This Slack workspace speaks for another organisation already. Remove the app there first."""

    code = "workspace_taken"


class WorkspaceUnknown(Invalid):
    """This Slack workspace is not connected to your organisation."""

    code = "workspace_unknown"


class NotAMember(Invalid):
    """This person is not a member of your organisation. Add them as a member first."""

    code = "not_a_member"


def link_workspace(
    *, tenant_id: UUID, team_id: str, team_name: str, actor: Actor, now: datetime, bot_token_reference: str = ""
) -> SlackInstallation:
    """Let the workspace speak for the tenant, again if it was revoked. Needs the tenant's scope.

    Raise WorkspaceTaken where it speaks for another tenant, Invalid where a token itself was given.
    """
    require(actor=actor, permission="manage_adapters")
    if bot_token_reference and not bot_token_reference.startswith(REFERENCES):
        raise Invalid(fields={"bot_token_reference": [f"Say where the token is: {', '.join(REFERENCES)}…"]})
    given = {"team_name": team_name, "bot_token_reference": bot_token_reference}
    fresh = {"tenant_id": tenant_id, "installed_at": now, "revoked_at": None}
    try:
        with transaction.atomic():
            row, _ = SlackInstallation.objects.update_or_create(team_id=team_id, defaults={**given, **fresh})
            _keep_act("chatops.workspace.linked", row, actor, now, {"team": team_id, "name": team_name})
    except IntegrityError as error:
        raise WorkspaceTaken from error
    return row


def revoke_workspace(*, installation: SlackInstallation, actor: Actor, now: datetime) -> bool:
    """Stop listening to the workspace; return False if that was so already. What it did stays on record."""
    require(actor=actor, permission="manage_adapters")
    with transaction.atomic():
        live = SlackInstallation.objects.filter(id=installation.id, revoked_at=None)
        if not live.update(revoked_at=now):
            return False
        _keep_act("chatops.workspace.revoked", installation, actor, now, {"team": installation.team_id})
    installation.refresh_from_db()
    return True


def link_identity(
    *, tenant_id: UUID, team_id: str, slack_user_id: str, user: User, actor: Actor, now: datetime
) -> SlackIdentity:
    """Say which member a Slack user is; a link made before is replaced. Needs the tenant's scope."""
    require(actor=actor, permission="manage_members")
    if not SlackInstallation.objects.filter(team_id=team_id).exists():
        raise WorkspaceUnknown
    if not Membership.objects.filter(user=user).exists():
        raise NotAMember
    with transaction.atomic():
        row, _ = SlackIdentity.objects.update_or_create(
            tenant_id=tenant_id,
            team_id=team_id,
            slack_user_id=slack_user_id,
            defaults={"user": user, "linked_at": now},
        )
        body = {"team": team_id, "slack_user": slack_user_id, "user": ref("tenancy.user", user.pk)}
        _keep_act("chatops.identity.linked", row, actor, now, body)
    return row


def store_receipt(
    *,
    tenant_id: UUID,
    dedupe_key: str,
    kind: str,
    team_id: str,
    slack_user_id: str,
    channel_id: str,
    payload: Mapping[str, Any],
    payload_digest: str,
    now: datetime,
) -> SlackReceipt:
    """Keep the request, committed, before anything is done about it; return the first one of its key.

    A repeat that arrives while the first is being inserted waits for it. Must not run inside a transaction.
    """
    row = SlackReceipt(
        tenant_id=tenant_id,
        dedupe_key=dedupe_key,
        kind=kind,
        team_id=team_id,
        slack_user_id=slack_user_id,
        channel_id=channel_id,
        payload=dict(payload),
        payload_digest=payload_digest,
        attempts=1,
        received_at=now,
    )
    with tenant_scope(tenant_id):
        SlackReceipt.objects.bulk_create([row], ignore_conflicts=True)
        return SlackReceipt.objects.get(dedupe_key=dedupe_key)


def process_receipt(*, tenant_id: UUID, receipt_id: UUID, perform: Perform, now: datetime) -> SlackReceipt:
    """Carry the request out while Slack waits, or return it as it was carried out before.

    The work and its answer are one transaction under the row's lock: whoever comes second waits, finds the answer
    and does nothing. Whatever `perform` raises is raised, and nothing of it stays.
    """
    with tenant_scope(tenant_id):
        _hurry()
        receipt = SlackReceipt.objects.select_for_update().get(id=receipt_id)
        if receipt.answer is None:
            receipt.answer = dict(perform(receipt, now))
            receipt.state, receipt.done_at = SlackReceipt.State.DONE, now
            receipt.save(update_fields=["answer", "state", "done_at"])
    return receipt


def count_attempt(*, tenant_id: UUID, receipt_id: UUID) -> int:
    """Count a late attempt, committed before it begins, and return its number; 0 if the request is not open.

    A request that kills its process is thereby given up after some tries.
    """
    with tenant_scope(tenant_id):
        live = SlackReceipt.objects.filter(id=receipt_id, state=SlackReceipt.State.RECEIVED)
        if not live.update(attempts=F("attempts") + 1):
            return 0
        return SlackReceipt.objects.values_list("attempts", flat=True).get(id=receipt_id)


def process_late(*, tenant_id: UUID, receipt_id: UUID, perform: Perform, now: datetime) -> SlackReceipt | None:
    """Carry the request out after Slack stopped waiting; None when another process is at it.

    It stays open until `close_receipt`, because its answer has yet to be posted. A stored answer is not made again.
    """
    with tenant_scope(tenant_id):
        open_rows = SlackReceipt.objects.filter(id=receipt_id, state=SlackReceipt.State.RECEIVED)
        receipt = open_rows.select_for_update(skip_locked=True).first()
        if receipt is not None and receipt.answer is None:
            receipt.answer = dict(perform(receipt, now))
            receipt.save(update_fields=["answer"])
    return receipt


def close_receipt(
    *, tenant_id: UUID, receipt_id: UUID, state: str, now: datetime, answer: Mapping[str, Any] | None = None
) -> bool:
    """End an open request as DONE or FAILED; `answer` fills in for one that was never made. False: closed already."""
    with tenant_scope(tenant_id):
        live = SlackReceipt.objects.filter(id=receipt_id, state=SlackReceipt.State.RECEIVED)
        if answer is not None:
            live.filter(answer__isnull=True).update(answer=dict(answer))
        return live.update(state=state, done_at=now) == 1


def _hurry() -> None:
    with connection.cursor() as cursor:
        for setting in ("lock_timeout", "statement_timeout"):
            cursor.execute("SELECT set_config(%s, %s, true)", [setting, f"{ANSWER_WITHIN_MS}ms"])


def _keep_act(
    action: str, row: SlackInstallation | SlackIdentity, actor: Actor, now: datetime, body: dict[str, Any]
) -> None:
    kind = "chatops.installation" if isinstance(row, SlackInstallation) else "chatops.identity"
    append(
        tenant_id=row.tenant_id,
        action=action,
        subject=ref(kind, row.id),
        subject_name=str(row),
        actor=actor,
        now=now,
        body=body,
    )
