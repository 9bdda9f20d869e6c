"""Finds in the code whatever shows something in Slack, and looks at what it returns while a test runs.

A list by hand forgets; this one is read from the sources: functions whose annotation says that they return a message or
a view, functions that build one from blocks, and functions that queue one for Slack.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import chatops

FOLDER = Path(chatops.__file__).parent
ELSEWHERE = ("demo", "management", "migrations")
"""Folders that show nothing in Slack."""
SHOWN_TYPES = {"Answer", "answers.Answer", "View", "modals.View"}
POSTING = {"chat.postMessage", "chat.update", "views.publish", "response_url"}
Key = tuple[str, str]
"""File and qualified name of a function, as its code object has them."""


@dataclass
class Seen:
    """What ran, and what it returned."""

    called: set[Key] = field(default_factory=set)
    shown: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Name of the function and the message or view that it returned."""


def showing() -> dict[Key, str]:
    """Return every function of chatops that shows something, with its short name."""
    found: dict[Key, str] = {}
    for path in sorted(FOLDER.rglob("*.py")):
        if path.relative_to(FOLDER).parts[0] not in ELSEWHERE:
            for qualname, function in _functions(ast.parse(path.read_text())):
                if _returns_shown(function) or _builds_blocks(function) or _posts(function):
                    found[(str(path), qualname)] = f"{path.relative_to(FOLDER).with_suffix('')}.{qualname}"
    return found


@contextmanager
def watching() -> Iterator[Seen]:
    """Look at every function that shows something, for as long as the context lasts, in every thread begun within."""
    wanted, seen = showing(), Seen()

    def look(frame: FrameType, event: str, value: Any) -> None:
        if event != "return":
            return
        key = (frame.f_code.co_filename, frame.f_code.co_qualname)
        if key in wanted:
            seen.called.add(key)
            if isinstance(value, dict) and "blocks" in value:
                seen.shown.append((wanted[key], value))

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
            yield from _functions(node, f"{prefix}{node.name}.<locals>.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _returns_shown(function: ast.FunctionDef) -> bool:
    said = ast.unparse(function.returns) if function.returns else ""
    return bool({part.strip() for part in said.split("|")} & SHOWN_TYPES)


def _builds_blocks(function: ast.FunctionDef) -> bool:
    """Whether a dictionary with blocks is written out in it, other than in functions inside it."""
    written = [node for node in _own(function) if isinstance(node, ast.Dict)]
    return any(isinstance(key, ast.Constant) and key.value == "blocks" for node in written for key in node.keys)


def _posts(function: ast.FunctionDef) -> bool:
    calls = [node for node in _own(function) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Say")]
    return any(isinstance(each, ast.Constant) and each.value in POSTING for call in calls for each in call.args)


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the function's nodes without those of functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
