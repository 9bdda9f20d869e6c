"""Draws one PDF in a process of its own, which a limit of its time can end: `-m conductor.console.documents.drawing`.

Reads a request as JSON from its input. Writes to its output a line with the code points that no font has, as JSON,
and the PDF; or JSON that says what is wrong. Needs neither
Django nor the database, and is given no secret.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import resource
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

FONT_EPOCH = "1735689600"
"""2025-01-01. fontTools reads it as SOURCE_DATE_EPOCH from the environment and writes it into subset fonts."""
MISSING, REFUSED = 3, 4
"""Exit codes: a library is absent; a resource was refused."""


class _Undrawn(logging.Handler):
    """Notes the characters that WeasyPrint says no font has."""

    def __init__(self) -> None:
        super().__init__()
        self.characters: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if "notdef" in str(record.msg) and isinstance(record.args, tuple) and isinstance(record.args[-1], int):
            self.characters.add(record.args[-1])


class EngineMissing(Exception):
    """The libraries that draw PDFs are not installed; says which."""


def engine() -> Any:
    """Import WeasyPrint with its fonts' time stamp pinned. Raise EngineMissing where its libraries are absent."""
    os.environ["SOURCE_DATE_EPOCH"] = FONT_EPOCH
    try:
        import weasyprint  # noqa: PLC0415 - loads pango, which only the process that draws PDFs needs
        from weasyprint.text.ffi import harfbuzz_subset  # noqa: PLC0415 - as above
    except OSError as error:
        raise EngineMissing(str(error).split("\n", 1)[0]) from error
    if not harfbuzz_subset:
        raise EngineMissing("harfbuzz-subset is absent")
    return weasyprint


def draw(request: Mapping[str, Any]) -> tuple[bytes, list[str], list[int]]:
    """Return the PDF, the addresses that it asked for and was refused, and the code points that no font has."""
    weasyprint = engine()
    undrawn = _Undrawn()
    logging.getLogger("weasyprint").addHandler(undrawn)
    refused: list[str] = []
    folder = Path(request["folder"])
    source = weasyprint.HTML(
        string=request["html"], base_url=f"{folder.as_uri()}/", url_fetcher=_fetcher(weasyprint, folder, refused)
    )
    pdf: bytes = source.write_pdf(
        pdf_variant=request["variant"],
        pdf_identifier=request["identifier"].encode(),
        attachments=[_attached(weasyprint, each) for each in request["attachments"]],
    )
    return pdf, refused, sorted(undrawn.characters)


def _fetcher(weasyprint: Any, allowed: Path, refused: list[str]) -> Any:
    """Return a fetcher that opens data: addresses and files in the folder, and notes everything else it is asked."""

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
            raise ValueError(url)

    return OwnFilesOnly(allowed_protocols=("file", "data"), allow_redirects=False)


def _attached(weasyprint: Any, attachment: Mapping[str, str]) -> Any:
    moment = datetime.fromisoformat(attachment["created"])
    return weasyprint.Attachment(
        file_obj=io.BytesIO(base64.b64decode(attachment["data"])),
        name=attachment["name"],
        description=attachment["description"],
        created=moment,
        modified=moment,
        relationship="Data",
    )


def _hold_to(limits: Mapping[str, int]) -> None:
    """Let the kernel end this process when it has used up its time."""
    seconds = limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Answer the request on the standard input."""
    request = json.load(sys.stdin.buffer)
    _hold_to(request["limits"])
    try:
        pdf, refused, undrawn = draw(request)
    except EngineMissing as missing:
        sys.stdout.write(json.dumps(str(missing)))
        return MISSING
    if refused:
        sys.stdout.write(json.dumps(refused))
        return REFUSED
    sys.stdout.buffer.write(json.dumps(undrawn).encode() + b"\n" + pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main())
