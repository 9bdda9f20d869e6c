"""The control catalogue: data files in controls/data, brought into the tables that all tenants share.

SOC 2 and ISO 27001 are identifiers with our own labels (their texts are not ours to ship); NIST SP 800-53 has its
titles. Only the owner may write these tables: the application's role reads them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from conductor.lib.canonical import sha256_hex
from controls.models import Control, ControlMapping, Framework

DATA = Path(__file__).resolve().parent / "data"
FRAMEWORK_FILES = ("soc2_2017.json", "iso27001_2022.json", "nist80053_r5.json")
MAPPING_FILE = "mappings.json"
OWNER = "owner"
"""Database alias that may write the catalogue."""


@dataclass(frozen=True)
class LoadReport:
    """What the tables hold after loading."""

    frameworks: int
    controls: int
    mappings: int
    changed: list[str]
    """Keys of the frameworks whose data file differed from the one loaded last."""


def load_catalogue(*, using: str = OWNER) -> LoadReport:
    """Bring the tables up to the data files. Loading them again changes nothing; nothing is ever deleted."""
    changed = []
    with transaction.atomic(using=using):
        for name in FRAMEWORK_FILES:
            content = (DATA / name).read_bytes()
            document = json.loads(content)
            key = document["framework"]["key"]
            if Framework.objects.using(using).filter(key=key, content_digest=sha256_hex(content)).exists():
                continue
            _load_framework(document, sha256_hex(content), using)
            changed.append(key)
        _load_mappings(json.loads((DATA / MAPPING_FILE).read_bytes()), using)
        return LoadReport(
            frameworks=Framework.objects.using(using).count(),
            controls=Control.objects.using(using).count(),
            mappings=ControlMapping.objects.using(using).count(),
            changed=changed,
        )


def token(code: str) -> str:
    """Return the part of a control's key that its code makes: `A.8.13` is `A_8.13`, `CC7.4` stays."""
    return f"A_{code[2:]}" if code.startswith("A.") else code


def _load_framework(document: dict[str, Any], digest: str, using: str) -> None:
    facts = document["framework"]
    framework, _created = Framework.objects.using(using).update_or_create(
        key=facts["key"], defaults={**facts, "content_digest": digest}
    )
    withdrawn = set(document["withdrawn"])
    controls = [
        Control(
            framework=framework,
            code=code,
            key=f"{framework.key}_{token(code)}",
            alias=f"{framework.alias}_{token(code)}",
            label=label,
            group=group["group"],
            group_label=group["label"],
            is_withdrawn=code in withdrawn,
        )
        for group in document["groups"]
        for code, label in group["controls"].items()
    ]
    for position, control in enumerate(controls, start=1):
        control.position = position
    Control.objects.using(using).bulk_create(
        controls,
        update_conflicts=True,
        unique_fields=["framework", "code"],
        update_fields=["label", "group", "group_label", "position", "is_withdrawn"],
    )


def _load_mappings(document: dict[str, Any], using: str) -> None:
    ids = dict(
        Control.objects.using(using).filter(framework__in=[document["from"], document["to"]]).values_list("key", "id")
    )
    ControlMapping.objects.using(using).bulk_create(
        [
            ControlMapping(
                source_id=ids[f"{document['from']}_{token(source)}"],
                target_id=ids[f"{document['to']}_{token(target)}"],
                relationship=document["relationship"],
                authority=document["authority"],
            )
            for source, targets in document["pairs"].items()
            for target in targets
        ],
        ignore_conflicts=True,
    )
