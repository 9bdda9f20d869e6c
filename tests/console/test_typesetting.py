"""What belongs together stands on one line: ids, numbers and units, citations; digests are printed whole."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.utils.html import escape

from conductor.console.documents import typesetting
from conductor.templatetags import paper
from tests.console.test_documents import BODY, _text, drawn, draws

__all__ = ["drawn"]
DIGEST = "".join(f"{place:08x}" for place in range(8))
IDS = ("EVB-0001", "A.5.27", "CC7.4", "SOC2_CC7.4", "INC-2481", "eu-west-1", "EVB-0001-pack-1", "08:02:11")


def _plain(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


@pytest.mark.fault("console-4")
@pytest.mark.parametrize("name", IDS)
def test_an_id_in_any_text_is_marked_unbreakable(name: str) -> None:
    tied = typesetting.tie(f"<p>Of {name}, and more.</p>")

    assert f'<span class="nw">{name}</span>' in tied or not re.search(r"[-.:]", name[:-1])
    assert _plain(tied) == f"Of {name}, and more."


@pytest.mark.parametrize("text", ["a-b", "well-known words", "3f" * 20 + "-1", "x" * 30 + ".1", "no ids"])
def test_words_and_what_is_wider_than_a_column_may_still_break(text: str) -> None:
    assert typesetting.tie(f"<p>{text}</p>") == f"<p>{text}</p>"


@pytest.mark.parametrize("element", ["pre", "code", "title", "style", "svg"])
def test_what_is_copied_or_drawn_stays_as_it_is(element: str) -> None:
    html = f"<{element}>EVB-0001, 17 min</{element}>"

    assert typesetting.tie(html) == html
    assert typesetting.tie(f"{html}<p>17 min</p>") == f"{html}<p>17\N{NO-BREAK SPACE}min</p>"


def test_numbers_keep_their_units_and_days_their_months() -> None:
    tied = typesetting.tie("<p>6 of 8 in 17 min 2 s on 3 Nov</p>").replace("\N{NO-BREAK SPACE}", "_")

    assert tied == "<p>6_of 8 in 17_min 2_s on 3_Nov</p>"


@pytest.mark.parametrize("text", ["a-" * 50_000, "1" * 100_000, "a.1-" * 25_000, "9 " * 50_000, "/" * 100_000])
def test_tying_takes_time_by_the_length_of_the_text(text: str) -> None:
    before = time.process_time()

    typesetting.tie(f"<td>{text}</td>")
    paper.path(text)
    paper.cited(text, [1])

    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    ("numbers", "printed"),
    [([], ""), ([3], "3"), ([2, 1], "1,2"), ([1, 2, 3, 7, 7, 9, 10], "1–3,7,9,10")],
)
def test_more_than_two_numbers_in_a_row_become_a_range(numbers: list[int], printed: str) -> None:
    assert typesetting.runs(numbers) == printed


def test_a_digest_in_two_tones_is_the_digest() -> None:
    assert _plain(paper.sha(DIGEST)) == DIGEST
    assert paper.sha(DIGEST).count("<i>") == 4


@pytest.mark.parametrize("text", ["<b>&' \"</b>", "a/b?c=<d>&e-1,f"])
def test_the_filters_escape_what_they_are_given(text: str) -> None:
    for marked in (paper.path(text), paper.cited(text, [1]), paper.sha(text)):
        assert escape(text) in _plain(marked)


@draws
def test_a_digest_is_printed_whole(drawn: Any, tmp_path: Path) -> None:
    row = f"<tr><td>K1</td><td>{paper.sha(DIGEST)}</td></tr>"
    table = f'<table><colgroup><col><col class="w94"></colgroup><tbody>{row}</tbody></table>'

    assert DIGEST in _text(drawn(BODY.replace("<p>", f"{table}<p>")), tmp_path, "pdftotext")


@draws
@pytest.mark.fault("console-4")
def test_no_line_begins_with_a_citation_and_no_id_is_split(drawn: Any, tmp_path: Path) -> None:
    """Two hundred paragraphs, each a character longer than the one before, so that lines end everywhere."""
    told = "".join(
        f"<p>{paper.cited('x' * (n % 60) + ' of the release A.5.27 was EVB-0001 closed', [91, 93, 97])}</p>"
        for n in range(200)
    )

    printed = _text(drawn(BODY.replace("<p>", f"{told}<p>")), tmp_path, "pdftotext", "-layout")

    lines = [line.strip() for line in printed.splitlines()]
    assert not [line for line in lines if re.match(r"9[137]\b", line)]
    for whole in ("91,93,97", "A.5.27", "EVB-0001"):
        assert sum(whole in line for line in lines) == 200
