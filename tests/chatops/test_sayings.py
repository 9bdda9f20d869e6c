"""The same sentences at other doors: the command line and the console's palette."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope
from incidents.models import Incident

Browser = Callable[[User], Client]


def incidents(tenant: Tenant) -> list[tuple[str, str, str]]:
    with tenant_scope(tenant.id):
        return list(Incident.objects.order_by("number").values_list("title", "severity", "origin"))


def run(*words: str, person: str = "ben", tenant: str = "northwind") -> str:
    out = StringIO()
    call_command("incident", "--tenant", tenant, "--as", person, *words, stdout=out)
    return out.getvalue()


def test_the_command_line_says_the_same_sentences(tenant: Tenant, ben: User) -> None:
    declared = run("declare", "sev2", "Checkout", "fails")
    shown = run("status")

    assert incidents(tenant) == [("Checkout fails", "SEV2", "cli")]
    assert "INC-1" in declared
    assert "Nobody holds a role." in shown
    assert "<!date" not in declared + shown
    assert "*" not in shown


@pytest.mark.parametrize(
    ("words", "person", "tenant_slug", "why"),
    [
        (["declair", "x"], "ben", "northwind", "There is no verb “declair”"),
        (["declare", "x"], "cleo", "northwind", "Only Responder"),
        (["declare", "x"], "max", "northwind", "max is not a member"),
        (["declare", "x"], "ben", "nobody", "There is no organisation nobody"),
    ],
)
def test_the_command_line_refuses_with_the_reason_and_changes_nothing(
    tenant: Tenant, ben: User, words: list[str], person: str, tenant_slug: str, why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        run(*words, person=person, tenant=tenant_slug)

    assert incidents(tenant) == []


def test_the_palette_offers_the_sentence_that_was_typed(tenant: Tenant, ben: User, as_user: Browser) -> None:
    browser = as_user(ben)

    found = browser.get("/t/northwind/palette", {"q": "declare sev2 Checkout fails"}).content.decode()
    page = browser.get("/t/northwind/command/", {"q": "declare sev2 Checkout fails"})
    done = browser.post("/t/northwind/command/", {"q": "declare sev2 Checkout fails"})

    assert "/t/northwind/command/?q=declare+sev2+Checkout+fails" in found
    assert "Do it: declare sev2 Checkout fails" in page.content.decode()
    assert (done.status_code, incidents(tenant)) == (200, [("Checkout fails", "SEV2", "console")])
    assert "declared by Ben Responder" in done.content.decode()


def test_the_palette_tells_how_a_verb_goes_on_and_what_was_meant(tenant: Tenant, ben: User, as_user: Browser) -> None:
    browser = as_user(ben)

    begun = browser.get("/t/northwind/palette", {"q": "classify"}).content.decode()
    wrong = browser.get("/t/northwind/command/", {"q": "mitigatd"}).content.decode()

    assert "[INC-n] sev1|sev2|sev3|sev4 [reason]" in begun
    assert "There is no verb “mitigatd”" in wrong
    assert "mitigated" in wrong
    assert "Do it" not in wrong


def test_an_auditor_is_offered_what_reads_and_refused_the_rest(tenant: Tenant, cleo: User, as_user: Browser) -> None:
    browser = as_user(cleo)

    refused = browser.post("/t/northwind/command/", {"q": "declare sev1 x"})

    assert "Commands" not in browser.get("/t/northwind/palette", {"q": "declare sev1 x"}).content.decode()
    assert "Commands" in browser.get("/t/northwind/palette", {"q": "list open"}).content.decode()
    assert browser.post("/t/northwind/command/", {"q": "list"}).status_code == 200
    assert (refused.status_code, incidents(tenant)) == (422, [])
    assert "Nothing was changed" in refused.content.decode()


def test_a_stranger_finds_no_door(tenant: Tenant, max_: Any, as_user: Browser) -> None:
    for path in ("/t/northwind/command/", "/t/northwind/slack/"):
        assert as_user(max_).get(path, {"q": "list"}).status_code == 404
