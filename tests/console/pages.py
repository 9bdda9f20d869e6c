"""Every address of the URL conf below a tenant, found by walking it, so that a new page cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.console.town import Town

SLUG = "northwind"

SIGNPOSTS = {"tenant_home", "incidents:services", "slack:identity_confirm"}
"""Lead elsewhere, are parts of a form or a link by a secret of its own, so that no walk reaches them: test_refusals.py,
test_declare_page.py and tests/chatops/test_connections.py do."""

READS: dict[str, dict[str, str]] = {
    "slack:workspaces": {},
    "command:say": {},
    "console:palette": {},
    "console:inbox": {},
    "console:help": {},
    "console:help_page": {"name": "=reference/adapters"},
    "console:runs": {},
    "console:run": {"number": "run"},
    "console:receipts": {},
    "console:receipt": {"receipt_id": "receipt"},
    "console:receipt_proof": {"receipt_id": "receipt", "form": "=sigstore.json"},
    "console:trust_root": {},
    "console:policy": {},
    "console:policy_decision": {"decision_id": "decision"},
    "console:policy_rules": {},
    "console:policy_version": {"policy_id": "policy"},
    "console:policy_simulations": {},
    "console:policy_simulation": {"number": "simulation"},
    "console:members": {},
    "console:member_tokens": {},
    "console:member_permissions": {},
    "console:member": {"membership_id": "membership"},
    "incidents:list": {},
    "incidents:detail": {"number": "told"},
    "incidents:events": {"number": "told"},
    "incidents:entry": {"number": "told", "seq": "=1"},
    "incidents:access": {"number": "told"},
    "incidents:postmortem": {"number": "told"},
    "incidents:postmortems": {},
    "incidents:alerts": {},
    "incidents:alert_sources": {},
    "incidents:alert_source": {"name": "=probe"},
    "incidents:deadlines": {},
    "incidents:rules": {},
    "incidents:rules_version": {"version": "=0"},
    "incidents:rules_file": {"version": "=0"},
    "incidents:rules_reporting": {},
    "incidents:rules_reporting_one": {"key": "=gdpr.authority"},
    "incidents:export": {},
    "incidents:postmortem_pdf": {"number": "told"},
    "incidents:postmortem_md": {"number": "told"},
    "incidents:postmortem_json": {"number": "told"},
    "incidents:action_items": {},
    "incidents:action_item": {"number": "action"},
    "evidence:list": {},
    "evidence:bundle": {"number": "bundle"},
    "evidence:artifact": {"number": "bundle", "artifact_id": "artifact"},
    "evidence:pack_file": {"pack_id": "pack", "ending": "=pdf"},
    "controls:list": {},
    "controls:detail": {"key": "control"},
}
"""URL name to its arguments: each the name of a field of Town, or a constant after "="."""

WRITES: dict[str, dict[str, str]] = {
    "slack:install": {},
    "slack:disconnect": {"workspace_id": "=01934a00-0000-7000-8000-00000000dead"},
    "slack:retry": {"message_id": "=01934a00-0000-7000-8000-00000000dead"},
    "console:run_action": {"number": "run", "action": "=retry"},
    "console:receipt_stamp": {"receipt_id": "receipt"},
    "console:policy_upload": {},
    "console:policy_activation": {"policy_id": "policy"},
    "console:policy_retirement": {"policy_id": "policy"},
    "console:policy_simulate": {},
    "console:member_second_step": {},
    "console:member_invite": {},
    "console:member_token_issue": {},
    "console:member_token_revocation": {"token_id": "token"},
    "console:member_invitation_renewal": {"invitation_id": "invitation"},
    "console:member_invitation_revocation": {"invitation_id": "invitation"},
    "console:member_role": {"membership_id": "membership"},
    "console:member_sessions": {"membership_id": "membership"},
    "console:member_removal": {"membership_id": "membership"},
    "incidents:declare": {},
    "incidents:acknowledgement": {"number": "burning"},
    "incidents:transition": {"number": "burning"},
    "incidents:undo": {"number": "burning", "seq": "=1"},
    "incidents:classification": {"number": "burning"},
    "incidents:role": {"number": "burning"},
    "incidents:update": {"number": "burning"},
    "incidents:retry": {"number": "told", "run": "run"},
    "incidents:role_answer": {"number": "burning"},
    "incidents:handover": {"number": "burning"},
    "incidents:release": {"number": "burning"},
    "incidents:milestone": {"number": "burning", "key": "=detected"},
    "incidents:tasks": {"number": "burning"},
    "incidents:task": {"number": "burning", "task": "=1"},
    "incidents:answers": {"number": "burning"},
    "incidents:duty": {"number": "burning"},
    "incidents:moment": {"number": "burning"},
    "incidents:filing": {"number": "burning", "duty": "=01934a00-0000-7000-8000-00000000000a"},
    "incidents:link": {"number": "burning"},
    "incidents:link_end": {"number": "burning", "edge": "=01934a00-0000-7000-8000-00000000000a"},
    "incidents:merge": {"number": "burning"},
    "incidents:visibility": {"number": "burning"},
    "incidents:rules_new": {},
    "incidents:rules_change": {},
    "incidents:rules_reporting_new": {},
    "incidents:alert": {"alert": "=01934a00-0000-7000-8000-00000000000a"},
    "incidents:alert_source_new": {},
    "incidents:alert_source_test": {"name": "=probe"},
    "incidents:alert_source_severities": {"name": "=probe"},
    "incidents:alert_source_rotate": {"name": "=probe"},
    "incidents:alert_source_end": {"name": "=probe"},
    "incidents:postmortem_section": {"number": "told", "part": "=factors"},
    "incidents:postmortem_review": {"number": "told", "step": "=review"},
    "incidents:action_item_new": {"number": "told"},
    "incidents:tickets": {"number": "burning"},
    "incidents:action_item_tickets": {"number": "action"},
    "incidents:ticket_step": {"ticket_id": "=01934a00-0000-7000-8000-00000000dead", "step": "=sync"},
    "incidents:action_item_step": {"number": "action", "step": "=closure"},
    "evidence:pack": {"number": "bundle"},
    "controls:start_restore": {},
}
"""Addresses that only write, or whose form only writers may see."""

ALSO_WRITE = frozenset(
    {
        "incidents:action_item",
        "incidents:postmortem",
        "incidents:entry",
        "incidents:access",
        "incidents:rules_reporting_one",
    }
)
"""Pages that anybody may read and that take a form as well."""

VARIANTS = {
    "console:inbox": ("kind=Approvals", "from=1"),
    "incidents:list": (
        "layout=board",
        "view=all&sort=-elapsed&commander=nobody&from=2026-11-01",
        "view=all",
        "view=mine",
        "view=imported",
        "q=queue&severity=SEV1",
    ),
    "incidents:detail": (
        "tab=graph",
        "tab=tasks",
        "tab=assessment",
        "tab=links",
        "tab=tickets",
        "tab=runs",
        "tab=steps",
        "tab=receipts",
        "view=key",
        "before=20",
    ),
    "incidents:deadlines": ("view=done",),
    "incidents:postmortems": ("view=review", "view=missing", "view=all&severity=SEV1&mine=1", "view=all&q=queue"),
    "console:runs": ("status=running",),
    "console:member_permissions": (
        "person={membership}&action=incidents.resolve&case=INC-{burning}&signed_in=password",
        "person={membership}&action=manage_members",
        "person=nobody&action=respond",
    ),
    "console:policy": ("answer=denied", "action=incidents.resolve&code=severity_unknown"),
    "console:run": ("step=1",),
    "console:palette": ("q=queue",),
    "evidence:list": ("status=sealed", "q=restore"),
    "controls:list": ("framework=NIST_800_53", "q=backup"),
}
"""Query strings that make another page of the same address; {name} is a field of Town."""
STREAMS = frozenset({"incidents:events"})
FILES = frozenset(
    {
        "console:receipt_proof",
        "console:trust_root",
        "incidents:postmortem_pdf",
        "incidents:postmortem_md",
        "incidents:postmortem_json",
        "incidents:export",
        "incidents:rules_file",
        "evidence:artifact",
        "evidence:pack_file",
    }
)
NOT_PAGES = STREAMS | FILES

ABSENT = {
    "number": 999_999,
    "receipt_id": "01934a00-0000-7000-8000-00000000dead",
    "decision_id": "01934a00-0000-7000-8000-00000000dead",
    "policy_id": "01934a00-0000-7000-8000-00000000dead",
    "membership_id": "01934a00-0000-7000-8000-00000000dead",
    "token_id": "01934a00-0000-7000-8000-00000000dead",
    "invitation_id": "01934a00-0000-7000-8000-00000000dead",
    "artifact_id": "01934a00-0000-7000-8000-00000000dead",
    "pack_id": "01934a00-0000-7000-8000-00000000dead",
    "key": "SOC2_Z9.9",
    "version": 999_999,
    "seq": 999_999,
}
"""Arguments that name nothing."""


@dataclass(frozen=True)
class Address:
    """A URL name and a path that it stands for."""

    name: str
    path: str
    absent: str
    """The same page of something that does not exist; the same path for a page that names nothing."""


def names_below_a_tenant() -> set[str]:
    """Return the names of all URL patterns with a `tenant` argument, the API's aside (it has tests of its own)."""
    return {name for name, route in _walk(get_resolver()) if "<slug:tenant>" in route and not route.startswith("api/")}


