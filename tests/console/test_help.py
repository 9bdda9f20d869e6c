"""Help within the console: every page of the documentation, with links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conductor.console.help import DOCS, address_of, anchor_of
from tests.console.test_every_page import FORBIDDEN  # "hx-on" is what one of the pages is about

Browser = Callable[[User], Client]
PAGES = sorted(path.relative_to(DOCS).as_posix().removesuffix(".md") for path in DOCS.rglob("*.md"))
HELP = "/t/northwind/help/"


@pytest.mark.fault("console-small")
def test_every_page_of_the_documentation_is_shown_and_its_links_lead_somewhere(cleo: User, as_user: Browser) -> None:
    browser = as_user(cleo)
    shown = {}
    for name in PAGES:
        response = browser.get(HELP if name == "index" else f"{HELP}{name}/")
        html = response.content.decode()
        assert response.status_code == 200, name
        assert [what for what, found in FORBIDDEN.items() if found.search(html) and what != "hx-on"] == [], name
        shown[HELP if name == "index" else f"{HELP}{name}/"] = html[html.index("<article") : html.index("</article>")]
    assert len(shown) > 80

    for page, html in shown.items():
        assert "help-root:" not in html
        for href in re.findall(r'href="([^"]+)"', html):
            path, _, anchor = unescape(href).partition("#")
            if path.startswith(HELP) or not path:
                there = shown[path or page]
                assert not anchor or f'id="{anchor}"' in there, (page, href)
            else:
                assert re.match(r"https?://|/api/v1/openapi\.json$", path), (page, href)


@pytest.mark.parametrize(
    "name",
    ["nowhere", "../README", "reference/../../README", "reference/openapi.json", "a/b/c", "%2e%2e/README", "reference"],
)
def test_nothing_but_pages_of_the_documentation_is_shown(name: str, cleo: User, as_user: Browser) -> None:
    assert as_user(cleo).get(f"{HELP}{name}/").status_code == 404


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("engine.md#leases", "help-root:reference/engine/#leases"),
        ("../how-to/verify.md", "help-root:how-to/verify/"),
        ("../index.md", "help-root:"),
        ("openapi.json", "/api/v1/openapi.json"),
        ("#smtp", "#smtp"),
        ("../../SECURITY.md", ""),
        ("../../docs/how-to/verify.md", ""),
        ("javascript:alert(1)", ""),
        ("/etc/passwd", ""),
    ],
    ids=["sibling", "folder", "index", "document", "anchor", "outside", "round about", "script", "absolute"],
)
def test_a_link_leads_to_help_or_nowhere(link: str, address: str) -> None:
    assert address_of(link, on="reference/adapters") == address


def test_anchors_are_as_github_makes_them() -> None:
    assert anchor_of("What is proven, and what is not") == "what-is-proven-and-what-is-not"


@pytest.mark.fault("console-small")
def test_the_form_of_an_adapter_leads_to_its_help(ana: User, as_user: Browser) -> None:
    browser = as_user(ana)
    browser.get("/t/northwind/incidents/")

    html = browser.get("/admin/adapters/adapterconfig/add/?kind=webhook").content.decode()

    assert f'href="{HELP}reference/adapters/#webhook"' in html
    assert 'data-generate="id_secrets.signing_key"' in html
