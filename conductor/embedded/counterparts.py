"""Programs of other people that the tests hold our documents, proofs and pages against.

None is needed to run the product. A test whose program is not there skips and says which package brings it.
"""

from __future__ import annotations

import os
import shutil

from conductor.embedded import debian
from conductor.embedded.progress import Halt, Stage

PACKAGES = {
    "pdftotext": "poppler-utils",
    "openssl": "openssl",
    "chromium": "chromium",
    "softhsm2-util": "softhsm2",
}
"""Program -> the Debian package that brings it."""


def missing() -> dict[str, str]:
    """Return the part of PACKAGES whose programs are not on the PATH."""
    return {program: package for program, package in PACKAGES.items() if not shutil.which(program)}


def provide(*, stage: Stage) -> None:
    """Install what is missing where this user may; otherwise, or when that fails, say what will be skipped."""
    lacking = missing()
    if lacking and os.geteuid() == 0 and debian.available():
        stage.say(f"tests use {', '.join(lacking.values())}: installing with apt-get")
        try:
            debian.install(list(lacking.values()))
        except Halt as problem:
            stage.say(str(problem))
        lacking = missing()
    if lacking:
        stage.result = f"without {', '.join(lacking.values())}: their tests skip"
    else:
        stage.result = "found"
