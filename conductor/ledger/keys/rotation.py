"""Verbs on keys: replace one, declare one compromised. Both are receipts in every tenant's log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from conductor.ledger.keys import dsse
from conductor.ledger.keys.keyring import hold_all, in_force, rotation_statement
from conductor.ledger.keys.keys import KeyProvider, Signer
from conductor.ledger.models import Checkpoint, SigningKey
from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Conflict
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs


class NoNewKey(Conflict):
    """There is no new key to rotate to. Give the provider one that was never in force, then try again."""

    code = "no_new_key"


class KeyWasUsed(Conflict):
    """This key was in force before. A key that was replaced never comes back."""

    code = "key_was_used"


class AlreadyCompromised(Conflict):
    """This key was declared compromised before, and that moment stands."""

    code = "already_compromised"


def candidate(*, purpose: str, provider: KeyProvider) -> Signer:
    """Return the newest key at hand that was never in force; raise NoNewKey if there is none."""
    known = set(SigningKey.objects.filter(purpose=purpose).values_list("fingerprint_digest", flat=True))
    found = (each for each in provider.signers(purpose) if each.public.fingerprint not in known)
    if (signer := next(found, None)) is None:
        raise NoNewKey
    return signer


def rotate_key(*, purpose: str, new: Signer, provider: KeyProvider, actor: Actor, now: datetime) -> SigningKey:
    """Put `new` in force for `purpose` in place of the present key; return its row.

    Both keys sign the rotation. Every tenant's log gets a receipt that carries their endorsement. Waits until no
    sequencer is in the middle of a batch; whatever is pending is signed with the new key. No receipt is dated
    before its key: if a batch was signed after `now`, the rotation counts from then.
    """
    with transaction.atomic():
        hold_all()
        old, period = in_force(purpose=purpose, provider=provider, for_rotation=True)
        if SigningKey.objects.filter(purpose=purpose, fingerprint_digest=new.public.fingerprint).exists():
            raise KeyWasUsed
        moment = max([now, *_last_signatures(), *filter(None, [period.valid_from])])
        number = period.number + 1
        payload = rotation_statement(purpose=purpose, number=number, old=old.public, new=new.public, moment=moment)
        endorsement = dsse.sign(payload=payload, signers=[old, new]).to_dict()
        SigningKey.objects.filter(purpose=purpose, valid_to=None).update(valid_to=moment)
        row = SigningKey.objects.create(
            purpose=purpose,
            number=number,
            fingerprint_digest=new.public.fingerprint,
            public_key=new.public.pem,
            valid_from=moment,
            endorsement=endorsement,
        )
        body = {
            "purpose": purpose.lower(),
            "number": number,
            "old": f"sha256:{old.public.fingerprint}",
            "new": f"sha256:{new.public.fingerprint}",
            "endorsement": endorsement,
        }
        _tell_every_log(row, "ledger.key.rotated", body, actor, now)
    return row


def declare_compromised(*, key: SigningKey, moment: datetime, reason: str, actor: Actor, now: datetime) -> None:
    """Declare that what `key` signed from `moment` on is not to be believed. It cannot be taken back.

    If the key is in force, sequencing stops until it is replaced.
    """
    with transaction.atomic():
        hold_all()
        if not SigningKey.objects.filter(id=key.id, compromised_from=None).update(compromised_from=moment):
            raise AlreadyCompromised
        body = {
            "purpose": key.purpose.lower(),
            "key": f"sha256:{key.fingerprint_digest}",
            "from": rfc3339(moment),
            "reason": reason,
        }
        _tell_every_log(key, "ledger.key.compromised", body, actor, now)


def _last_signatures() -> list[datetime]:
    """Return when each tenant's log was signed last."""
    found = []
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            newest = Checkpoint.objects.order_by("-tree_size").values_list("created_at", flat=True).first()
        found += [newest] if newest else []
    return found


def _tell_every_log(key: SigningKey, action: str, body: Mapping[str, object], actor: Actor, now: datetime) -> None:
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            append(
                tenant_id=tenant.id,
                action=action,
                subject=ref("conductor.signing_key", key.id),
                subject_name=f"{key.get_purpose_display()} key {key.number}",
                actor=actor,
                body=body,
                now=now,
            )
