"""PDFs: evidence packs and postmortems from templates, tagged, with attachments, the same bytes for the same input.

"Same input, same bytes" holds for one version of WeasyPrint and of the system libraries, and one set of installed
fonts (only characters that static/pdf/fonts lacks are drawn in those). Nothing of the clock or of the process gets
in: dates come from `created`, the identifier from the caller, and fonts are stamped with FONT_EPOCH.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from conductor.lib.clock import rfc3339

SYSTEM_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
"""Debian packages that WeasyPrint loads. Without the last, fonts are subset by other code, into other bytes."""
INSTALL_COMMAND = f"apt-get install -y --no-install-recommends {' '.join(SYSTEM_PACKAGES)}"
FONT_EPOCH = "1735689600"
"""2025-01-01. fontTools reads it as SOURCE_DATE_EPOCH from the environment and writes it into subset fonts."""


class PdfEngineMissing(RuntimeError):
    """The libraries that draw PDFs are not installed."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"PDFs cannot be drawn here ({cause}). Install the libraries: {INSTALL_COMMAND}")


class ForeignResource(ValueError):
    """A document's template asked for something that is not in static/pdf."""


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
    lost a picture on the way is not a document.
    """
    weasyprint = _engine()
    html = render_to_string(
        template,
        {**context, "title": title, "created": created, "created_rfc3339": _second(created), "identifier": identifier},
    )
    refused: list[str] = []
    source = weasyprint.HTML(string=html, base_url=f"{_folder().as_uri()}/", url_fetcher=_fetcher(weasyprint, refused))
    pdf: bytes = source.write_pdf(
        pdf_variant=variant,
        pdf_identifier=identifier.encode(),
        attachments=[_attached(weasyprint, each) for each in attachments],
    )
    if refused:
        raise ForeignResource(f"{template} refers to {', '.join(refused)}")
    return pdf


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


def _engine() -> Any:
    """Import WeasyPrint with its fonts' time stamp pinned; say what to install where its libraries are absent."""
    os.environ["SOURCE_DATE_EPOCH"] = FONT_EPOCH
    try:
        import weasyprint  # noqa: PLC0415 - loads pango, which only the worker that draws PDFs needs
        from weasyprint.text.ffi import harfbuzz_subset  # noqa: PLC0415 - as above
    except OSError as error:
        raise PdfEngineMissing(str(error).split("\n", 1)[0]) from error
    if not harfbuzz_subset:
        raise PdfEngineMissing("harfbuzz-subset is absent")
    return weasyprint


def _fetcher(weasyprint: Any, refused: list[str]) -> Any:
    """Return a fetcher that opens data: addresses and files in static/pdf, and notes everything else it is asked."""
    allowed = _folder()

    class OwnFilesOnly(weasyprint.URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            try:
                if parts.scheme == "data" or (parts.scheme == "file" and path.is_relative_to(allowed)):
                    return super().fetch(url, headers)
            except OSError:
                pass  # noted below: WeasyPrint itself would go on without the file
            refused.append(url[:200])
            raise ForeignResource(url)

    return OwnFilesOnly(allowed_protocols=("file", "data"), allow_redirects=False)


def _attached(weasyprint: Any, attachment: Attachment) -> Any:
    moment = attachment.created.astimezone(UTC)
    return weasyprint.Attachment(
        file_obj=io.BytesIO(attachment.data),
        name=attachment.name,
        description=attachment.description,
        created=moment,
        modified=moment,
        relationship="Data",
    )


def _folder() -> Path:
    return (Path(settings.BASE_DIR) / "static" / "pdf").resolve()


def _second(moment: datetime) -> str:
    return rfc3339(moment.replace(microsecond=0))
