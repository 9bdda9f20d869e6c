"""`make release` tags nothing that is not ready, and builds the same wheel from the same commit."""

from __future__ import annotations

import hashlib
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from conductor import __version__
from conductor.embedded import release
from conductor.embedded.progress import Halt

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "a-product"
version = "1.2.3"

[tool.hatch.build.targets.wheel]
packages = ["conductor"]
"""


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Change something")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit that is ready to be released."""
    for name, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org")):
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    root = tmp_path / "checkout"
    (root / "conductor").mkdir(parents=True)
    (root / "conductor/__init__.py").write_text('__version__ = "1.2.3"\n')
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-12-01\n")
    (root / ".gitignore").write_text("/dist/\n")
    git(tmp_path, "init", "--quiet", str(root))
    commit(root)
    return root


def test_a_commit_that_is_ready_becomes_a_wheel_and_a_tag(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.make(checkout) == 0

    (wheel,) = (checkout / "dist").glob("*.whl")
    assert "conductor/__init__.py" in zipfile.ZipFile(wheel).namelist()
    assert git(checkout, "cat-file", "-t", "v1.2.3").strip() == "tag"
    assert git(checkout, "rev-parse", "v1.2.3^{commit}") == git(checkout, "rev-parse", "HEAD")
    printed = capsys.readouterr().out
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in printed and "tagged v1.2.3" in printed


def test_the_same_commit_gives_the_same_bytes(checkout: Path) -> None:
    first = release.build(checkout).read_bytes()
    (checkout / "conductor/__init__.py").touch()

    assert release.build(checkout).read_bytes() == first


def test_a_tree_with_changes_is_not_released(checkout: Path) -> None:
    (checkout / "conductor/new.py").write_text("")

    with pytest.raises(Halt, match=r"not committed:\n.*conductor/new\.py"):
        release.make(checkout)
    assert not git(checkout, "tag") and not (checkout / "dist").exists()


@pytest.mark.parametrize("section", ["", "## 1.2.30 - 2026-12-01", "## 1.2.3", "## Unreleased"])
def test_a_version_without_a_dated_section_is_not_released(checkout: Path, section: str) -> None:
    (checkout / "CHANGELOG.md").write_text(f"# Changelog\n\n{section}\n")
    commit(checkout)

    with pytest.raises(Halt, match=r"no section `## 1\.2\.3 - "):
        release.make(checkout)
    assert not git(checkout, "tag")


def test_versions_that_differ_are_not_released(checkout: Path) -> None:
    (checkout / "conductor/__init__.py").write_text('__version__ = "1.2.4"\n')
    commit(checkout)

    with pytest.raises(Halt, match=r"1\.2\.3, conductor/__init__\.py 1\.2\.4"):
        release.make(checkout)


def test_a_version_is_released_once(checkout: Path) -> None:
    release.make(checkout)
    (checkout / "conductor/more.py").write_text("")
    commit(checkout)

    with pytest.raises(Halt, match=r"a tag v1\.2\.3 already"):
        release.make(checkout)


def test_this_checkout_names_one_version_which_the_changelog_has() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert version == __version__
    assert f"\n## {version} - " in (ROOT / "CHANGELOG.md").read_text()
