"""The commands in how-tos, runbooks and references exist and take the options that the text gives them."""

from __future__ import annotations

import argparse
import io
import re
import shlex
import subprocess
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError

from tests.evidence.packing import LOG, SEAL, make_pack
from tests.harness import counterparts

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IN_BLOCK = re.compile(r"^(?: {4,}|)(?:[A-Z_]+=\S+ )*manage\.py (.+?)(?:\s{2,}#.*)?$", re.MULTILINE)
IN_TEXT = re.compile(r"`(?:[A-Z_]+=\S+ )*manage\.py ([^`]+)`")


def _printed(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    return [
        (str(page.relative_to(ROOT)), " ".join(found.split()))
        for page in PAGES
        if "decisions" not in page.parts
        for found in pattern.findall(page.read_text())
    ]


def _command(name: str) -> BaseCommand:
    app = get_commands().get(name)
    assert app, f"there is no command {name}"
    return load_command_class(app, name) if isinstance(app, str) else app


def _options(command: BaseCommand, name: str) -> set[str]:
    """Return every option of a command and of its sub-commands."""
    found: set[str] = set()
    parsers = [command.create_parser("manage.py", name)]
    while parsers:
        parser = parsers.pop()
        for action in parser._actions:
            found |= set(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
    return found


@pytest.mark.fault("proof-1", "console-F1")
@pytest.mark.parametrize(("page", "line"), _printed(IN_BLOCK))
def test_a_printed_command_line_is_taken_by_the_command(page: str, line: str) -> None:
    line = re.sub(r"RECEIPT|\bID\b", "01a22f6c-b760-7590-b2d8-404d0e425954", line)
    name, *arguments = shlex.split(re.sub(r"\[(--.+?)\]", r"\1", line.replace("N]", "1]")))
    command = _command(name)
    if name in {"verify_pack"}:  # hands all its arguments to the verifier, whose own tests know them
        return
    problems = io.StringIO()
    with redirect_stderr(problems):
        try:
            command.create_parser("manage.py", name).parse_args(arguments)
        except (SystemExit, CommandError) as why:
            pytest.fail(f"{page}: manage.py {line}: {why} {problems.getvalue()}")


@pytest.mark.fault("proof-1")
@pytest.mark.parametrize(("page", "text"), _printed(IN_TEXT))
def test_a_command_named_in_a_text_exists_with_its_options(page: str, text: str) -> None:
    name, *words = text.split()
    command = _command(name)
    given = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}

    assert given <= _options(command, name), page


@pytest.mark.fault("proof-1", "console-F1")
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_the_how_to_verifies_a_pack_as_printed(tmp_path: Path, shell: str) -> None:
    if shell == "zsh":
        counterparts.need("zsh")
    made = make_pack().data
    text = (ROOT / "docs/how-to/verify.md").read_text().partition("## One receipt")[0]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    block = block.replace("EVB-0001-pack-1", "EVB-0017-pack-1")
    right = block.replace("sha256:…", f"sha256:{SEAL.public.fingerprint}", 1)
    right = right.replace("sha256:…", f"sha256:{LOG.public.fingerprint}", 1)
    tampered = made.replace(b"users;312", b"users;313")
    assert tampered != made

    cases = [
        (made, right, 0, "VERIFIED: "),
        (made, block.replace("sha256:…", f"sha256:{'0' * 64}"), 1, "NOT VERIFIED: "),
        (tampered, right, 1, "NOT VERIFIED: "),
        (b"", right, 1, ""),
    ]
    for number, (pack, script, status, verdict) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "EVB-0017-pack-1.zip").write_bytes(pack)
        done = subprocess.run([shell], cwd=folder, input=script, capture_output=True, text=True)

        last = (done.stdout.splitlines() or [""])[-1]
        assert (done.returncode, last[: len(verdict)]) == (status, verdict), done.stderr
        assert bool(last) is bool(verdict), "what could not be unpacked has no verdict"
