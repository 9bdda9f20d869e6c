"""One name, one class: where two schema classes share a name, the document can describe only one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, get_args

from ninja.operation import Operation
from pydantic import BaseModel


class NameShared(TypeError):
    """Two classes of the API's schemas have one name."""


def check_names(operations: Iterable[Operation]) -> None:
    """Raise NameShared, naming every pair, if two classes that the operations take or give share a name."""
    named: dict[str, type] = {}
    shared = set()
    for each in classes_of(operations):
        other = named.setdefault(each.__name__, each)
        if other is not each:
            shared.add(f"{each.__name__} ({', '.join(sorted((other.__module__, each.__module__)))})")
    if shared:
        raise NameShared("Rename one of each pair: " + "; ".join(sorted(shared)))


def classes_of(operations: Iterable[Operation]) -> set[type]:
    """Return every model and enumeration that appears in the document by its name."""
    found: set[type] = set()
    for operation in operations:
        for outer in (*operation.models, *operation.response_models.values()):
            # The outer model is ninja's own wrapper, one per operation, and has no name in the document.
            if isinstance(outer, type) and issubclass(outer, BaseModel):
                for inner in _annotated(outer):
                    _collect(inner, found)
    return found


def _collect(annotation: Any, found: set[type]) -> None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | Enum):
        if annotation in found:
            return
        found.add(annotation)
        if issubclass(annotation, BaseModel):
            for inner in _annotated(annotation):
                _collect(inner, found)
        return
    for part in get_args(annotation):
        _collect(part, found)


def _annotated(model: type[BaseModel]) -> Iterator[Any]:
    return (each.annotation for each in model.model_fields.values())
