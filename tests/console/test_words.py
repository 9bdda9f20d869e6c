"""One thing has one name on every page, and in Slack."""

from __future__ import annotations

import re

from chatops.commands.forms import FORMS
from tests.database import ROOT


def test_no_page_calls_a_reporting_obligation_a_duty() -> None:
    pages = {path: path.read_text() for path in sorted((ROOT / "templates").rglob("*.html"))}
    shown = {path: re.sub(r"\{[%{#].*?[%}#]\}|<[^>]*>", " ", text, flags=re.DOTALL) for path, text in pages.items()}

    assert len(shown) > 100
    assert [path.name for path, text in shown.items() if re.search(r"\b[Dd]ut(y|ies)\b", text)] == []
    assert any("Reporting obligations" in text for text in shown.values())


def test_an_empty_choice_in_slack_says_what_it_means() -> None:
    said = {field.empty for form in FORMS.values() for field in form.fields if field.empty}

    assert "All environments" in said
    assert not said & {"Every", "All", "None", "Any"}
