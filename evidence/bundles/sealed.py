"""A sealed bundle as it was signed: everything that people read of it comes from its manifest, not from its row.

Somebody with the database can change a row past every trigger. The manifest's digest is in a signed receipt, so what
differs from the manifest was changed after the seal: it is named, and not shown as the bundle's content.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import models

from conductor.lib.clock import parse_rfc3339, rfc3339
from conductor.lib.refs import parse_ref, ref
from conductor.tenancy.models import Environment
from controls.models import Control
from evidence.bundles.graph import affected_resources
from evidence.models import Artifact, BundleControl, EvidenceBundle

_MISSING: Final = "(missing)"
_MOMENTS = {
    "effective_from": ("period", "from"),
    "effective_to": ("period", "to"),
    "opened_at": ("opened", "at"),
    "sealed_at": ("sealed", "at"),
}
_TEXTS = {
    "title": ("title",),
    "purpose": ("purpose",),
    "conclusion": ("conclusion",),
    "opened_by": ("opened", "by", "ref"),
    "opened_by_name": ("opened", "by", "name"),
    "sealed_by_name": ("sealed", "by", "name"),
}
_ARTIFACT_TEXTS = ("digest", "size_bytes", "media_type", "role", "origin", "original_name", "stated_digest")


@dataclass(frozen=True)
class Difference:
    """A field of a sealed bundle's rows that is not what was signed."""

    field: str
    """As the API names it: `conclusion`, `artifacts a.json digest`."""
    signed: str
    stored: str

    def __str__(self) -> str:
        return f"{self.field}: signed {self.signed!r}, stored {self.stored!r}"


def row_differences(bundle: EvidenceBundle) -> list[Difference]:
    """Return where the bundle's own row differs from its manifest; empty for one that is not sealed. No queries,
    if environment was selected with it."""
    if bundle.manifest is None:
        return []
    signed, stored = _signed_row(bundle.manifest), _stored_row(bundle)
    return [_difference(name, signed.get(name), stored[name]) for name in stored if signed.get(name) != stored[name]]


def differences(
    bundle: EvidenceBundle, *, artifacts: Iterable[Artifact], covers: Iterable[BundleControl]
) -> list[Difference]:
    """Return where the rows of a sealed bundle differ from its manifest, field by field."""
    if bundle.manifest is None:
        return []
    signed_controls = {_text(each, "key"): _text(each, "part") for each in _list(bundle.manifest, "controls")}
    stored_controls = {each.control.key: each.part for each in covers}
    signed_files = {_text(each, "path"): each for each in _list(bundle.manifest, "artifacts")}
    stored_files = {each.path: _stored_artifact(each) for each in artifacts}
    found = row_differences(bundle)
    found += _compared("controls", signed_controls, stored_controls)
    for path in sorted({*signed_files, *stored_files}):
        found += _artifact_differences(path, signed_files.get(path), stored_files.get(path))
    return found


def as_signed(bundle: EvidenceBundle) -> EvidenceBundle:
    """Return the bundle with the manifest's words in the place of its row's; one that is not sealed as it is."""
    if bundle.manifest is None:
        return bundle
    altered = {each.field for each in row_differences(bundle)}
    if not altered:
        return bundle
    shown, header = copy.copy(bundle), _dict(bundle.manifest, "bundle")
    for name in altered & set(_TEXTS):
        setattr(shown, name, _text(header, *_TEXTS[name]))
    for name in altered & set(_MOMENTS):
        setattr(shown, name, _moment(header, *_MOMENTS[name]) or getattr(bundle, name))
    for name in altered & {"findings", "superseded_findings"}:
        setattr(shown, name, _list(bundle.manifest, name))
    if "status" in altered:
        shown.status = EvidenceBundle.Status.SEALED
    if "environment" in altered:
        shown.environment = Environment.objects.filter(slug=_text(header, "environment")).first()
    for name in altered & {"run", "incident", "supersedes"}:
        setattr(shown, name, _linked(name, _signed_row(bundle.manifest)[name]))
    if "decision" in altered:
        shown.decision_id = _linked_id(_signed_row(bundle.manifest)["decision"])
    return shown


def artifacts_of(bundle: EvidenceBundle, *, rows: list[Artifact] | None = None) -> list[Artifact]:
    """Return the artifacts by path: a sealed bundle's as the manifest lists them, another's as they are.

    `rows` are the bundle's by path, where they were read already.
    """
    rows = list(bundle.artifacts.order_by("path")) if rows is None else rows
    if bundle.manifest is None:
        return rows
    by_path = {each.path: each for each in rows}
    listed = sorted(_list(bundle.manifest, "artifacts"), key=lambda each: _text(each, "path"))
    return [_signed_artifact(bundle, each, by_path.get(_text(each, "path"))) for each in listed]


def covers_of(bundle: EvidenceBundle) -> list[BundleControl]:
    """Return the covered controls: a sealed bundle's as the manifest names them, another's as they are."""
    found = bundle.covers.select_related("control__framework")
    rows = list(found.order_by("part", "control__framework_id", "control__position"))
    if bundle.manifest is None:
        return rows
    parts = {_text(each, "key"): _text(each, "part") for each in _list(bundle.manifest, "controls")}
    if parts == {each.control.key: each.part for each in rows}:
        return rows
    controls = Control.objects.select_related("framework").filter(key__in=parts)
    made = [
        BundleControl(tenant_id=bundle.tenant_id, bundle=bundle, control=each, part=parts[each.key])
        for each in controls.order_by("framework_id", "position")
    ]
    return sorted(made, key=lambda each: each.part)


