"""A PDF is drawn by a process that its limits end; what ended it is not tried again, and long texts stay cheap."""

from __future__ import annotations

import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as given

from conductor.console.documents import documents
from conductor.engine.define.context import Permanent
from conductor.templatetags.switchboard import CELL_CHARACTERS, cell
from tests.console.test_documents import BODY, _text, drawn, draws

__all__ = ["drawn"]
pytestmark = [draws, pytest.mark.fault("field-F1")]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXTS = {
    "base64": "QUJD" * 2500,
    "English": "Payments recovered after the rollback. " * 257,
    "Japanese": "支払いは復旧しました。" * 910,
}
ROWS = "".join(f"<tr><td>{'aB' * 900}</td><td>{'xY' * 900}</td></tr>" for _ in range(100))
AUTOMATIC = BODY.replace("<p>", f"<table><tbody>{ROWS}</tbody></table><p>")


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("template", ["incidents/postmortem/_timeline.html", "evidence/packs/paper/record.html"])
def test_an_update_of_10000_characters_is_drawn_in_under_10_seconds_of_cpu(
    drawn: Any, tmp_path: Path, template: str, text: str
) -> None:
    from django.template.loader import render_to_string

    blocks = [{"at": NOON, "text": text, "by": "Cora", "cites": n} for n in range(3)]
    entries = [{"seq": 1, "at": "12:00:00", "says": "Cora posted an update", "text": text, "by": "Cora"}] * 3
    record = {"rows": entries, "total": 3, "where": "K5"}
    table = render_to_string(template, {"blocks": blocks, "record": record})
    before = _children_seconds()

    pdf = drawn(BODY.replace("<p>", "{% verbatim %}" + table + "{% endverbatim %}<p>"))

    assert _children_seconds() - before < 10
    said = " ".join(_text(pdf, tmp_path, "pdftotext").split())
    assert f"{len(text) - CELL_CHARACTERS:,} more in" in said


@pytest.mark.parametrize(
    ("length", "rest"), [(CELL_CHARACTERS, ""), (CELL_CHARACTERS + 1, "1 more"), (10_000, "8,500 more")]
)
def test_a_cell_prints_what_it_may_and_says_how_much_is_left(length: int, rest: str) -> None:
    printed = cell("x" * length, "K2")

    assert printed.count("x") == min(length, CELL_CHARACTERS)
    assert printed.endswith(f"{rest} in K2" if rest else "x")


def test_what_the_limit_ended_fails_for_good_and_says_so(drawn: Any, settings: Any) -> None:
    settings.CONDUCTOR_PDF_CPU_SECONDS = 2
    began = time.monotonic()

    with pytest.raises(documents.TooMuchToDraw, match="not tried again") as caught:
        drawn(AUTOMATIC)

    assert (caught.value.code, caught.value.permanent) == ("pdf_limit", True)
    assert time.monotonic() - began < 60
    assert not isinstance(caught.value, Permanent)  # the console knows no engine; the engine reads `permanent`


def test_a_busy_machine_is_tried_again_and_its_process_is_gone(drawn: Any, settings: Any) -> None:
    settings.CONDUCTOR_PDF_SECONDS = 1
    began = time.monotonic()

    with pytest.raises(TimeoutError):
        drawn(AUTOMATIC)

    assert time.monotonic() - began < 10


def test_the_process_that_draws_is_given_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ("SECRET_KEY", "DATABASE_APP_URL", "VAULT_TOKEN", "CONDUCTOR_METRICS_TOKEN")
    for name in (*secrets, "FONTCONFIG_FILE"):
        monkeypatch.setenv(name, "canary")

    assert documents._environment()["FONTCONFIG_FILE"] == "canary"
    assert not documents._environment().keys() & set(secrets)


def test_a_step_leaves_time_for_the_limit_of_the_whole_drawing() -> None:
    assert timedelta(seconds=given.CONDUCTOR_PDF_SECONDS) < timedelta(minutes=2)
