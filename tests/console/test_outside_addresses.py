"""An address from another system is a link only if a browser opens it as a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import Context, Template

pytestmark = pytest.mark.fault("security-11")
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JavaScript:alert(1)", " javascript:x", "data:text/html,x", "//x.test/a"],
)
def test_what_is_no_page_is_no_link(address: str) -> None:
    template = Template('{% load switchboard %}<a href="{{ address|outside }}">x</a>')

    assert template.render(Context({"address": address})) == '<a href="">x</a>'


@pytest.mark.parametrize("address", ["https://github.test/a/1", "HTTP://tracker.test/1"])
def test_a_page_is_a_link(address: str) -> None:
    assert Template("{% load switchboard %}{{ a|outside }}").render(Context({"a": address})) == address


def test_no_template_links_to_a_tracker_s_address_as_it_came() -> None:
    bare = re.compile(r'href="{{ \w+\.(?:ticket_)?url }}"')
    found = [path.name for path in TEMPLATES.rglob("*.html") if bare.search(path.read_text())]

    assert found == []
