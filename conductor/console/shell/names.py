"""Names of what a Ref means: people by their account, everything else as its newest receipt calls it."""

from __future__ import annotations

from collections.abc import Iterable

from conductor.ledger.models import Receipt
from conductor.lib.refs import Ref, parse_ref
from conductor.tenancy.actors import display_name
from conductor.tenancy.models import Membership

USER, SYSTEM = "tenancy.user", "conductor.system"


def names_of(refs: Iterable[Ref]) -> dict[Ref, str]:
    """Return a name for each Ref, in at most two queries; of what has none, its kind and the end of its id."""
    wanted = {each for each in refs if each}
    kinds = {each: parse_ref(each) for each in wanted}
    people = {each for each, (kind, _id) in kinds.items() if kind == USER}
    others = {each for each, (kind, _id) in kinds.items() if kind not in {USER, SYSTEM}}
    return {**{each: _unnamed(*kinds[each]) for each in wanted}, **_people(people), **_receipted(others)}


def _people(refs: set[Ref]) -> dict[Ref, str]:
    ids = [int(parse_ref(each)[1]) for each in refs if parse_ref(each)[1].isdigit()]
    if not ids:
        return {}
    members = Membership.objects.filter(user_id__in=ids).select_related("user")
    return {f"{USER}:{member.user_id}": display_name(member.user) for member in members}


def _receipted(refs: set[Ref]) -> dict[Ref, str]:
    if not refs:
        return {}
    found = Receipt.objects.filter(subject__in=refs).exclude(subject_name="").order_by("subject", "-id")
    return dict(found.distinct("subject").values_list("subject", "subject_name"))


def _unnamed(kind: str, identifier: str) -> str:
    if kind == SYSTEM:
        return identifier.replace("_", " ").capitalize()
    words = kind.rpartition(".")[2].replace("_", " ").capitalize()
    return f"{words} …{identifier[-8:]}"
