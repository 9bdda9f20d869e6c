"""Finds the texts of this project that people read: in templates, in the product's Python, in its documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PRODUCT = ("conductor", "adapters", "incidents", "controls", "evidence", "chatops")
AVOID = re.compile(
    r"\b(told|said|whoever|anew|doors?|town|whom|by want of|for want of|for ever|which there (?:is|are)|let in"
    r"|stands? on the|no more(?=[.,;:]|$))\b",
    re.IGNORECASE,
)
"""docs/style.md says what to write instead."""
READ = {"Refused", "Conflict", "Invalid", "NotFound", "Forbidden", "Schema", "Input"}
"""Classes whose docstring, or whose fields' docstrings, people read: refusals, and the API's shapes."""
_COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
_TAG = re.compile(r"\{[%{].*?[%}]\}", re.DOTALL)
_ELEMENT = re.compile(r"<[^>]*>", re.DOTALL)
_SHOWN_ATTRIBUTE = re.compile(r"(?:aria-label|title|placeholder|alt|value)=\"([^\"{]*)\"")
_CODE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)", re.DOTALL)
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/how-to", "docs/runbooks", "docs/reference")


@dataclass(frozen=True)
class Text:
    """Words, and where they stand."""

    place: str
    words: str


def template_texts(folder: Path) -> Iterator[Text]:
    """Yield what each template shows: its text, and the attributes that are read out."""
    for path in sorted(folder.rglob("*.html")) + sorted(folder.rglob("*.txt")):
        source = _COMMENT.sub("", path.read_text(encoding="utf-8"))
        place = str(path.relative_to(folder.parent))
        for shown in _SHOWN_ATTRIBUTE.findall(source):
            yield Text(place, shown)
        for literal in re.findall(r"\{%[^%]*?\"([^\"]* [^\"]*)\"[^%]*?%\}", source):
            yield Text(place, literal)
        yield Text(place, " ".join(_ELEMENT.sub(" ", _TAG.sub(" ", source)).split()))


def python_texts(root: Path) -> Iterator[Text]:
    """Yield the sentences and labels of the product's code that may reach somebody."""
    for app in PRODUCT:
        for path in sorted((root / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from texts_in(ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(root)))


def texts_in(tree: ast.Module, place: str) -> Iterator[Text]:
    """Yield what of a module people may read: strings of more than one word, and the docstrings that are shown."""
    prose = {id(node.value): False for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and {_name(base) for base in node.bases} & READ:
            prose |= {id(each.value): True for each in node.body if isinstance(each, ast.Expr)}
        if isinstance(node, ast.FunctionDef) and any("router" in ast.dump(each) for each in node.decorator_list):
            prose |= {id(node.body[0].value): True} if isinstance(node.body[0], ast.Expr) else {}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            words = node.value if prose.get(id(node), True) else ""
        else:
            continue
        if " " in words.strip():
            yield Text(f"{place}:{node.lineno}", " ".join(words.split()))


def document_texts(root: Path) -> Iterator[Text]:
    """Yield the documents' paragraphs, without code and addresses."""
    for name in DOCUMENTS:
        path = root / name
        for each in [path] if path.is_file() else sorted(path.rglob("*.md")):
            for number, words in enumerate(_CODE.sub(" ", each.read_text(encoding="utf-8")).split("\n\n"), start=1):
                yield Text(f"{each.relative_to(root)}, paragraph {number}", " ".join(words.split()))


def _name(base: ast.expr) -> str:
    return base.id if isinstance(base, ast.Name) else base.attr if isinstance(base, ast.Attribute) else ""