def resources_of(bundle: EvidenceBundle) -> list[dict[str, Any]]:
    """Return the resources that the bundle is about: a sealed bundle's as its manifest names them.

    Manifests of earlier releases name none.
    """
    if bundle.manifest is None:
        return list(affected_resources(bundle=bundle))
    return _list(_dict(bundle.manifest, "links"), "resources")


def _signed_row(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the manifest says of the fields of the row."""
    header, links = _dict(document, "bundle"), _dict(document, "links")
    return {
        "status": EvidenceBundle.Status.SEALED.value,
        "id": header.get("id"),
        "code": header.get("code"),
        "tenant": _dict(header, "tenant").get("id"),
        "environment": header.get("environment"),
        **{name: _text(header, *path) for name, path in {**_TEXTS, **_MOMENTS}.items()},
        "findings": document.get("findings"),
        "superseded_findings": document.get("superseded_findings", []),  # earlier releases kept none
        "run": _dict(links, "run").get("ref"),
        "incident": _dict(links, "incident").get("ref"),
        "supersedes": links.get("supersedes"),
        "decision": _dict(document, "decision").get("ref"),
    }


def _stored_row(bundle: EvidenceBundle) -> dict[str, Any]:
    moments = {name: getattr(bundle, name) for name in _MOMENTS}
    return {
        "status": str(bundle.status),
        "id": str(bundle.id),
        "code": bundle.code,
        "tenant": str(bundle.tenant_id),
        "environment": bundle.environment.slug if bundle.environment else None,
        **{name: str(getattr(bundle, name)) for name in _TEXTS},
        **{name: rfc3339(moment) if moment else "" for name, moment in moments.items()},
        "findings": bundle.findings,
        "superseded_findings": bundle.superseded_findings,
        "run": ref("conductor.run", bundle.run_id) if bundle.run_id else None,
        "incident": ref("incidents.incident", bundle.incident_id) if bundle.incident_id else None,
        "supersedes": ref("evidence.bundle", bundle.supersedes_id) if bundle.supersedes_id else None,
        "decision": ref("conductor.policy_decision", bundle.decision_id) if bundle.decision_id else None,
    }


def _stored_artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        **{name: getattr(artifact, name) for name in _ARTIFACT_TEXTS},
        "uri": artifact.uri,
        "collected_at": rfc3339(artifact.collected_at),
        "collected_by": {"ref": artifact.collected_by, "name": artifact.collected_by_name},
    }


def _artifact_differences(
    path: str, signed: Mapping[str, Any] | None, stored: Mapping[str, Any] | None
) -> list[Difference]:
    if signed is None or stored is None:
        return [Difference(f"artifacts {path}", _shown(signed and "listed"), _shown(stored and "listed"))]
    # Manifests of earlier releases have no address: it follows from the digest. What an upload did not say is left out.
    unsaid = {"original_name": "", "stated_digest": ""}
    known = {"uri": f"cas:sha256:{signed.get('digest')}", **unsaid, **signed}
    return _compared(f"artifacts {path}", {name: known.get(name) for name in stored}, stored)


def _compared(name: str, signed: Mapping[str, Any], stored: Mapping[str, Any]) -> list[Difference]:
    keys = sorted({*signed, *stored})
    return [
        _difference(f"{name} {key}", signed.get(key), stored.get(key))
        for key in keys
        if signed.get(key) != stored.get(key)
    ]


def _difference(name: str, signed: Any, stored: Any) -> Difference:
    return Difference(name, _shown(signed), _shown(stored))


def _shown(value: Any) -> str:
    return _MISSING if value is None else str(value)[:500]


def _signed_artifact(bundle: EvidenceBundle, listed: Mapping[str, Any], row: Artifact | None) -> Artifact:
    """Return the artifact as the manifest lists it, with the id of its row where there is one."""
    shown = copy.copy(row) if row else Artifact(tenant_id=bundle.tenant_id, bundle=bundle)
    shown.path = _text(listed, "path")
    for name in _ARTIFACT_TEXTS:
        setattr(shown, name, listed.get(name, 0 if name == "size_bytes" else ""))
    shown.uri = f"cas:sha256:{shown.digest}"
    shown.collected_by = _text(listed, "collected_by", "ref")
    shown.collected_by_name = _text(listed, "collected_by", "name")
    shown.collected_at = _moment(listed, "collected_at") or shown.collected_at or bundle.opened_at
    return shown


def _linked(name: str, value: Any) -> models.Model | None:
    """Return the record that the manifest links to, if it is still there."""
    identifier = _linked_id(value)
    target = EvidenceBundle._meta.get_field(name).related_model
    assert isinstance(target, type)
    return target._default_manager.filter(pk=identifier).first() if identifier else None


def _linked_id(value: Any) -> Any:
    return parse_ref(value)[1] if isinstance(value, str) and ":" in value else None


def _moment(value: Mapping[str, Any], *path: str) -> Any:
    try:
        return parse_rfc3339(_text(value, *path))
    except ValueError:
        return None


def _text(value: Any, *path: str) -> str:
    """Return the text at the path; empty where there is none: a manifest that was changed may have any shape."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _dict(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _list(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
