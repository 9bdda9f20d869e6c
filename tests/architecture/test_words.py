"""Words that stop a native reader stand in no text that people read (docs/style.md, "Words")."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.words import AVOID, Text, document_texts, python_texts, template_texts, texts_in

ROOT = Path(__file__).resolve().parents[2]


def hits(texts: Iterator[Text]) -> list[str]:
    return [
        f"{text.place}: {found[0]!r} in {text.words[:120]!r}" for text in texts if (found := AVOID.search(text.words))
    ]


def test_templates_are_plain_english() -> None:
    assert hits(template_texts(ROOT / "templates")) == []


def test_what_the_product_says_is_plain_english() -> None:
    """Messages, labels, refusals, the API's descriptions, commands, PDFs, Slack."""
    assert hits(python_texts(ROOT)) == []


def test_documents_are_plain_english() -> None:
    assert hits(document_texts(ROOT)) == []


def test_the_test_sees_what_people_read() -> None:
    source = """
class Late(Conflict):
    '''It is whoever's turn.'''

x = "No more than that was told."

def f():
    '''Told to nobody.'''
"""
    found = [text.words for text in texts_in(ast.parse(source), "x.py")]

    assert sorted(found) == ["It is whoever's turn.", "No more than that was told."]
    assert AVOID.search("the doors of the town")
    assert not AVOID.search("outdoors, toldness")
