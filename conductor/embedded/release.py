"""`make release`: builds the wheel of a commit that is ready for it, and tags the commit."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from conductor.embedded.progress import Halt

DESTINATION = Path("dist")
VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


def make(root: Path) -> int:
    """Build, tag, and print where the wheel is, its digest and the tag."""
    version = check(root)
    wheel = build(root)
    tag = f"v{version}"
    _git(root, "tag", "--annotate", tag, "--message", f"Version {version}")
    print(f"{wheel.relative_to(root)}  sha256 {hashlib.sha256(wheel.read_bytes()).hexdigest()}\ntagged {tag}")
    return 0


def check(root: Path) -> str:
    """Return the version to release; raise Halt with what keeps the commit from being released."""
    version = str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])
    named = VERSION.search((root / "conductor/__init__.py").read_text())
    headings = re.findall(r"^## (\S+) - \d{4}-\d{2}-\d{2}$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    problems = []
    if changes := _git(root, "status", "--porcelain"):
        problems.append(f"the tree has changes that are not committed:\n{changes}")
    if named is None or named[1] != version:
        problems.append(f"pyproject.toml says {version}, conductor/__init__.py {named[1] if named else 'nothing'}")
    if version not in headings:
        problems.append(f"CHANGELOG.md has no section `## {version} - YYYY-MM-DD`")
    if _git(root, "tag", "--list", f"v{version}"):
        problems.append(f"there is a tag v{version} already")
    if problems:
        raise Halt("Not released:\n" + "\n".join(f"- {problem}" for problem in problems))
    return version


def build(root: Path) -> Path:
    """Build the wheel and return its path. The same commit gives the same bytes, whenever it is built."""
    moment = _git(root, "log", "-1", "--format=%ct")
    (root / DESTINATION).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="conductor-wheel-") as built:
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built],
            cwd=root,
            env={**os.environ, "SOURCE_DATE_EPOCH": moment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Halt(f"The wheel could not be built:\n{done.stdout}{done.stderr}")
        (wheel,) = Path(built).glob("*.whl")
        return Path(shutil.copy(wheel, root / DESTINATION))


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Halt(f"`git {' '.join(arguments)}` failed:\n{done.stderr}")
    return done.stdout.strip()
