"""The form of an adapter, made from its kind's own models of settings and secrets. What it lets pass the verb judges.

Settings become fields `settings.<name>`, secrets `secrets.<name>`: the names by which the verb complains, so that each
complaint lands beside its field. Secrets go in and never come out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from pydantic import BaseModel

from adapters import registry
from adapters.models.adapter import AdapterConfig, Secret
from adapters.secrets import REFERENCE_FORMS
from conductor.console.format.values import words_of
from conductor.lib.errors import Refused
from conductor.tenancy.models import Environment

SETTINGS, SECRETS, FORGET = "settings.", "secrets.", "forget."
_INITIALS = {"ca", "dsn", "url"}


class _EnvironmentField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Environment) -> str:
        return obj.name


class AdapterForm(forms.Form):
    """Name and environment of an adapter, then what its kind asks for."""

    name = forms.CharField(max_length=80, help_text="How your people call it.")
    environment = _EnvironmentField(
        queryset=Environment.objects.none(),
        required=False,
        empty_label="Every environment",
        help_text="It serves this environment only.",
    )

    def __init__(self, data: QueryDict | None = None, *, kind: str, adapter: AdapterConfig | None = None) -> None:
        self.kind, self.adapter = kind, adapter
        loaded = registry.kind(kind).load()
        self._schema = loaded.config_model.model_json_schema().get("properties", {})
        super().__init__(data, initial=self._stored())
        environments = self.fields["environment"]
        assert isinstance(environments, forms.ModelChoiceField)
        environments.queryset = Environment.objects.order_by("name")
        for name, schema in self._schema.items():
            self.fields[SETTINGS + name] = _setting(name, schema)
        self._add_secrets(loaded.secrets_model)

    def _stored(self) -> dict[str, Any]:
        if self.adapter is None:
            return {"name": registry.kind(self.kind).label}
        settings = {SETTINGS + name: _shown(value) for name, value in self.adapter.settings.items()}
        return {"name": self.adapter.name, "environment": self.adapter.environment_id, **settings}

    def _add_secrets(self, model: type[BaseModel]) -> None:
        self.stored = {each.name: each for each in self.adapter.secrets.all()} if self.adapter else {}
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, Mapping) else {}
            stored = self.stored.get(name)
            self.fields[SECRETS + name] = _secret(name, field.description or "", extra, stored, field.is_required())
            if stored and not field.is_required():
                label = f"Forget the stored {_inside(name)}"
                self.fields[FORGET + name] = forms.BooleanField(required=False, label=label)

    # What the page shows ---------------------------------------------------------------------------
    def basics(self) -> list[BoundField]:
        """Return the fields that every kind has."""
        return [self["name"], self["environment"]]

    def settings_fields(self) -> list[BoundField]:
        """Return the kind's own settings."""
        return [self[name] for name in self.fields if name.startswith(SETTINGS)]

    def secret_fields(self) -> Iterator[tuple[BoundField, Secret | None, BoundField | None]]:
        """Return each secret's field, what is stored of it (age and scheme may be shown), and the box to forget it."""
        for name in [name for name in self.fields if name.startswith(SECRETS)]:
            bare = name.removeprefix(SECRETS)
            forget = self[FORGET + bare] if FORGET + bare in self.fields else None
            yield self[name], self.stored.get(bare), forget

    # What the verb gets ----------------------------------------------------------------------------
    def settings(self) -> dict[str, Any]:
        """Return the settings as the kind's model takes them; an empty optional one is left to its default."""
        told = {name: self.cleaned_data.get(SETTINGS + name) for name in self._schema}
        return {name: _meant(value, self._schema[name]) for name, value in told.items() if value not in (None, "")}

    def secrets(self) -> dict[str, str]:
        """Return the secrets that were typed."""
        return self._typed(SECRETS)

    def forgotten(self) -> list[str]:
        """Return the names of the stored secrets that are to go; one that was typed anew is not among them."""
        return [name for name in self._typed(FORGET) if name not in self.secrets()]

    def _typed(self, prefix: str) -> dict[str, Any]:
        given = {name: value for name, value in self.cleaned_data.items() if name.startswith(prefix) and value}
        return {name.removeprefix(prefix): value for name, value in given.items()}

    def explain(self, refused: Refused) -> None:
        """Put each of the verb's complaints beside the field that it is about, the rest above the form."""
        if not refused.fields:
            self.add_error(None, refused.detail)
        for place, complaints in refused.fields.items():
            # `settings.to.0` is about one of the lines of `settings.to`.
            field = next((name for name in self.fields if f"{place}.".startswith(f"{name}.")), None)
            self.add_error(field, list(complaints))