def reads(town: Town) -> list[Address]:
    """Return the addresses that an auditor may read."""
    return [_address(name, wanted, town) for name, wanted in READS.items()]


def writes(town: Town) -> list[Address]:
    """Return the addresses that take a POST."""
    both = {name: READS[name] for name in sorted(ALSO_WRITE)}
    return [_address(name, wanted, town) for name, wanted in {**WRITES, **both}.items()]


def pages(town: Town) -> list[Address]:
    """Return the addresses that answer with a page."""
    plain = [each for each in reads(town) if each.name not in NOT_PAGES]
    return [*plain, *(_with(each, query, town) for each in plain for query in VARIANTS.get(each.name, ()))]


def _with(address: Address, query: str, town: Town) -> Address:
    query = query.format(**vars(town))
    return Address(address.name, f"{address.path}?{query}", f"{address.absent}?{query}")


def _address(name: str, wanted: dict[str, str], town: Town) -> Address:
    given: dict[str, Any] = {
        argument: source[1:] if source.startswith("=") else getattr(town, source) for argument, source in wanted.items()
    }
    absent = {**given, **{argument: ABSENT[argument] for argument in given if argument in ABSENT}}
    return Address(
        name, reverse(name, kwargs={"tenant": SLUG, **given}), reverse(name, kwargs={"tenant": SLUG, **absent})
    )


def _walk(resolver: URLResolver, space: str = "", route: str = "") -> Iterator[tuple[str, str]]:
    for each in resolver.url_patterns:
        below = route + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each, f"{space}{each.namespace}:" if each.namespace else space, below)
        elif isinstance(each, URLPattern):
            yield f"{space}{each.name}", below
