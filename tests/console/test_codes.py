"""Codes in texts become links to the pages that they name, and nothing else does."""

from __future__ import annotations

import pytest

from conductor.console.shell import codes
from conductor.templatetags.switchboard import coded, plainly


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("INC-17 Payouts are stuck", "/t/northwind/incidents/INC-17/"),
        ("R-204", "/t/northwind/runs/R-204/"),
        ("EVB-0009", "/t/northwind/evidence/EVB-9/"),
        ("ledger-core", ""),
        ("INC-0", ""),
        ("INC-9999999999999999999", ""),
    ],
)
def test_a_code_names_its_page(text: str, href: str) -> None:
    assert codes.href_of(text, tenant="northwind") == href


def test_a_text_is_escaped_and_its_codes_are_links() -> None:
    html = coded("<b>EVB-0001</b> answers INC-2, not XR-5", "northwind")

    assert html == (
        '&lt;b&gt;<a class="link" href="/t/northwind/evidence/EVB-1/">EVB-0001</a>&lt;/b&gt; answers '
        '<a class="link" href="/t/northwind/incidents/INC-2/">INC-2</a>, not XR-5'
    )


def test_lists_are_read_with_commas() -> None:
    assert plainly(["a", "b"]) == "a, b"
    assert plainly([]) == plainly(None) == "–"
    assert plainly(0) == "0"
