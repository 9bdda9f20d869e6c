"""Every form of the console, sent with wrong input: the refusal stands on its page, with what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.urls import resolve
from django.utils.html import escape

from conductor.console.refusals.forms import Control, Form, forms_of, is_secret, refilled
from tests.browsing import prove
from tests.console import pages
from tests.console.town import Town

Browser = Callable[[User], Client]

HARMLESS = {
    "account_logout",
    "preferences",
}
"""Forms of every page that refuse nothing."""

TAKES_ANYTHING = {
    "console:member_invitation_renewal",
    "console:member_invitation_revocation",
    "console:member_removal",
    "console:member_sessions",
    "console:member_token_revocation",
    "console:policy_activation",
    "console:receipt_stamp",
    "console:run_action",
    "evidence:pack",
    "incidents:alert_source_end",
    "incidents:alert_source_test",
    "incidents:link_end",
    "incidents:postmortem",
    "incidents:postmortem_review",
    "incidents:postmortem_section",
    "incidents:release",
    "incidents:role",
    "incidents:role_answer",
    "incidents:rules_reporting_one",
    "incidents:ticket_step",
    "incidents:visibility",
    "slack:install",
}
"""Forms of one button, of fixed values or of free text, which this way of sending cannot make wrong."""


@dataclass(frozen=True)
class Sent:
    page: str
    name: str
    """URL name that the form posts to."""
    path: str
    data: dict[str, list[str]]
    typed: list[str]
    """What a person would have typed or written, secrets aside."""


def wrong(control: Control) -> str:
    """Return what the control cannot take, as somebody without the browser's own checks might send it."""
    if control.kind in {"hidden", "checkbox"}:
        return control.attributes.get("value") or "on"
    most = control.attributes.get("maxlength")
    return f"no-such-{control.name}" + ("x" * int(most) if most else "")


def sent_by(form: Form, page: str) -> Sent:
    data: dict[str, list[str]] = {}
    typed = []
    buttons = [each for each in form.controls if each.tag == "button" and each.name]
    for control in [*(each for each in form.controls if each.tag != "button" and each.name), *buttons[-1:]]:
        if (
            control.kind == "file"
            or control.name == "csrfmiddlewaretoken"
            or (control.kind == "radio" and control.name in data)
        ):
            continue
        value = (control.attributes.get("value") or "") if control.tag == "button" else wrong(control)
        data.setdefault(control.name, []).append(value)
        if control.tag == "textarea" or (control.tag == "input" and control.kind in {"text", "search", "url", "email"}):
            typed += [] if is_secret(control.name) else [value]
    path = urlsplit(urljoin(page, form.attributes.get("action") or page))
    where = f"{path.path}?{path.query}" if path.query else path.path
    return Sent(page, resolve(path.path).view_name, where, data, typed)


def every_form(town: Town, browser: Client) -> Iterator[Sent]:
    """Yield each form of each page once; of rows that have the same form, the first."""
    known = set()
    for address in [*pages.pages(town), *pages.writes(town)]:
        response = browser.get(address.path)
        if response.status_code != 200 or "text/html" not in response["Content-Type"]:
            continue
        for form in forms_of(response.content.decode()):
            sent = sent_by(form, address.path)
            key = (urlsplit(sent.page).path, sent.name, tuple((each.name, each.kind) for each in form.controls))
            if sent.name not in HARMLESS and key not in known:
                known.add(key)
                yield sent


def send(browser: Client, sent: Sent) -> HttpResponse:
    """Post it as a browser does from its page, and undo whatever it did."""
    with transaction.atomic():
        response = browser.post(sent.path, sent.data, headers={"Referer": f"http://testserver{sent.page}"})
        transaction.set_rollback(True)
    return response  # type: ignore[return-value]


@pytest.mark.fault("console-F7")
@pytest.mark.parametrize("who", ["ana", "cora"])
def test_every_refused_form_stands_on_its_page_with_what_was_typed(
    town: Town, who: str, request: pytest.FixtureRequest, as_user: Browser
) -> None:
    browser = prove(as_user(request.getfixturevalue(who)))
    accepted, refused = set(), set()
    for sent in list(every_form(town, browser)):
        response = send(browser, sent)
        assert response.status_code < 500, sent
        if response.status_code < 400:
            accepted.add(sent.name)
            continue
        refused.add(sent.name)
        html = response.content.decode()
        assert 'aria-label="Navigation"' in html, sent
        assert re.search(r'role="alert"|class="(error|refused)', html), sent
        assert [text for text in sent.typed if escape(text) not in html] == [], sent
        if response.status_code == 422:
            again = [sent_by(form, sent.page) for form in forms_of(html)]
            assert sent.path in {each.path for each in again}, sent

    assert accepted - refused <= TAKES_ANYTHING
    assert len(refused) >= 16


PAGE = """
<form method="post" action="/role/"><input type="hidden" name="role" value="SCRIBE"><button>Give</button></form>
<details class="fold"><form method="post" action="/role/"><div class="panel-body stack">
<input type="hidden" name="role" value="LIAISON"><input name="who" value="was">
<textarea name="why" maxlength="9">
was</textarea><select name="kind"><option value="a" selected>A</option><option>b c</option></select>
<input type="checkbox" name="sure" value="y" checked><input type="radio" name="r" value="1" checked>
<input type="radio" name="r" value="2">
<input type="password" name="key"><input name="api_token"><input type="file" name="file">
<button name="as" value="x">Go</button>
</div></form></details><form method="post"><button>Here</button></form>
<form method="get" action="/role/"><input name="who"></form>
"""


def again(posted: str, problems: dict[str, list[str]] | None = None, action: str = "/role/") -> str:
    return refilled(
        PAGE,
        address="/page/?tab=x",
        action=action,
        posted=QueryDict(posted),
        reason="Not <now>.",
        problems=problems or {},
    )


@pytest.mark.fault("console-F7")
def test_the_form_that_was_sent_is_filled_and_no_other() -> None:
    html = again(
        "role=LIAISON&who=%22%3E%3Cscript%3E&why=%3C%2Ftextarea%3E&kind=b+c&r=2&key=s3cret&api_token=s3cret&as=x"
    )
    first, second, third = forms_of(html)

    assert html.count("Not &lt;now&gt;.") == 1
    assert second.body < html.index("Not &lt;now&gt;.") < html.index('name="who"')
    assert '<details class="fold" open>' in html
    assert 'name="who" value="&quot;&gt;&lt;script&gt;"' in html
    assert "&lt;/textarea&gt;</textarea>" in html
    assert "<option selected>b c</option>" in html
    assert '<option value="a">' in html
    assert 'value="y">' in html
    assert 'name="r" value="1">' in html
    assert 'name="r" value="2" checked>' in html
    assert "s3cret" not in html
    assert "<script>" not in html
    assert [form.attributes["action"] for form in (first, second, third)] == ["/role/", "/role/", "/page/?tab=x"]


@pytest.mark.fault("console-F7")
def test_a_complaint_stands_beside_its_field_and_the_others_at_the_head() -> None:
    html = again("role=LIAISON&who=x&why=y", {"who": ["Unknown <name>."], "elsewhere": ["Not set."]})

    assert 'aria-invalid="true" aria-describedby="refused-who"' in html
    assert '<span class="error" id="refused-who">Unknown &lt;name&gt;.</span>' in html
    assert "Elsewhere: Not set." in html
    assert "Not &lt;now&gt;." not in html


def test_a_form_of_another_address_is_left_alone() -> None:
    assert "refused" not in again("who=x", action="/other/")
    assert "refused" not in again("nothing=of+it")
