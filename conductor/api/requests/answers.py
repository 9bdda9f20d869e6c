"""How the answer to a repeated request is made: from the rows as they are now, never from a copy of the first answer.

What an answer showed may be redacted, made private or taken away from its reader after it was given. So the copy that a
repeat would be answered with is not kept; which rows it was about is (docs/decisions/0085).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string
from ninja import Schema

from conductor.lib.clock import now
from conductor.lib.errors import Conflict, NotFound
from conductor.tenancy.models import TenantModel

View = Callable[..., Any]
GUARDS = {"incidents.incident": "incidents.access.reading.noted"}
"""Models whose rows not every member may read, and what notes a reading: this package imports no app."""


class AnswerNotKept(Conflict):
    """This was done by your first request. Its answer is not kept, because it held what is shown only once."""

    code = "answer_not_kept"


def redrawn_by(again: Callable[..., Any], *, keeps: Sequence[str] = ()) -> Callable[[View], View]:
    """Mark a view whose answer is no row of a table: `again(request, **arguments)` reads it anew, and writes nothing.

    The arguments are the view's own, and of the first answer the fields named in `keeps`: ids and numbers only.
    """

    def mark(view: View) -> View:
        view.redrawn = again, tuple(keeps)  # type: ignore[attr-defined]
        return view

    return mark


def kept_as(schema: type[Schema]) -> Callable[[View], View]:
    """Mark a view whose answer may be kept for a day: it holds counts and outcomes, nobody's words and no secret."""

    def mark(view: View) -> View:
        view.kept = schema  # type: ignore[attr-defined]
        return view

    return mark


def remember(view: View, result: Any) -> dict[str, Any]:
    """Return as a JSON object what a repeat needs for its answer; empty where the answer is not to be given again."""
    if redrawn := getattr(view, "redrawn", None):
        return {"names": {name: str(_part(result, name)) for name in redrawn[1]}}
    if schema := getattr(view, "kept", None):
        return {"kept": schema.model_validate(result, from_attributes=True).model_dump(mode="json")}
    if isinstance(result, Model):
        return {"row": _named(result)}
    if isinstance(result, QuerySet | list | tuple) and all(isinstance(each, Model) for each in result):
        return {"rows": [_named(each) for each in result]}
    return {}


def redraw(view: View, remembered: Mapping[str, Any], request: HttpRequest, arguments: Mapping[str, Any]) -> Any:
    """Return the result that the view would return now. Raise NotFound for what the reader may not see any more."""
    if "names" in remembered:
        again, _names = view.redrawn  # type: ignore[attr-defined]
        return again(request, **arguments, **remembered["names"])
    if "kept" in remembered:
        return JsonResponse(remembered["kept"])
    if "row" in remembered:
        return _seen(remembered["row"], request)
    if "rows" in remembered:
        return [_seen(each, request) for each in remembered["rows"]]
    raise AnswerNotKept


def _part(result: Any, name: str) -> Any:
    return result[name] if isinstance(result, Mapping) else getattr(result, name)


def _named(row: Model) -> list[str]:
    return [row._meta.label_lower, str(row.pk)]


def _seen(named: Sequence[str], request: HttpRequest) -> Model:
    label, key = named
    row: Model | None = apps.get_model(label)._default_manager.filter(pk=key).first()
    if row is None:
        raise NotFound
    _guard(row, request)
    return row


def _guard(row: Model, request: HttpRequest) -> None:
    """Raise NotFound unless all that the row is part of may be read; a reading that has to be noted is noted."""
    if guard := GUARDS.get(row._meta.label_lower):
        import_string(guard)(row, actor=request.actor, now=now())  # type: ignore[attr-defined]
        return
    for field in row._meta.concrete_fields:
        other = field.related_model
        if not isinstance(other, type) or not issubclass(other, TenantModel):
            continue
        is_guarded = other._meta.label_lower in GUARDS
        if (value := getattr(row, field.attname)) is not None and (is_guarded or not field.null):
            owner = other._default_manager.filter(pk=value).first()
            if owner is None:
                raise NotFound
            _guard(owner, request)
