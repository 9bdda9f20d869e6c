"""What the tests need of a machine is named with the package that brings it."""

from __future__ import annotations

import pytest

from conductor.embedded.install import counterparts


def test_a_library_that_cannot_be_loaded_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterparts, "LIBRARIES", {"libc.so.6": "libc6", "libnobody.so.9": "libnobody9"})

    assert counterparts.missing()["libnobody.so.9"] == "libnobody9"
    assert "libc.so.6" not in counterparts.missing()


def test_why_there_is_no_browser_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterparts, "missing", lambda: {"pdftotext": "poppler-utils"})
    assert counterparts.why_no_browser() == ""

    monkeypatch.setattr(counterparts, "missing", lambda: {"chromium": "chromium", "libatomic.so.1": "libatomic1"})
    assert counterparts.why_no_browser().endswith("apt-get install chromium libatomic1")
