"""The pages of a tenant's rules: versions of the response policy with their differences, and reporting obligations."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from incidents.models.obligation import Obligation, OwnRule
from incidents.models.policy import ResponsePolicy
from incidents.reporting.rules import rules_in_force
from incidents.response import policy_text
from incidents.response.guards import GUARDS
from incidents.response.policy import built_in_content
from incidents.response.policy_versions import change_response_policy

Browser = Callable[[User], Client]
RULES = "/t/northwind/incidents/rules/"
RULE = {
    "key": "acme.notice",
    "regime": "Contract with Acme",
    "title": "Notify the customer",
    "recipient": "Acme's security desk",
    "count": ["24", ""],
    "unit": ["hours", "hours"],
    "after": ["awareness", "awareness"],
    "unless_past": ["", ""],
    "zone": "Europe/Berlin",
    "calendar": "none",
    "armed_by": ["personal_data"],
    "source": "Data processing agreement, section 8.2",
    "reason": "Signed on Monday.",
}


def _changed(**parts: Any) -> dict[str, Any]:
    return {**built_in_content(), **parts}


def _guarded(move: str, **rule: Any) -> str:
    return json.dumps(_changed(transitions={move: rule}))


def test_every_guard_has_its_words() -> None:
    assert policy_text.GUARD_WORDS.keys() == GUARDS.keys()


def test_an_auditor_reads_the_built_in_policy_in_words(scope: None, as_user: Browser, cleo: User) -> None:
    html = as_user(cleo).get(RULES).content.decode()

    assert "Comes with Conductor" in html
    assert "Blocking tasks are closed" in html
    assert "It was resolved recently (within 7 days)" in html
    assert "communications, then commander, then everybody" in html
    assert "New version" not in html
    assert as_user(cleo).get(f"{RULES}new/").status_code == 403


def test_a_new_version_is_compared_then_put_in_force_and_its_difference_stays(
    scope: None, as_user: Browser, ana: User
) -> None:
    admin = as_user(ana)
    text = json.dumps(_changed(accept_within_minutes=5, title="Ours"))

    shown = admin.post(f"{RULES}new/", {"content": text, "seen": "0", "compare": "on"})
    assert shown.status_code == 200
    assert "<code>accept_within_minutes</code>" in shown.content.decode()
    assert not ResponsePolicy.objects.exists()

    unsaid = admin.post(f"{RULES}new/", {"content": text, "seen": "0", "reason": ""})
    assert (unsaid.status_code, "This cannot be empty." in unsaid.content.decode()) == (422, True)
    saved = admin.post(f"{RULES}new/", {"content": text, "seen": "0", "reason": "Five minutes are enough."})
    assert saved.status_code == 302
    assert ResponsePolicy.objects.get().content["accept_within_minutes"] == 5

    page = admin.get(f"{RULES}versions/1/").content.decode()
    assert "Five minutes are enough." in page
    assert "<code>accept_within_minutes</code>" in page
    assert "<code>cadence" not in page
    assert json.loads(admin.get(f"{RULES}versions/1.json").content)["title"] == "Ours"
    stale = admin.post(f"{RULES}new/", {"content": text, "seen": "0", "reason": "Again."})
    assert (stale.status_code, "Read it again" in stale.content.decode()) == (409, True)
    assert admin.get(f"{RULES}versions/2/").status_code == 404


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{\n  title: 1}", "line 2, column 3"),
        ("[1]", "Use a JSON object"),
        ('{"title": NaN}', "a number that is none"),
        ("[" * 5000, "This is not JSON"),
        (json.dumps({"title": ""}), "at least 1 character"),
        (_guarded("OPEN>LUNCH"), "There is no move OPEN&gt;LUNCH."),
        (_guarded("OPEN>MITIGATED", guards=[{"guard": "mood"}]), "There is no guard mood"),
        (json.dumps(_changed(surprise=1)), "Extra inputs are not permitted"),
    ],
)
def test_every_fault_of_a_policy_is_told_and_nothing_changes(
    scope: None, as_user: Browser, ana: User, text: str, complaint: str
) -> None:
    for also in ({"compare": "on"}, {"reason": "Because."}):
        refused = as_user(ana).post(f"{RULES}new/", {"content": text, "seen": "0", **also})

        assert refused.status_code == 422
        assert complaint in refused.content.decode()
    assert not ResponsePolicy.objects.exists()


def test_a_file_counts_in_place_of_the_text(scope: None, as_user: Browser, ana: User) -> None:
    admin, text = as_user(ana), json.dumps(_changed(title="From a file\u0000"))
    for data, status in ((b"\xff\xfe", 422), (b" " * 200_001, 422), (text.encode(), 302)):
        file = SimpleUploadedFile("policy.json", data)
        answer = admin.post(f"{RULES}new/", {"content": "{}", "seen": "0", "reason": "r", "file": file})
        assert answer.status_code == status

    assert ResponsePolicy.objects.get().content["title"] == "From a file"


def test_a_change_is_a_path_with_before_and_after() -> None:
    before = {"a": {"b": 1, "c": [1, 2]}, "gone": "x"}
    after = {"a": {"b": 2, "c": [1, 2]}, "new": {"d": "y"}}

    changes = policy_text.changes_between(before, after)

    assert [(each.path, each.before, each.after) for each in changes] == [
        ("a.b", "1", "2"),
        ("new.d", "", "y"),
        ("gone", "x", ""),
    ]


def test_a_contracts_rule_is_added_changed_and_retired(
    scope: None, as_user: Browser, ana: User, cleo: User, declare: Callable[..., Any]
) -> None:
    admin = as_user(ana)
    assert admin.post(f"{RULES}reporting/new/", RULE).status_code == 302
    first = declare(answers={"personal_data": "YES"})
    assert Obligation.objects.filter(incident=first, rule_key="acme.notice").exists()
    form = admin.get(f"{RULES}reporting/new/?key=acme.notice").content.decode()
    assert 'value="acme.notice"' in form

    later = {**RULE, "count": ["12", "2"], "unit": ["hours", "working_days"], "reason": "Renegotiated."}
    assert admin.post(f"{RULES}reporting/new/", later).status_code == 302
    page = as_user(cleo).get(f"{RULES}reporting/acme.notice/").content.decode()
    assert "12 hours after awareness" in page
    assert "Renegotiated." in page
    assert [row.version for row in OwnRule.objects.order_by("version")] == [1, 2]

    nothing = admin.post(f"{RULES}reporting/acme.notice/", {"act": "retire", "reason": " "})
    assert (nothing.status_code, "This cannot be empty." in nothing.content.decode()) == (422, True)
    assert admin.post(f"{RULES}reporting/acme.notice/", {"act": "retire", "reason": "It ended."}).status_code == 302
    assert "acme.notice" not in {rule.key for rule in rules_in_force()}
    second = declare(answers={"personal_data": "YES"})
    assert not Obligation.objects.filter(incident=second, rule_key="acme.notice").exists()
    assert "Retired" in as_user(cleo).get(f"{RULES}reporting/").content.decode()


def test_a_built_in_rule_can_be_retired_and_keeps_what_the_form_does_not_ask(
    scope: None, as_user: Browser, ana: User
) -> None:
    admin = as_user(ana)
    known = next(rule for rule in rules_in_force() if rule.key == "dora.initial")
    form = {
        **RULE,
        "key": "dora.initial",
        "count": [str(limit.count) for limit in known.limits],
        "unit": [limit.unit for limit in known.limits],
        "after": [limit.after for limit in known.limits],
        "unless_past": [limit.unless_past for limit in known.limits],
    }
    assert admin.post(f"{RULES}reporting/new/", form).status_code == 302
    own = next(rule for rule in rules_in_force() if rule.key == "dora.initial")
    assert (own.limits, own.facts, own.title) == (known.limits, known.facts, "Notify the customer")

    address = f"{RULES}reporting/gdpr.authority/"
    assert admin.post(address, {"act": "retire", "reason": "No EU data."}).status_code == 302
    assert "gdpr.authority" not in {rule.key for rule in rules_in_force()}
    assert admin.post(address, {"act": "restore", "reason": "An EU customer came."}).status_code == 302
    assert "gdpr.authority" in {rule.key for rule in rules_in_force()}


def test_a_rule_with_faults_shows_all_of_them_and_what_was_typed(scope: None, as_user: Browser, ana: User) -> None:
    wrong = {**RULE, "key": "Acme", "zone": "Mars/Base", "count": ["-1", ""], "recipient": "", "note": "Kept\x00."}

    refused = as_user(ana).post(f"{RULES}reporting/new/", wrong)

    html = refused.content.decode()
    assert refused.status_code == 422
    for complaint in ("Key", "There is no time zone Mars/Base.", "Limits.0.count", "Recipient"):
        assert complaint in html
    assert "Kept" in html
    assert not OwnRule.objects.exists()


def test_only_an_admin_changes_rules(scope: None, as_user: Browser, cora: User, cleo: User) -> None:
    for person in (cora, cleo):
        browser = as_user(person)
        assert browser.post(f"{RULES}new/", {"content": "{}"}).status_code == 403
        assert browser.post(f"{RULES}reporting/new/", RULE).status_code == 403
        assert browser.post(f"{RULES}reporting/gdpr.authority/", {"act": "retire", "reason": "r"}).status_code == 403


def test_thirty_versions_cost_no_more_queries_than_one(
    scope: None,
    tenant: Tenant,
    as_user: Browser,
    cleo: User,
    ana: User,
    actor: Callable[[User], Actor],
    now: datetime,
    django_assert_max_num_queries: Any,
) -> None:
    for n in range(30):
        change_response_policy(
            tenant_id=tenant.id, content=_changed(title=f"v{n}"), reason="r", seen_version=n, actor=actor(ana), now=now
        )
    browser = as_user(cleo)
    browser.get(RULES)
    with django_assert_max_num_queries(25):
        assert browser.get(f"{RULES}versions/17/").status_code == 200


def _filled(**changed: Any) -> dict[str, Any]:
    """The form as it is shown of the built-in policy."""
    content = built_in_content()
    form: dict[str, Any] = {
        "seen": "0",
        "title": content["title"],
        "factor": "2",
        "accept": "10",
        "reason": "After the review.",
        **{f"every-{each}": str(minutes) for each, minutes in content["cadence"]["every_minutes"].items()},
        **{f"roles-{each}": roles for each, roles in content["required_roles"].items()},
        **{f"hears-{step}": who for step, who in enumerate(content["cadence"]["escalate_to"])},
        **{
            f"cell-{impact}-{urgency}": severity
            for impact, row in content["severity_matrix"].items()
            for urgency, severity in row.items()
        },
    }
    return {**form, **changed}


def test_the_form_shows_what_is_in_force_and_sent_back_changes_nothing_else(
    scope: None, as_user: Browser, ana: User
) -> None:
    admin = as_user(ana)
    html = admin.get(f"{RULES}change/").content.decode()
    assert 'name="every-SEV1" type="number" min="1" value="20"' in html
    assert html.count(" checked") == 5

    wanted = _filled(**{"every-SEV1": "15", "roles-SEV2": ["COMMANDER", "SCRIBE"], "hold": ["SEV4"]})
    shown = admin.post(f"{RULES}change/", {**wanted, "compare": "on"})
    assert shown.status_code == 200
    for path in ("cadence.every_minutes.SEV1", "required_roles.SEV2", "hold_alerts_of"):
        assert f"<code>{path}</code>" in shown.content.decode()
    assert "<code>severity_matrix" not in shown.content.decode()
    assert not ResponsePolicy.objects.exists()

    assert admin.post(f"{RULES}change/", wanted).status_code == 302
    content = ResponsePolicy.objects.get().content
    before = built_in_content()
    assert content["cadence"]["every_minutes"] == {**before["cadence"]["every_minutes"], "SEV1": 15}
    assert content["required_roles"]["SEV2"] == ["COMMANDER", "SCRIBE"]
    assert content["transitions"] == before["transitions"]
    stale = admin.post(f"{RULES}change/", wanted)
    assert (stale.status_code, "Read it again" in stale.content.decode()) == (409, True)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"every-SEV1": "soon"}, "Input should be a valid integer"),
        ({"every-SEV1": "0"}, "Use one minute or more."),
        ({"factor": "nan"}, "Input should be a valid number"),
        ({"hears-0": "CHEF"}, "There is no role CHEF."),
        ({"hears-0": "", "hears-1": "", "hears-2": ""}, "at least 1 item"),
        ({"cell-ALL-STOPPED": "SEV9"}, "Input should be"),
        ({"roles-SEV1": ["CHEF"]}, "Input should be"),
        ({"title": ""}, "at least 1 character"),
        ({"reason": " "}, "This cannot be empty."),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(
    scope: None, as_user: Browser, ana: User, wrong: dict[str, Any], complaint: str
) -> None:
    refused = as_user(ana).post(f"{RULES}change/", _filled(accept="7", **wrong))

    html = refused.content.decode()
    assert (refused.status_code, complaint in html) == (422, True)
    assert 'name="accept" type="number" min="1" max="1440" value="7"' in html
    assert not ResponsePolicy.objects.exists()


def test_the_form_is_for_who_configures_the_response(scope: None, as_user: Browser, cora: User, cleo: User) -> None:
    for person in (cora, cleo):
        assert as_user(person).get(f"{RULES}change/").status_code == 403
        assert as_user(person).post(f"{RULES}change/", _filled()).status_code == 403
