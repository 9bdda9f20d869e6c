"""PDFs: the same bytes twice, attachments inside, tags, no foreign files, and a failed check that shows."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.template import engines
from django.template.backends.django import Template

from conductor.console.documents import documents
from tests.poppler import poppler

ROOT = Path(__file__).resolve().parents[2]
SEALED = datetime(2026, 11, 20, 11, 4, 2, 123456, tzinfo=UTC)
MANIFEST = documents.Attachment("manifest.json", b'{"root": "b94d27"}', "What the pack holds", SEALED)
DOCUMENT: dict[str, Any] = {
    "kind": "Evidence Pack EVB-0417",
    "tenant": "Northwind Zażółć",
    "heading": "Settlement file checksum mismatch",
    "subtitle": "From alert to recovery.",
    "facts": [("Controls", ["SOC2_A1.2", "ISO27001_A.8.13"])],
    "foot": "Manifest root  b94d27b9934d3e08",
    "root": {"label": "Manifest root, SHA-256.", "says": "At the foot of every page.", "digest": "b94d27b9934d3e08"},
    "sections": [{"id": "s1", "title": "Summary"}],
    "reading_note": "All times are UTC.",
}
BODY = (
    '{% extends "base_document.html" %}{% block body %}<section class="part read" id="s1">'
    '{% include "components/document/heading.html" with number=1 title="Summary" only %}'
    "<p>{{ text }}</p></section>{% endblock %}"
)


def _libraries_missing() -> str:
    try:
        documents._engine()
    except documents.PdfEngineMissing as missing:
        return str(missing)
    return ""


WITHOUT = _libraries_missing()
draws = pytest.mark.skipif(bool(WITHOUT), reason=WITHOUT or "the PDF libraries are here")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`drawn(alarm="NOT VERIFIED")`: the PDF of a small document, changed as given."""

    def render(body: str = BODY, *, variant: str = "pdf/ua-1", text: str = "<b>&", **changes: Any) -> bytes:
        template: Template = engines["django"].from_string(body)  # type: ignore[assignment]
        monkeypatch.setattr(documents, "render_to_string", lambda name, context: template.render(context))
        return documents.render_pdf(
            template="in memory",
            context={"document": DOCUMENT | changes, "text": text},
            title="Evidence Pack EVB-0417",
            created=SEALED,
            identifier="EVB-0417",
            attachments=[MANIFEST],
            variant=variant,
        )

    return render


def _text(pdf: bytes, tmp_path: Path, *tool: str) -> str:
    file = tmp_path / "document.pdf"
    file.write_bytes(pdf)
    return poppler(*tool, file, *(["-"] if tool[0] == "pdftotext" else []))


@draws
@pytest.mark.parametrize("variant", ["pdf/ua-1", "pdf/a-3a"])
def test_the_same_input_gives_the_same_bytes(drawn: Any, variant: str) -> None:
    assert drawn(variant=variant) == drawn(variant=variant)
    assert drawn(variant=variant) != drawn(variant=variant, text="another text")


IN_ANOTHER_PROCESS = """
import sys
sys.path.insert(0, {root!r})
import django
django.setup()
from tests.console import test_documents as here
from django.template import engines
from conductor.console.documents import documents
from tests.poppler import poppler
template = engines["django"].from_string(here.BODY)
documents.render_to_string = lambda name, context: template.render(context)
pdf = documents.render_pdf(template="in memory", context={{"document": here.DOCUMENT, "text": "<b>&"}},
    title="Evidence Pack EVB-0417", created=here.SEALED, identifier="EVB-0417", attachments=[here.MANIFEST])
sys.stdout.buffer.write(pdf)
"""


@draws
def test_another_process_with_another_environment_gives_the_same_bytes(drawn: Any) -> None:
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "77",
        "SOURCE_DATE_EPOCH": "1",
        "TZ": "Asia/Tokyo",
        "LANG": "C.UTF-8",
    }
    ran = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS.format(root=str(ROOT))],
        check=True,
        capture_output=True,
        env=environment,
        cwd=ROOT,
    )

    assert ran.stdout == drawn()


