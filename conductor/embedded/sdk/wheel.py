"""`make sdk`: generates the client in a folder of its own that is thrown away, and keeps the wheel."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from conductor.embedded.progress import Halt

DOCUMENT = Path("docs/reference/openapi.json")
DESTINATION = Path("dist/sdk")
HERE = Path(__file__).parent
FIXED_BOUNDARY = '    headers["Content-Type"] = "multipart/form-data; boundary=+++"\n'
MOMENT = "1577836800"
"""Every file in the wheel is of 2020-01-01, so that the same document gives the same bytes."""


def make(root: Path) -> int:
    """Build the client of the checkout's document; print where the wheel is, and its digest."""
    wheel = build(document=root / DOCUMENT, into=root / DESTINATION)
    print(f"{wheel.relative_to(root)}  sha256 {hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    return 0


def build(*, document: Path, into: Path) -> Path:
    """Build the wheel of `document` into the folder and return its path. Older wheels there are removed.

    Asks no network. Raise Halt, with what the generator says, unless it understood the whole document.
    """
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="conductor-sdk-") as name:
        source, built = Path(name) / "source", Path(name) / "built"
        _generate(document, source)
        _leave_boundaries_to_httpx(source)
        _call(["hatchling", "build", "-t", "wheel", "-d", str(built)], directory=source)
        (wheel,) = built.glob("*.whl")
        for old in into.glob("*.whl"):
            old.unlink()
        kept = into / wheel.name
        kept.write_bytes(wheel.read_bytes())
    return kept


def _generate(document: Path, source: Path) -> None:
    arguments = ["generate", "--path", str(document), "--output-path", str(source), "--meta", "uv"]
    own = ["--config", str(HERE / "generator.yaml"), "--custom-template-path", str(HERE / "templates")]
    # A warning is an operation, an answer or a body that the client would go without.
    _call(["openapi_python_client", *arguments, *own, "--fail-on-warning"], directory=document.parent)


def _leave_boundaries_to_httpx(source: Path) -> None:
    """Let httpx draw the boundary of each upload: a file may hold the one that the generator writes, and end there."""
    changed = 0
    for module in source.rglob("api/*/*.py"):
        text = module.read_text()
        if FIXED_BOUNDARY in text:
            module.write_text(text.replace(FIXED_BOUNDARY, ""))
            changed += 1
    if not changed:
        raise Halt("The generator writes uploads in another way than before: look at conductor/embedded/sdk/wheel.py.")


def _call(module: Sequence[str], *, directory: Path) -> None:
    # The generator calls ruff by its name, to order and format what it wrote.
    variables = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "SOURCE_DATE_EPOCH": MOMENT,
    }
    done = subprocess.run(
        [sys.executable, "-m", *module], cwd=directory, env=variables, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise Halt(f"{module[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
