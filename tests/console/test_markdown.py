"""People's own words as Markdown: what is typed is shown, nothing of it is HTML, and no text is slow to read."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor.lib import markdown
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant
from incidents.incident.lifecycle import declare_incident
from incidents.models.choices import EventKind
from incidents.models.history import TimelineEvent
from incidents.record.chain import salted
from incidents.timeline.lifecycle import post_update

TAGS = {"a", "blockquote", "b", "br", "code", "em", "li", "ol", "p", "pre", "span", "strong", "ul"}
ATTRIBUTES = {"class", "href", "rel", "start", "title"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](//evil.example/x)",
    "[x](/t/northwind/members/)",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    '[x](https://e.example "\\" onmouseover=alert(1) x=\\"")',
    "[x]: javascript:alert(1)\n\n[x]",
    '```"><script>alert(1)</script>\nx\n```',
    "`<script>`",
    "&lt;script&gt;&#60;script&#62;",
    'https://e.example/"onmouseover="alert(1)',
    "https://e.example/<script>alert(1)</script>",
]
MARKS = [
    "[",
    "]",
    ")",
    ">",
    "*",
    "_",
    "`",
    "\\",
    "!",
    "&",
    "#",
    "- ",
    "> ",
    "1. ",
    "\n",
    "\n\n",
    "    ",
    '"',
    "'",
    "~~~",
]
WORDS = ["alpha", "beta ", " é", "&#x3c;", "\u202e"]
PIECES = st.sampled_from(
    [
        *MARKS,
        *WORDS,
        "(",
        "<",
        "https://a.example/x",
        "javascript:",
        "mailto:a@b.example",
        "<script>",
        "onload=",
        "\x00",
    ]
)


class _Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(html: str) -> None:
    for tag, attributes in _Seen(html).tags:
        assert tag in TAGS, html
        assert attributes.keys() <= ATTRIBUTES, html
        if tag == "a":
            assert re.match(r"(?i)(https?://.|mailto:.)", attributes["href"] or ""), html
            assert attributes["rel"] == "noopener noreferrer nofollow"


@pytest.mark.fault("console-markdown")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_hostile_becomes_html(text: str) -> None:
    for html in (markdown.html(text), markdown.html_line(text)):
        assert_harmless(html)


@pytest.mark.fault("console-markdown")
@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=60).map("".join), st.text(max_size=200)))
def test_no_text_becomes_html_of_its_own(text: str) -> None:
    for html in (markdown.html(text), markdown.html_line(text)):
        assert_harmless(html)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*MARKS, *WORDS]), max_size=60).map("".join))
def test_no_letter_that_was_typed_vanishes(text: str) -> None:
    """What people read is what was signed: marks may go, letters stay, in their order."""
    assert _letters(_Seen(markdown.html(text)).text) == _letters(text)
    assert _letters(_Seen(markdown.html_line(text)).text) == _letters(text)


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalpha())


@pytest.mark.fault("console-markdown")
@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("**bold** and _soft_", "<p><strong>bold</strong> and <em>soft</em></p>"),
        ("one\ntwo", "<p>one<br />\ntwo</p>"),
        ("# Root cause", "<p><b>Root cause</b></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("a < b && c > d", "<p>a &lt; b &amp;&amp; c &gt; d</p>"),
        ("&lt;", "<p>&amp;lt;</p>"),
        ("[a]: https-less", "<p>[a]: https-less</p>"),
        ("title\n---", "<p>title<br />\n---</p>"),
        ("pod_name_one 2*3*4", "<p>pod_name_one 2<em>3</em>4</p>"),
    ],
    ids=["emphasis", "line", "heading", "list", "signs", "entity", "definition", "rule", "underscores"],
)
def test_what_is_read(typed: str, shown: str) -> None:
    assert markdown.html(typed).strip() == shown


@pytest.mark.fault("console-markdown")
@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("see https://a.example/x_y_z, then", "https://a.example/x_y_z"),
        ("(https://en.example/Foo_(bar))", "https://en.example/Foo_(bar)"),
        ("**https://a.example/b**", "https://a.example/b"),
        ("https://a.example/*x*y", "https://a.example/*x*y"),
        ("http://[::1]:80/x.", "http://[::1]:80/x"),
        ("HTTPS://A.example", "HTTPS://A.example"),
        ("https://a.example?q=1&r=2", "https://a.example?q=1&r=2"),
        ("<https://a.example>", "https://a.example"),
        ("mail <ann@a.example>", "mailto:ann@a.example"),
    ],
    ids=["underscores", "bracket", "bold", "star", "ipv6", "capitals", "query", "pointed", "mail"],
)
def test_bare_addresses_are_links(typed: str, address: str) -> None:
    for html in (markdown.html(typed), markdown.html_line(typed)):
        (link,) = [attributes for tag, attributes in _Seen(html).tags if tag == "a"]
        assert link["href"] == address


@pytest.mark.parametrize("typed", ["shttps://a.example", "https://", "ftp://a.example", "`https://a.example`", "://a"])
def test_what_is_no_address_stays_text(typed: str) -> None:
    assert "<a " not in markdown.html(typed)


def test_a_label_says_where_it_leads() -> None:
    shown = _Seen(markdown.html("[https://bank.example](https://evil.example/login)")).text

    assert shown.strip() == "https://bank.example (evil.example)"


@pytest.mark.fault("console-markdown")
@pytest.mark.parametrize(
    "unit",
    ["[", "![", "[a](", "[a](b", "[]()", "*", "*a ", "a**b", "_*", "`", "`a", "<", "<http://", ">", "> ", "- ", "1. ",
     "\\", "#", "```\n", "~~~a\n", "](", "a\n", "http://a", "https://(((", "://", "* a\n", "> - ", "((", ")]}"],
)  # fmt: skip
def test_ten_thousand_hostile_characters_cost_little(unit: str) -> None:
    text = (unit * 10_000)[:10_000]

    before = time.process_time()
    markdown.html(text)
    markdown.html_line(f"https://a.example/{text}")
    assert time.process_time() - before < 5


def test_beyond_its_limit_a_text_keeps_its_lines_only() -> None:
    text = "**a** <b>\n" * (markdown.MOST_CHARACTERS // 10 + 1)
    html = markdown.html(text)

    assert_harmless(html)
    assert "<strong>" not in html
    assert html.count("**a** &lt;b&gt;") == text.count("\n")


def test_the_filters_are_safe_in_a_template() -> None:
    source = "{% load switchboard %}{{ x|markdown }}{{ x|markdown_line }}"
    out = Template(source).render(Context({"x": "**a** <script>"}))

    assert out.count("<strong>a</strong> &lt;script&gt;") == 2


@pytest.mark.fault("console-markdown")
def test_an_update_is_shown_as_markdown_and_stored_as_it_was_typed(
    tenant: Tenant, cora: User, actor: Any, as_user: Any, now: Any
) -> None:
    typed = "**Queue** is full, see https://status.example/q. <script>alert(1)</script>"
    with tenant_scope(tenant.id):
        incident = declare_incident(tenant_id=tenant.id, title="Slow", severity="SEV3", actor=actor(cora), now=now)[0]
        post_update(incident=incident, text=typed, actor=actor(cora), now=now)
        entry = TimelineEvent.objects.get(incident=incident, kind=EventKind.UPDATE_POSTED)
        assert entry.body == typed
        assert entry.body_digest == salted(entry.body_salt, typed)
    browser = as_user(cora)

    for path in ("", f"entries/{entry.seq}/"):
        html = browser.get(f"/t/northwind/incidents/{incident.code}/{path}").content.decode()
        assert "<strong>Queue</strong> is full" in html
        assert 'href="https://status.example/q"' in html
        assert "&lt;script&gt;alert(1)" in html
        assert "<script>alert" not in html


@pytest.mark.fault("console-markdown")
@pytest.mark.parametrize("typed", ["[runbook]()", "[]()", "![runbook]()"])
def test_a_link_to_nowhere_stays_text(typed: str) -> None:
    shown = markdown.html(typed)
    assert "<a" not in shown
    assert typed in shown