@draws
def test_the_attachment_is_inside_with_its_own_time(drawn: Any, tmp_path: Path) -> None:
    pdf = drawn()
    assert b"/EmbeddedFile" in pdf
    assert b"D:20261120110402Z" in pdf
    listing = _text(pdf, tmp_path, "pdfdetach", "-list")
    poppler("pdfdetach", "-saveall", "-o", tmp_path, tmp_path / "document.pdf")

    assert "manifest.json" in listing
    assert (tmp_path / "manifest.json").read_bytes() == MANIFEST.data


@draws
def test_a_document_is_tagged_titled_and_dated(drawn: Any, tmp_path: Path) -> None:
    facts = _text(drawn(), tmp_path, "pdfinfo", "-isodates")

    assert "Tagged:          yes" in facts
    assert "Title:           Evidence Pack EVB-0417" in facts
    assert "2026-11-20T11:04:02Z" in facts
    assert "A4" in facts


@draws
def test_only_our_own_fonts_are_used(drawn: Any, tmp_path: Path) -> None:
    fonts = _text(drawn(), tmp_path, "pdffonts").splitlines()[2:]

    assert fonts
    assert all("+SB-" in line for line in fonts), fonts


@draws
def test_the_text_is_escaped_and_every_page_carries_the_root(drawn: Any, tmp_path: Path) -> None:
    pages = _text(drawn(), tmp_path, "pdftotext", "-layout").split("\f")[:-1]

    assert len(pages) == 2  # the contents and the first sections share a page
    assert "<b>&" in pages[1]
    assert "Zażółć" in pages[0]
    assert all(
        "Manifest root  b94d27b9934d3e08" in page.replace("Manifest root b9", "Manifest root  b9") for page in pages[1:]
    )
    assert "2 of 2" in pages[1]


@draws
def test_a_failed_check_is_on_the_cover_and_in_every_header(drawn: Any, tmp_path: Path) -> None:
    pdf = drawn(alarm="NOT VERIFIED", alarm_reason="1 of 2 artifacts differs.")
    pages = _text(pdf, tmp_path, "pdftotext", "-layout").split("\f")[:-1]

    assert all("NOT VERIFIED" in page for page in pages)
    assert "1 of 2 artifacts differs." in pages[0]


@draws
def test_a_draft_says_so(drawn: Any, tmp_path: Path) -> None:
    pages = _text(drawn(draft="Not reviewed yet."), tmp_path, "pdftotext", "-layout").split("\f")[:-1]

    assert "Draft. Not reviewed yet." in pages[0]
    assert all("Draft: Evidence Pack" in page for page in pages[1:])


@draws
@pytest.mark.parametrize(
    "address",
    [
        "https://example.test/x.png",
        "file:///etc/passwd",
        "../css/tokens.css",
        "missing.svg",
        "fonts/../../js/console.js",
    ],
)
def test_a_file_from_elsewhere_stops_the_document(drawn: Any, address: str) -> None:
    body = BODY.replace("<p>", f'<img src="{address}" alt="x"><p>')

    with pytest.raises(documents.ForeignResource, match="refers to"):
        drawn(body)


@draws
@pytest.mark.parametrize("lines", range(24, 34, 2))
def test_a_tables_heading_stays_with_its_first_row(drawn: Any, tmp_path: Path, lines: int) -> None:
    rows = "".join(f"<tr><td>Row {n}<br>more<br>more</td></tr>" for n in range(8))
    table = f"<table><caption>Caption</caption><thead><tr><th>Head</th></tr></thead><tbody>{rows}</tbody></table>"
    body = BODY.replace("<p>", "<p>Line</p>" * lines + f"<h3>Orphan</h3>{table}<p>")

    pages = _text(drawn(body), tmp_path, "pdftotext", "-layout").split("\f")[:-1]

    (page,) = [each for each in pages if "Caption" in each]
    assert "Orphan" in page
    assert "Row 0" in page


@draws
def test_a_qr_code_names_itself(drawn: Any) -> None:
    code = documents.qr_code(url="https://switchboard.example/v/EVB-0417", title="<Verify>")

    assert code.startswith("<svg")
    assert "<title>&lt;Verify&gt;</title>" in code
    assert drawn(qr=code, qr_caption=["switchboard.", "example"]) != drawn()


def test_missing_libraries_are_named_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_pango(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0': no such file\nmore")
        return imported(name, *rest, **more)

    imported = __import__
    monkeypatch.setattr("builtins.__import__", without_pango)

    with pytest.raises(documents.PdfEngineMissing, match=re.escape(documents.INSTALL_COMMAND)):
        documents._engine()
