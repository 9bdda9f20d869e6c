"""Messages stay within Slack's limits on the worst data, and ping nobody."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from adapters.models.adapter import AdapterConfig
from adapters.models.ticket import Ticket
from chatops.commands import answers, page_replies, replies, ticket_replies
from chatops.commands import shown as incident_replies
from chatops.commands.page_recipients import Missed, Whom
from chatops.commands.phrases import VERBS
from conductor.metering.selectors import CostLine
from conductor.tenancy.models import Environment, Tenant
from incidents.followups.ticket_selectors import TicketShown
from incidents.followups.ticket_state import Subject
from incidents.models.action_item import ActionItem
from incidents.models.choices import Severity, Status
from incidents.models.history import TimelineEvent
from incidents.models.incident import Incident
from incidents.models.obligation import Obligation
from incidents.models.people import RoleAssignment, RoleOffer
from incidents.response.policy import Content
from tests.chatops.blocks import check_message, check_schema, utf16_length
from tests.chatops.slack import STRANGER, Speaker, buttons, words

WHEN = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
WORST = {
    "long": "x" * 10_000,
    "ampersands": "&" * 10_000,
    "astral": "\U0001f525" * 5_000,
    "rtl": "\u05e9\u05dc\u05d5\u05dd " * 1000,
    "marks": "<!channel> <!here> <@U0CORA> *bold* `code` _it_ ~no~ | <https://a.test|b>",
    "lines": "a\n" * 3000,
    "empty lines": "\n\n>\n",
}


def incident(text: str) -> Incident:
    """Return an unsaved incident whose every text is `text`, as long as its column allows."""
    return Incident(
        tenant=Tenant(slug="n" * 40),
        number=999_999_999,
        title=text[:200],
        severity=Severity.SEV1,
        status=Status.OPEN,
        service=text[:200],
        environment=Environment(name=text[:120]),
        declared_by_name=text[:200],
        declared_at=WHEN,
    )


def messages(text: str) -> dict[str, answers.Answer]:
    """Return one of each kind of message, made of `text`."""
    one = incident(text)
    role = RoleAssignment(role="COMMANDER", user_name=text[:200])
    entry = TimelineEvent(
        kind="incident.declared", occurred_at=WHEN, actor_name=text[:200], data={"severity": "SEV1", "kind": "REAL"}
    )
    return {
        "declared": replies.declared(one, command="/incident", is_guessed=True),
        "moved": replies.moved(one, who=text[:200], text=text, now=WHEN),
        "unmoved": replies.unmoved(one),
        "done": replies.done(one, f"has {text[:200]} as its scribe.", text=text),
        "standing": replies.standing(one, roles=[role] * 4, entries=[entry] * 50, now=WHEN),
        "listing": replies.listing([one] * 200, which="open", command="/incident"),
        "empty listing": replies.listing([], which="sev1", command="/incident"),
        "found": replies.found([one] * 15, words=text[:200], total=10_000),
        "found nothing": replies.found([], words=text[:200], total=0),
        **looked_up(text, one),
        **tickets_and_pages(text, one),
        "which one": replies.which_one(text, [one] * 10, typed="/incident mitigated"),
        "refusal": answers.refusal([text] * 30, remedy=answers.mrkdwn(text, 500)),
        "suggestion": answers.suggestion(text, [text] * 3, usage=text, command="/incident"),
        "note": answers.note(text or "x", answers.code(text)),
        "help": answers.help_overview(command="/" + "c" * 31),
        **{verb.name: answers.help_for(verb, command="/" + "c" * 31) for verb in VERBS},
    }


def tickets_and_pages(text: str, one: Incident) -> dict[str, answers.Answer]:
    """Return what is said about tickets and pages, made of `text`."""
    url = f"https://tracker.example/{text[:400]}"
    states = {
        "REQUESTED": {},
        "TRACKED": {"remote_status": text[:80], "state": "OPEN"},
        "FAILED": {"error": text[:500]},
    }
    tickets = [
        Ticket(phase=phase, origin="OPENED", name=text[:200], url=url, title=text[:300], adapter=tracker, **facts)
        for phase, facts in states.items()
        for tracker in [AdapterConfig(name=text[:80], tenant=one.tenant)]
    ]
    listed = [TicketShown(each, about) for each in tickets for about in ("", "A-999999")] * 10
    people = [User(id=number, username=f"u{number}", first_name=text[:150]) for number in range(50)]
    missed = [Missed(text[:150], "may not respond"), Missed("", "is not linked to a member", "U" * 40)] * 30
    called = Whom(text[:100], people, missed, stale_since=WHEN)
    item = ActionItem(number=999_999, title=text[:200], incident=one)
    return {
        "tickets": ticket_replies.listing(one, listed),
        "no tickets": ticket_replies.listing(one, []),
        "ticket asked": ticket_replies.opened(Subject(one, item), tickets[0], tracker=text[:80]),
        "ticket there": ticket_replies.opened(Subject(one), tickets[1], tracker=text[:80]),
        "page": page_replies.called(one, called, ways=[text[:80]] * 30, linked={1, 2}, reason=text, may_invite=True),
        "page of a name": page_replies.called(
            one, Whom(text[:100] or "x", []), ways=[], linked=set(), reason="", may_invite=False
        ),
    }


def looked_up(text: str, one: Incident) -> dict[str, answers.Answer]:
    """Return one of each kind of answer to a question, made of `text`."""
    role = RoleAssignment(role="COMMUNICATIONS", user_name=text[:200])
    offer = RoleOffer(role="PRIVACY", user_name=text[:200])
    duties = [
        Obligation(state=state, due_at=due_at, regime=text[:40], rule={"title": text})
        for state in Obligation.State
        for due_at in (None, WHEN - timedelta(days=9), WHEN + timedelta(days=900))
    ]
    item = ActionItem(number=999_999, title=text[:200], type="DETECT", owner_name=text[:200], due_date=WHEN.date())
    lines = [CostLine(text[:60], Decimal("9" * 14), amount, "USD") for amount in (None, Decimal("1e12"))]
    cells = Content(title="x").severity_matrix
    return {
        "people": incident_replies.people(one, [role] * 6, [offer] * 6, gaps=[text[:60]] * 6),
        "nobody": incident_replies.people(one, [], [], gaps=[]),
        "clocks": incident_replies.clocks(one, duties * 4, next_update=WHEN, owner=text[:200], now=WHEN),
        "no clocks": incident_replies.clocks(one, [], next_update=None, owner="", now=WHEN),
        "costs": incident_replies.costs(one, lines * 30),
        "no costs": incident_replies.costs(one, []),
        "action items": incident_replies.action_items(one, [item] * 60, today=WHEN.date() + timedelta(days=3)),
        "no action items": incident_replies.action_items(one, [], today=WHEN.date()),
        "matrix": incident_replies.matrix(cells, version=999_999, command="/" + "c" * 31),
    }


@pytest.mark.parametrize("worst", WORST.values(), ids=WORST)
def test_every_message_fits_on_the_worst_texts(worst: str) -> None:
    for name, message in messages(worst).items():
        try:
            check_message(dict(message))
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


@pytest.mark.parametrize("worst", WORST.values(), ids=WORST)
def test_every_message_fits_slacks_own_types(worst: str) -> None:
    for message in messages(worst).values():
        check_schema(dict(message))


def test_nobody_is_pinged_by_what_somebody_wrote() -> None:
    for name, message in messages(WORST["marks"]).items():
        said = message["text"] + words(dict(message))
        assert "<!channel>" not in said, name
        assert "<!here>" not in said, name
        assert "<@U0CORA>" not in said, name


def test_a_title_that_pings_is_only_a_title(ben_says: Speaker) -> None:
    answer = ben_says("declare sev4 &lt;!channel&gt; <!channel> <@U0CORA|cora> wake up")

    said = answer["text"] + words(answer)
    assert "<!channel>" not in said
    assert "<@U0CORA" not in said
    assert "&lt;!channel&gt; @channel @cora wake up" in said


@pytest.mark.parametrize(
    "text",
    [
        "declare " + "x" * 10_000,
        "update " + "&amp;" * 10_000,
        "declare \u202eevil\u202c \u0000 \ud800 \x1b[31mred",
        "declare " + "<@U1|" * 2000,
        "status " + "9" * 5000,
        "help " + "\U0001f525" * 3000,
        "list {0} %s $(reboot) '; DROP TABLE incidents_incident; --",
    ],
    ids=["long title", "long update", "controls", "half mentions", "digits", "astral", "injections"],
)
def test_hostile_text_gets_a_valid_answer(ben_says: Speaker, text: str) -> None:
    ben_says("declare sev4 calm")

    check_message(ben_says(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")))


def test_a_title_that_is_too_long_says_how_long_it_may_be(ben_says: Speaker) -> None:
    assert "use at most 200" in words(ben_says("declare " + "x" * 10_000))


@given(st.text(max_size=300), st.integers(min_value=1, max_value=120))
def test_escaped_text_never_exceeds_its_limit_and_never_splits_an_escape(text: str, limit: int) -> None:
    cut = answers.mrkdwn(text, limit)

    assert utf16_length(cut.encode("utf-16-le", "replace").decode("utf-16-le")) <= limit
    assert "<" not in cut
    assert ">" not in cut
    assert cut.count("&") == sum(cut.count(whole) for whole in ("&amp;", "&lt;", "&gt;"))


def test_text_that_fits_is_kept_whole() -> None:
    assert answers.mrkdwn("a & b <c>", 100) == "a &amp; b &lt;c&gt;"
    assert answers.mrkdwn("x" * 100, 100) == "x" * 100
    assert answers.mrkdwn("x" * 101, 100) == "x" * 99 + "…"


def test_the_link_to_an_incident_leads_to_its_page(ben_says: Speaker, as_user: Any, ben: Any) -> None:
    ben_says("declare sev2 Checkout fails")
    answer = ben_says("status")

    url = words(answer).split("<", 1)[1].split("|", 1)[0]
    page = as_user(ben).get(url.removeprefix("http://127.0.0.1:8484"))

    assert page.status_code == 200
    assert "Checkout fails" in page.content.decode()


@pytest.mark.fault("console-markdown")
@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("**Queue** is _full_, `a<b`", ">*Queue* is _full_, `a&lt;b`"),
        ("see https://a.example/x?a=1&b=2.", ">see <https://a.example/x?a=1&amp;b=2>."),
        ("[run|book](https://a.example/x)", "><https://a.example/x|run¦book>"),
        ("<!channel> <@U1> <ann@a.example>", ">&lt;!channel&gt; &lt;@U1&gt; <mailto:ann@a.example|ann@a.example>"),
        ("# **Cause** found\n\n- a\n- b\n  1. c", ">*Cause found*\n>\n>• a\n>• b\n>    1. c"),
        ("```sh\nls <x>\n```", ">`sh`\n>`ls &lt;x&gt;`"),
        ("[x](javascript:alert(1))", ">[x](javascript:alert(1))"),
        ("[run *book*]() and []()", ">[run _book_]() and []()"),
    ],
    ids=["emphasis", "address", "label", "mention", "blocks", "fence", "scheme", "nowhere"],
)
def test_markdown_becomes_the_marks_of_slack(typed: str, shown: str) -> None:
    assert answers.quoted(typed) == shown


@pytest.mark.fault("console-markdown")
@given(
    st.lists(
        st.sampled_from(["<", ">", "&", "*", "_", "`", "[", "](", ")", "- ", "> ", "\n", "<!channel>", "<@U1>"])
        | st.sampled_from(["https://a.example/x|y", "mailto:a@b.example", "word ", "😀", "|", "javascript:", "    "]),
        max_size=80,
    ).map("".join)
)
def test_no_markdown_pings_anybody_or_exceeds_the_limit(text: str) -> None:
    shown = answers.quoted(text * 20)

    assert len(shown.encode("utf-16-le")) // 2 <= answers.TEXT_LIMIT
    for control in re.findall(r"<[^>]*>?", shown):
        assert re.fullmatch(r"<(https?://|mailto:)[^<>|]+(\|[^<>|]+)?>", control), shown


@pytest.mark.parametrize("may_invite", [True, False])
def test_who_may_invite_gets_the_button_for_strangers_who_could_not_be_called(may_invite: bool) -> None:
    called = Whom("@oncall", [], missed=[Missed("", "is not linked to a member", STRANGER)])
    shown = page_replies.called(incident("Checkout"), called, ways=[], linked=set(), reason="", may_invite=may_invite)
    assert ("Invite people" in buttons(shown)) is may_invite
