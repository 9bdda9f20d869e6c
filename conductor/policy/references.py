"""What rules refer to, read from the engine's own syntax tree: no other spelling of a name escapes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

COMPUTED = "*"
"""Stands for a part that is only known when the rules are evaluated: `time[x]` is `time.*`."""


def references(engine: Any) -> list[str]:
    """Return what the files of a regorus engine refer to, each once: dotted names, functions and variables alike.

    `time["now_ns"]`, `time . now_ns` and `time["now\\u005fns"]` are all `time.now_ns`.
    """
    found = {name for file in json.loads(engine.get_ast_as_json()) for name in _names(file["ast"])}
    return sorted(found)


def _names(tree: Any) -> Iterator[str]:
    if isinstance(tree, list):
        for each in tree:
            yield from _names(each)
    elif isinstance(tree, dict):
        if {"Var", "RefDot", "RefBrack"} & tree.keys():
            yield ".".join(_parts(tree))
        for each in tree.values():
            yield from _names(each)


def _parts(reference: dict[str, Any]) -> list[str]:
    """Return the parts of a reference; one that does not begin with a variable begins with COMPUTED."""
    if "Var" in reference:
        return [reference["Var"]["value"]]
    if "RefDot" in reference:
        (_span, name) = reference["RefDot"]["field"]
        return [*_parts(reference["RefDot"]["refr"]), name]
    if "RefBrack" in reference:
        index = reference["RefBrack"]["index"]
        name = next((index[kind]["value"] for kind in ("String", "RawString") if kind in index), COMPUTED)
        return [*_parts(reference["RefBrack"]["refr"]), name]
    return [COMPUTED]
