"""The catalogue: complete, stable under reloading, and without a word that is not ours to ship."""

from __future__ import annotations

import json
import time

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, transaction

from controls.catalogue import DATA, FRAMEWORK_FILES, load_catalogue, token
from controls.models import Control, ControlMapping, Framework

pytestmark = pytest.mark.django_db(databases=["default", "owner"], transaction=False)


def test_every_framework_has_all_its_controls() -> None:
    counts = {framework.key: framework.controls.count() for framework in Framework.objects.all()}

    assert counts == {"SOC2_2017": 61, "ISO27001_2022": 93, "NIST80053_R5": 324}


@pytest.mark.parametrize(
    ("group", "count"),
    [("A.5", 37), ("A.6", 8), ("A.7", 14), ("A.8", 34), ("CC6", 8), ("CC7", 5), ("P", 18), ("CP", 13)],
)
def test_groups_have_the_sizes_that_their_frameworks_give_them(group: str, count: int) -> None:
    assert Control.objects.filter(group=group).count() == count


def test_withdrawn_controls_keep_their_numbers_and_are_marked() -> None:
    withdrawn = Control.objects.filter(is_withdrawn=True)

    assert withdrawn.count() == 24
    assert withdrawn.filter(code="CP-5").exists()
    assert not withdrawn.exclude(framework="NIST80053_R5").exists()


def test_frameworks_that_are_not_ours_have_short_labels_of_our_own() -> None:
    labels = Control.objects.filter(framework__terms=Framework.Terms.IDS_ONLY).values_list("alias", "label")

    assert len(labels) == 61 + 93
    assert [alias for alias, label in labels if len(label.split()) > 8] == []


def test_the_mapping_names_its_authority_and_both_its_ends() -> None:
    mapping = ControlMapping.objects.get(source__alias="NIST_800_53_CP-9", target__alias="ISO_27001_A_8.13")

    assert mapping.authority == "NIST OLIR 2023-10-12"
    assert mapping.relationship == ControlMapping.Relationship.INTERSECTS
    assert ControlMapping.objects.count() == 41


def test_loading_again_changes_nothing_and_is_fast(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(Control.objects.using("owner").values_list("id", "key", "label"))

    began = time.perf_counter()
    call_command("load_catalogue")
    seconds = time.perf_counter() - began

    assert set(Control.objects.using("owner").values_list("id", "key", "label")) == before
    assert "478 controls of 3 frameworks, 41 mappings: already up to date" in capsys.readouterr().out
    assert seconds < 2


def test_a_changed_file_is_loaded_over_the_same_rows() -> None:
    before = Control.objects.using("owner").get(alias="SOC2_A1.2")
    Framework.objects.using("owner").filter(key="SOC2_2017").update(content_digest="")
    Control.objects.using("owner").filter(id=before.id).update(label="An older label")

    report = load_catalogue()

    after = Control.objects.using("owner").get(alias="SOC2_A1.2")
    assert (after.id, after.label) == (before.id, before.label)
    assert report.changed == ["SOC2_2017"]


def test_the_application_may_read_the_catalogue_and_not_write_it() -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Control.objects.filter(alias="SOC2_A1.2").update(label="Nothing to see")


def test_default_bindings_name_known_controls_only() -> None:
    bindings = json.loads((DATA / "bindings.json").read_bytes())
    named = [alias for plan in bindings.values() for part in ("PRIMARY", "SUPPORTING") for alias in plan[part]]

    assert len(named) == 31
    assert Control.objects.filter(alias__in=named).count() == len(set(named))


def test_data_files_hold_each_code_once() -> None:
    for name in FRAMEWORK_FILES:
        groups = json.loads((DATA / name).read_bytes())["groups"]
        codes = [token(code) for group in groups for code in group["controls"]]
        assert len(codes) == len(set(codes)), name
