"""Characters that no font has: said on the document, never boxes in silence; with the fonts, drawn in Noto."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from conductor.console.documents import documents
from conductor.embedded import doctor
from conductor.embedded.install import debian
from tests.console.test_documents import ROOT, _text, drawn, draws

__all__ = ["drawn"]
TITLE = "支払い失敗 🔥 결제 الدفع"
OWN = ROOT / "static" / "pdf" / "fonts"


@pytest.fixture
def own_fonts_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any font but those that are shipped."""
    conf = tmp_path / "fonts.conf"
    folders = f"<dir>{OWN}</dir><cachedir>{tmp_path}/cache</cachedir>"
    conf.write_text(f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>{folders}</fontconfig>')
    monkeypatch.setenv("FONTCONFIG_FILE", str(conf))


@draws
@pytest.mark.fault("field-glyphs")
@pytest.mark.usefixtures("own_fonts_only")
def test_a_character_without_a_font_is_named_on_the_cover_and_at_every_foot(drawn: Any, tmp_path: Path) -> None:
    pages = _text(drawn(heading=TITLE), tmp_path, "pdftotext", "-layout").split("\f")[:-1]

    cover = " ".join(pages[0].split())
    assert "No font of this installation has U+0627" in cover
    assert "fonts-noto-cjk" in cover
    assert all("Characters without a font." in page for page in pages[1:])


@draws
@pytest.mark.usefixtures("own_fonts_only")
def test_latin_text_of_any_country_and_its_signs_need_no_notice(drawn: Any, tmp_path: Path) -> None:
    text = _text(drawn(heading="Zażółć Łódź, œuvre, ß – “quoted” … 5 €"), tmp_path, "pdftotext", "-layout")

    assert "Characters without a font" not in text


@draws
@pytest.mark.skipif(bool(debian.fonts_missing()), reason="needs the packages that make doctor names")
def test_with_the_fonts_every_script_is_drawn_in_ours_and_noto(drawn: Any, tmp_path: Path) -> None:
    pdf = drawn(heading=TITLE)
    fonts = _text(pdf, tmp_path, "pdffonts").splitlines()[2:]

    assert all("+SB-" in line or "+Noto" in line for line in fonts), fonts
    assert "Characters without a font" not in _text(pdf, tmp_path, "pdftotext")


def test_no_style_sheet_names_an_emoji_font() -> None:
    """Pango would take every digit from it."""
    assert "emoji" not in (ROOT / "static/pdf/pdf.css").read_text().split("*/", 3)[-1].lower()


def test_the_doctor_names_the_packages_of_fonts_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debian, "FONT_FOLDERS", (tmp_path,))
    assert debian.fonts_missing() == list(documents.FONT_PACKAGES)
    assert all(package in doctor._fonts() for package in documents.FONT_PACKAGES)

    for name in ("NotoSansArabic-Regular.ttf", "NotoSansCJK-Regular.ttc", "NotoColorEmoji.ttf"):
        shutil.copy(next(OWN.iterdir()), tmp_path / name)
    assert debian.fonts_missing() == []
    assert "emoji" in doctor._fonts()
