"""Coverage: which controls have fresh evidence, which had some, which have none, and where the holes are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conductor.tenancy.actors import Actor
from conductor.tenancy.models import Tenant
from controls.lifecycle import RESTORE_VERIFICATION, bind_workflow
from controls.models import Control
from controls.selectors import control_by_id, framework_by_id
from evidence.bundles.selectors import bundle_by_id, bundle_detail, bundle_figures, bundle_rows, bundles, bundles_about
from evidence.coverage.selectors import control_detail, control_rows, coverage, gaps, heat_map
from evidence.models import EvidenceBundle
from tests.evidence.bundles import FAILED, collecting, sealed

pytestmark = pytest.mark.usefixtures("scope")
Make = Callable[..., Actor]


@pytest.fixture
def bound(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    """A1.2 wants evidence every 90 days, A1.3 every 30."""
    for alias, days in (("SOC2_A1.2", 90), ("SOC2_A1.3", 30)):
        bind_workflow(
            tenant_id=tenant.id,
            control=control_by_id(alias),
            workflow=RESTORE_VERIFICATION,
            part="PRIMARY",
            frequency_days=days,
            actor=actor(cora),
            now=now,
        )


def _seal_at(tenant: Tenant, who: Actor, moment: datetime, *aliases: str, **given: Any) -> EvidenceBundle:
    return sealed(tenant, who, moment, control_ids=list(aliases), **given)


def _states(now: datetime, *aliases: str) -> list[str]:
    rows = control_rows(controls=[control_by_id(alias) for alias in aliases], now=now)
    return [row.state for row in rows]


def test_a_control_is_fresh_until_its_frequency_has_passed(
    bound: None, tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    assert _states(now, "SOC2_A1.2", "SOC2_A1.3", "SOC2_CC1.1") == ["never", "never", "unbound"]

    _seal_at(tenant, actor(cora), now - timedelta(days=40), "SOC2_A1.2", "SOC2_A1.3", "SOC2_CC1.1")

    assert _states(now, "SOC2_A1.2", "SOC2_A1.3", "SOC2_CC1.1") == ["fresh", "stale", "unbound"]
    row = control_rows(controls=[control_by_id("SOC2_A1.3")], now=now)[0]
    assert row.last_evidence_at == now - timedelta(days=40)
    assert row.due_at == now - timedelta(days=10)
    assert row.bundles == 1


def test_what_is_not_sealed_is_no_evidence(bound: None, tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    collecting(tenant, actor(cora), now)

    assert _states(now, "SOC2_A1.2") == ["never"]


def test_coverage_adds_up(bound: None, tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    _seal_at(tenant, actor(cora), now - timedelta(days=40), "SOC2_A1.2", "SOC2_A1.3")

    by_key = {each.framework.key: each for each in coverage(now=now)}

    soc2 = by_key["SOC2_2017"]
    assert (soc2.controls, soc2.fresh, soc2.stale, soc2.never, soc2.unbound, soc2.covered) == (61, 1, 1, 0, 59, 2)
    assert by_key["NIST80053_R5"].controls == 300
    for each in by_key.values():
        assert each.fresh + each.stale + each.never + each.unbound == each.controls


def test_gaps_begin_with_what_was_lost(bound: None, tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    _seal_at(tenant, actor(cora), now - timedelta(days=40), "SOC2_A1.3")

    found = gaps(framework=framework_by_id("SOC2"), now=now, limit=3)

    assert [(row.control.code, row.state) for row in found] == [
        ("A1.3", "stale"),
        ("A1.2", "never"),
        ("CC1.1", "unbound"),
    ]


def test_the_heat_map_counts_bundles_by_the_end_of_their_period(
    bound: None, tenant: Tenant, actor: Make, cora: User, now: datetime
) -> None:
    for _bundle in range(3):
        _seal_at(tenant, actor(cora), now, "SOC2_A1.2", "SOC2_A1.3")
    _seal_at(tenant, actor(cora), datetime(2026, 9, 1, tzinfo=UTC), "SOC2_A1.2")
    _seal_at(tenant, actor(cora), datetime(2025, 11, 30, tzinfo=UTC), "SOC2_A1.2")

    rows = {row.group: row for row in heat_map(framework=framework_by_id("SOC2"), now=now)}

    assert list(rows)[:3] == ["CC1", "CC2", "CC3"]
    cells = rows["A"].cells
    assert (cells[0].month, cells[-1].month) == (date(2025, 12, 1), date(2026, 11, 1))
    assert [cell.bundles for cell in cells] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3]
    assert [cell.level for cell in cells[-3:]] == [1, 0, 2]
    assert rows["A"].controls == 3
    assert {cell.bundles for cell in rows["CC1"].cells} == {0}


def test_a_control_page_has_its_history(bound: None, tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    old = _seal_at(tenant, actor(cora), now - timedelta(days=100), "SOC2_A1.2")
    new = _seal_at(tenant, actor(cora), now, "SOC2_A1.2", findings=[FAILED])

    detail = control_detail(control=control_by_id("SOC2_A1.2"), now=now)

    assert detail.bundles == [new, old]
    assert detail.row.state == "fresh"
    assert [binding.frequency_days for binding in detail.bindings] == [90]
    assert sum(cell.bundles for cell in detail.months) == 2


def test_figures_and_rows_of_bundles(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    _seal_at(tenant, actor(cora), now, "SOC2_A1.2", findings=[FAILED])
    _seal_at(tenant, actor(cora), now, "SOC2_CC7.4", "SOC2_A1.2")
    collecting(tenant, actor(cora), now)

    figures = bundle_figures()
    rows = bundle_rows(bundles())

    assert (figures.total, figures.collecting, figures.sealed, figures.with_exceptions, figures.unnotarized) == (
        3,
        1,
        2,
        1,
        2,
    )
    assert [(row.bundle.code, row.artifacts, row.notary, row.is_logged) for row in rows] == [
        ("EVB-0003", 0, "", False),
        ("EVB-0002", 2, "wait", True),
        ("EVB-0001", 2, "wait", True),
    ]
    assert [control.code for control in rows[1].controls] == ["CC7.4", "A1.2"]
    assert (rows[2].findings.exceptions, rows[2].findings.checked, rows[2].findings.not_checked) == (1, 1, 0)
    assert rows[1].size_bytes == 15


def test_lists_take_a_fixed_number_of_queries(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    counts = []
    for _round in range(2):
        _seal_at(tenant, actor(cora), now, "SOC2_A1.2", "SOC2_CC7.4")
        with CaptureQueriesContext(connection) as queries:
            bundle_rows(bundles())
            control_rows(controls=Control.objects.filter(framework="SOC2_2017"), now=now)
            bundle_detail(bundle=bundle_by_id("EVB-0001"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_bundle_detail_has_custody_in_order(tenant: Tenant, actor: Make, cora: User, now: datetime) -> None:
    bundle = _seal_at(tenant, actor(cora), now, "SOC2_A1.2")

    detail = bundle_detail(bundle=bundle)

    actions = [receipt.action for receipt in detail.receipts]
    assert actions[0] == "evidence.bundle.opened"
    assert actions[-1] == "evidence.bundle.sealed"
    assert (len(detail.artifacts), detail.size_bytes, detail.successor) == (2, 15, None)


def test_bundles_about_other_kinds_of_things_are_none(tenant: Tenant) -> None:
    assert bundles_about(subject="controls.control:1") == []
