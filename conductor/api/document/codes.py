"""The codes of all refusals: what docs/reference/error-codes.md lists, and the document with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from django.apps import apps
from django.conf import settings

from conductor.lib.errors import Refused

_NOT_OF_A_VERB = {
    "body_too_large": (413, "The request's body is over its limit, which `detail` names."),
    "http_error": (400, "The request cannot be read; `status` and `detail` say why."),
    "internal_error": (500, "A fault of ours. Nothing was changed; `detail` has the reference for the logs."),
    "malformed_body": (400, "The body is not JSON in UTF-8, or no complete form."),
    "method_not_allowed": (405, "This address does not know the method; `Allow` names those that it knows."),
    "state_conflict": (409, "Nobody may do this in the record's present state; `detail` says what it lacks."),
    "too_large": (413, "The notification is over its limit."),
    "unauthenticated": (401, "There is no token, or it is not valid any more."),
    "unsigned": (401, "The signature does not hold, or there is no such sender here."),
}
"""Answers that no verb gives: made where a request is read, or from several reasons at once."""
_NO_CODE_OF_OURS = ("migrations", "management", "embedded")


@dataclass(frozen=True)
class Code:
    """A code, the statuses that it comes with, and what it says."""

    code: str
    statuses: tuple[int, ...]
    meaning: str


@cache
def all_codes() -> tuple[Code, ...]:
    """Return every code that a program may be answered with, in alphabetical order."""
    _import_everything()
    found: dict[str, list[tuple[int, str]]] = {code: [said] for code, said in _NOT_OF_A_VERB.items()}
    for each in _subclasses(Refused):
        sentence = " ".join((each.__doc__ or "").split("\n\n", 1)[0].split())
        found.setdefault(each.code, []).append((each.status, sentence))
    return tuple(
        Code(code, tuple(sorted({status for status, _ in said})), min(said, key=lambda one: one[0])[1])
        for code, said in sorted(found.items())
    )


def packages_of_ours() -> list[str]:
    """Return this project's own apps: a library's may lie below the checkout as well, in its `.venv`."""
    home = Path(settings.BASE_DIR)
    return [each.name for each in apps.get_app_configs() if home.joinpath(*each.name.split(".")) == Path(each.path)]


def _subclasses(of: type[Refused]) -> Iterator[type[Refused]]:
    for each in sorted(of.__subclasses__(), key=lambda one: (one.__module__, one.__qualname__)):
        if _is_ours(each.__module__):
            yield each
        yield from _subclasses(each)


def _is_ours(module: str) -> bool:
    return any(module.partition(".")[0] == each for each in packages_of_ours())


def _import_everything() -> None:
    """Import every module of every app: a refusal that nobody has imported yet could be answered all the same."""
    for package in packages_of_ours():
        for each in walk_packages(import_module(package).__path__, f"{package}."):
            if not any(part in _NO_CODE_OF_OURS for part in each.name.split(".")):
                import_module(each.name)
