"""How much of the code somebody meets on the way to a change: files entered, modules per folder, lines, floors.

    make measure                  a table
    make measure ARGS=--json      the same figures for a program
    make measure ARGS=--files     the table, and the files that each traced command enters

Nothing is timed, so that the same commit gives the same figures on every machine. docs/explanation/house-measures.md
keeps those of earlier commits.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import tokenize
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import grimp

from perf import trace

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("adapters", "chatops", "conductor", "controls", "evidence", "incidents")
MODULES = 15
"""More modules than this in one folder are listed: past it, a folder is two features."""
COLUMNS = 120
_BLANK = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENDMARKER}


def python_files(*packages: str) -> list[Path]:
    """Return the Python files of the packages, migrations left out."""
    found = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def count_lines(source: str) -> tuple[int, int]:
    """Return how many lines a source has, and how many of them are code: not blank, no comment, no docstring."""
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _BLANK:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            code.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(source.splitlines()), len(code)


def lines() -> dict[str, dict[str, int]]:
    """Return files, lines and lines of code of each package, of the product as a whole and of the tests."""
    found = {package: _count(python_files(package)) for package in PACKAGES}
    whole = {what: sum(each[what] for each in found.values()) for what in ("files", "total", "code")}
    return {**found, "product": whole, "tests": _count(python_files("tests"))}


def _count(files: Iterable[Path]) -> dict[str, int]:
    counted = [count_lines(path.read_text()) for path in files]
    return {"files": len(counted), "total": sum(each[0] for each in counted), "code": sum(each[1] for each in counted)}


def modules_per_folder(files: Iterable[Path]) -> dict[str, Any]:
    """Return the most modules that one folder holds, and the folders with more than MODULES, fullest first."""
    folders = Counter(str(path.parent.relative_to(ROOT)) for path in files if path.name != "__init__.py")
    ranked = sorted(folders.items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "folders": len(ranked),
        "most": ranked[0][1] if ranked else 0,
        f"over {MODULES}": {folder: count for folder, count in ranked if count > MODULES},
    }


def template_lines(texts: Iterable[str]) -> dict[str, Any]:
    """Return how long the lines of the templates are."""
    files = [text.splitlines() for text in texts]
    lengths = [len(line) for text in files for line in text]
    return {
        "files": len(files),
        "lines": len(lengths),
        "characters": sum(lengths),
        "characters per line": round(sum(lengths) / len(lengths), 1) if lengths else 0,
        f"lines over {COLUMNS}": sum(length > COLUMNS for length in lengths),
        "longest": max(lengths, default=0),
    }


def floors(arrows: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Return modules, arrows and floors: a module stands one floor above the highest that it imports.

    `arrows` names for each module those that it imports, and has no circle.
    """
    heights: dict[str, int] = {}

    def height(module: str) -> int:
        if module not in heights:
            heights[module] = 1 + max((height(each) for each in arrows.get(module, ())), default=0)
        return heights[module]

    for module in arrows:
        height(module)
    chain: list[str] = []
    step: Iterable[str] = arrows
    while step := sorted(step):
        chain.append(max(step, key=heights.__getitem__))
        step = arrows.get(chain[-1], ())
    return {
        "modules": len(arrows),
        "arrows": sum(len(list(each)) for each in arrows.values()),
        "floors": max(heights.values(), default=0),
        "longest chain": chain,
    }


def imports_inside(package: str) -> dict[str, list[str]]:
    """Return for each module of a package those of the same package that it imports; migrations left out."""
    graph = grimp.build_graph(package, cache_dir=None)
    modules = sorted(module for module in graph.modules if ".migrations" not in module)
    inside = set(modules)
    return {module: sorted(graph.find_modules_directly_imported_by(module) & inside) for module in modules}


def figures() -> dict[str, Any]:
    """Return everything that needs no database."""
    templates = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
    migrations = {package: len(list((ROOT / package).rglob("migrations/[0-9]*.py"))) for package in PACKAGES}
    return {
        "modules per folder": modules_per_folder(python_files(*PACKAGES)),
        "lines": lines(),
        "templates": template_lines(path.read_text() for path in templates),
        "imports inside chatops": floors(imports_inside("chatops")),
        "migrations": {**migrations, "all": sum(migrations.values())},
    }


def show(name: str, value: Any, depth: int = 0) -> None:
    """Print a figure, or a table of them."""
    label = f"{'  ' * depth}{name}"
    if isinstance(value, dict) and set(value) == {"files", "total", "code"}:
        print(f"{label:<44}{value['files']:>8} files{value['total']:>9} lines{value['code']:>9} of code")
    elif isinstance(value, dict):
        print(label if value else f"{label:<44}{'none':>8}")
        for each, inner in value.items():
            show(each, inner, depth + 1)
    elif isinstance(value, list):
        print(label, *(f"{'  ' * (depth + 1)}{each}" for each in value), sep="\n")
    else:
        print(f"{label:<44}{value:>8}")


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON, with every file that was entered")
    parser.add_argument("--files", action="store_true", help="name every file that was entered")
    given = parser.parse_args(arguments)
    entered = trace.commands(ROOT, PACKAGES)
    if given.json:
        print(json.dumps({"entered by Slack": entered, **figures()}, indent=2))
        return
    brief = {
        command: found if given.files else {what: each for what, each in found.items() if what != "entered"}
        for command, found in entered.items()
    }
    for name, value in {"entered by Slack": brief, **figures()}.items():
        show(name, value)
        print()
