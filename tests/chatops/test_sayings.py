"""The same sentences at other doors: the command line and the console's palette."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from chatops.commands.forms import FORMS
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.models.incident import Incident

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


@pytest.mark.parametrize("verb", list(FORMS))
def test_every_verb_alone_is_a_form_in_the_console(tenant: Tenant, ben: User, as_user: Browser, verb: str) -> None:
    run("declare", "sev3", "Checkout", "fails")

    answer = as_user(ben).get("/t/northwind/command/", {"q": verb})
    page = answer.content.decode()

    if verb == "ticket":
        assert (answer.status_code, "No tracker is connected" in page) == (422, True)
    elif FORMS[verb].asks_when_bare and verb != "reopen":
        for field in FORMS[verb].fields:
            assert f'name="{field.name}"' in page, field.name
    else:
        assert "Do it" in page or verb == "reopen"


def test_a_form_of_the_console_is_filled_in_with_what_was_said_and_says_it(
    tenant: Tenant, ben: User, as_user: Browser
) -> None:
    run("declare", "sev3", "Checkout", "fails")
    browser = as_user(ben)

    page = browser.get("/t/northwind/command/", {"q": "update --next 30m --customer"}).content.decode()
    done = browser.post(
        "/t/northwind/command/",
        {"verb": "update", "incident": "1", "text": "It works", "next": "30m", "audience": "CUSTOMER"},
    )

    assert 'value="30m"' in page
    assert '<option value="CUSTOMER" selected>' in page
    assert '<option value="1" selected>INC-1' in page
    assert (done.status_code, "has your update for customers" in done.content.decode()) == (200, True)


def test_a_form_of_the_console_names_people_and_is_refused_beside_the_field(
    tenant: Tenant, ben: User, cora: User, as_user: Browser
) -> None:
    run("declare", "sev3", "Checkout", "fails")
    form = {"verb": "task", "incident": "1", "text": "Check the replica"}

    refused = as_user(ben).post("/t/northwind/command/", {**form, "due": "someday", "person": "ben"})
    done = as_user(ben).post("/t/northwind/command/", {**form, "due": "2h", "person": "cora"})

    assert refused.status_code == 422
    assert 'id="due-error"' in refused.content.decode()
    assert 'value="Check the replica"' in refused.content.decode()
    assert "for Cora Commander" in done.content.decode()
    assert as_user(ben).post("/t/northwind/command/", {"verb": "status"}).status_code == 404


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
