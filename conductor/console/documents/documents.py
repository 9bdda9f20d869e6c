"""PDFs: evidence packs and postmortems from templates, tagged, with attachments, the same bytes for the same input.

"Same input, same bytes" holds for one version of WeasyPrint and of the system libraries, and one set of installed
fonts (only characters that static/pdf/fonts lacks are drawn in those). Nothing of the clock or of the process gets
in: dates come from `created`, the identifier from the caller, and fonts are stamped with FONT_EPOCH.
"""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from conductor.console.documents import drawing, typesetting
from conductor.lib.clock import rfc3339
from conductor.observability.metrics import PDF_SECONDS
from conductor.observability.tracing import span

SYSTEM_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
"""Debian packages that WeasyPrint loads. Without the last, fonts are subset by other code, into other bytes."""
INSTALL_COMMAND = f"apt-get install -y --no-install-recommends {' '.join(SYSTEM_PACKAGES)}"
FONT_PACKAGES = ("fonts-noto-core", "fonts-noto-cjk", "fonts-noto-color-emoji")
"""Debian packages with what static/pdf/fonts lacks: other scripts, Chinese, Japanese and Korean, emoji."""
NAMED = 8
"""Characters without a glyph that a document names."""
_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "FONTCONFIG", "XDG_", "PYTHON", "VIRTUAL_ENV")
"""Of the environment, what fonts and libraries are found by. The rest may be secret."""


class PdfEngineMissing(RuntimeError):
    """The libraries that draw PDFs are not installed."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"PDFs cannot be drawn here ({cause}). Install the libraries: {INSTALL_COMMAND}")


class ForeignResource(ValueError):
    """A document's template asked for something that is not in static/pdf."""


class TooMuchToDraw(RuntimeError):
    """The document took more time or memory to draw than it may; it would the next time too, so no step tries again."""

    permanent = True
    code = "pdf_limit"

    def __init__(self, what: str) -> None:
        most = f"more than {settings.CONDUCTOR_PDF_CPU_SECONDS} s of CPU time, or more memory than there is,"
        super().__init__(f"{what} needs {most} to be drawn. It is not tried again with the same content.")


@dataclass(frozen=True)
class Attachment:
    """A file inside the PDF, for example the manifest that the document can be verified against."""

    name: str
    data: bytes
    description: str
    created: datetime


def render_pdf(
    *,
    template: str,
    context: Mapping[str, Any],
    title: str,
    created: datetime,
    identifier: str,
    attachments: Sequence[Attachment] = (),
    variant: str = "pdf/ua-1",
) -> bytes:
    """Return the PDF of `template`, which extends base_document.html. Equal arguments give equal bytes.

    `variant` is "pdf/ua-1", or "pdf/a-3a" for the archive copy. Raises PdfEngineMissing where the libraries are
    absent, and ForeignResource when the template refers to a file that is not in static/pdf: a document that
    lost a picture on the way is not a document. One with a character that no font has is drawn twice: it says so on
    its cover and at the foot of every page. Raises TooMuchToDraw where a limit has ended the drawing, and
    TimeoutError where the machine was too slow for it this time.
    """
    about = {"title": title, "created": created, "created_rfc3339": _second(created), "identifier": identifier}
    attached = [
        {
            "name": each.name,
            "description": each.description,
            "data": base64.b64encode(each.data).decode(),
            "created": each.created.astimezone(UTC).isoformat(),
        }
        for each in attachments
    ]
    request = {"folder": str(_folder()), "variant": variant, "identifier": identifier, "attachments": attached}

    def drawn(undrawn: Sequence[int]) -> tuple[bytes, list[int]]:
        html = render_to_string(template, {**context, **about, "undrawn": undrawn_notice(undrawn)})
        return _drawn({**request, "html": typesetting.tie(html)}, what=template)

    pdf, undrawn = drawn(())
    return drawn(undrawn)[0] if undrawn else pdf


def qr_code(*, url: str, title: str) -> SafeString:
    """Return a QR code of `url` as inline SVG; `title` is its alternative text in the PDF."""
    out = io.BytesIO()
    segno.make(url, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        border=0,
        dark="#1c1f27",
        svgclass=None,
        lineclass=None,
        omitsize=True,
    )
    drawn = out.getvalue().decode()
    opening, shapes = drawn.split(">", 1)
    return format_html(
        '{} role="img"><title>{}</title>{}',
        mark_safe(opening),  # noqa: S308 - segno's own markup
        title,
        mark_safe(shapes),  # noqa: S308 - segno's own markup
    )


def undrawn_notice(characters: Sequence[int]) -> str:
    """Return what a document says of characters that no font here has; nothing where there are none."""
    if not characters:
        return ""
    named = ", ".join(f"U+{each:04X}" for each in characters[:NAMED])
    rest = f" and {len(characters) - NAMED} more" if len(characters) > NAMED else ""
    return (
        f"No font of this installation has {named}{rest}: boxes stand for them. The files have the text. "
        f"Fonts for them: {' '.join(FONT_PACKAGES)} (Debian)."
    )


def _engine() -> Any:
    """Return WeasyPrint; say what to install where its libraries are absent."""
    try:
        return drawing.engine()
    except drawing.EngineMissing as missing:
        raise PdfEngineMissing(str(missing)) from missing


def _drawn(request: Mapping[str, Any], *, what: str) -> tuple[bytes, list[int]]:
    """Have the PDF drawn by a process of its own; return it with what no font has.

    Whatever ends this call, it has ended that process before.
    """
    limits = {"cpu_seconds": settings.CONDUCTOR_PDF_CPU_SECONDS}
    began = time.monotonic()
    try:
        with span("draw a document"):
            done = subprocess.run(  # noqa: S603 - our own module; the document comes by its input
                [sys.executable, "-m", drawing.__name__],
                input=json.dumps({**request, "limits": limits}).encode(),
                capture_output=True,
                cwd=settings.BASE_DIR,
                env=_environment(),
                timeout=settings.CONDUCTOR_PDF_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired as late:
        PDF_SECONDS.labels("late").observe(time.monotonic() - began)
        raise TimeoutError(f"{what} was not drawn within {settings.CONDUCTOR_PDF_SECONDS} s") from late
    outcome = "drawn" if done.returncode == 0 else "limit" if _is_limit(done.returncode) else "failed"
    PDF_SECONDS.labels(outcome).observe(time.monotonic() - began)
    if outcome == "limit":
        raise TooMuchToDraw(what)
    if done.returncode == drawing.MISSING:
        raise PdfEngineMissing(json.loads(done.stdout))
    if done.returncode == drawing.REFUSED:
        raise ForeignResource(f"{what} refers to {', '.join(json.loads(done.stdout))}")
    if done.returncode:
        raise RuntimeError(f"{what} was not drawn: {done.stderr.decode(errors='replace')[-500:]}")
    head, _, pdf = done.stdout.partition(b"\n")
    return pdf, json.loads(head)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_INHERITED)}


def _is_limit(code: int) -> bool:
    return code in {-signal.SIGXCPU, -signal.SIGKILL}  # SIGKILL: also when the machine's memory ran out


def _folder() -> Path:
    return (Path(settings.BASE_DIR) / "static" / "pdf").resolve()


def _second(moment: datetime) -> str:
    return rfc3339(moment.replace(microsecond=0))