def _setting(name: str, schema: Mapping[str, Any]) -> forms.Field:
    """Return the form's field for one setting, by its JSON schema."""
    told: dict[str, Any] = {
        "label": _label(name),
        "help_text": schema.get("description", ""),
        "initial": _shown(schema.get("default")),
        "required": schema.get("type") != "boolean" and schema.get("default", True) not in ("", None, []),
    }
    number: dict[str, Any] = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
    if "enum" in schema:
        return forms.ChoiceField(**told, choices=[(each, each) for each in schema["enum"]])
    if schema["type"] == "boolean":
        return forms.BooleanField(**told)
    if schema["type"] == "integer":
        return forms.IntegerField(**told, **number)
    if schema["type"] == "number":
        return forms.FloatField(**told, **number)
    several_lines = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})
    if _is_list(schema) and not _is_lines(schema):
        told["help_text"] = f"{told['help_text']} A list in JSON.".strip()
        return forms.JSONField(**told, widget=several_lines, encoder=_Indented)
    if _is_lines(schema):
        told["help_text"] = f"{told['help_text']} One a line.".strip()
    long = schema.get("multiline") or _is_lines(schema)
    return forms.CharField(**told, max_length=schema.get("maxLength"), widget=several_lines if long else None)


def _secret(
    name: str, description: str, extra: Mapping[str, Any], stored: Secret | None, is_required: bool
) -> forms.Field:
    """Return the field in which a secret is given. It is never filled in, whatever is stored."""
    hint = f"A reference ({REFERENCE_FORMS})" if extra.get("reference_only") else f"A value, or {REFERENCE_FORMS}"
    keep = " Leave it empty to keep the stored one." if stored else ""
    return forms.CharField(
        label=f"Replace {_inside(name)}" if stored else _label(name),
        help_text=f"{description.rstrip('.')}. {hint}.{keep}".lstrip(". "),
        required=is_required and stored is None,
        strip=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )


def _label(name: str) -> str:
    """Return "CA certificate" for "ca_certificate"."""
    first, *others = words_of(name).split()
    return " ".join([first.upper() if first.lower() in _INITIALS else first, *others])


def _inside(name: str) -> str:
    """Return the label as it stands inside a sentence: "signing key", "DSN"."""
    label = _label(name)
    return label if label.split()[0].isupper() else label[0].lower() + label[1:]


def _is_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array"


def _is_lines(schema: Mapping[str, Any]) -> bool:
    """Return whether it is a list of plain texts, which a person writes one a line."""
    return _is_list(schema) and schema.get("items", {}).get("type") == "string"


def _meant(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return what was typed as the kind's model takes it."""
    if _is_lines(schema):
        return [line.strip() for line in str(value).splitlines() if line.strip()]
    return value


class _Indented(json.JSONEncoder):
    """JSON as a person edits it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "indent": 2, "ensure_ascii": False})


def _shown(value: Any) -> Any:
    """Return a stored value as the form's field takes it."""
    if isinstance(value, list) and any(not isinstance(each, str) for each in value):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return "\n".join(map(str, value)) if isinstance(value, list) else value
