"""A log is verified as it was at one moment, however busy its sequencer is meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from conductor.ledger.log import tile_store
from conductor.ledger.log.sequencer import sequence
from conductor.tenancy.models import Tenant
from tests.ledger.acts import act

pytestmark = pytest.mark.usefixtures("committed")


def test_what_is_sequenced_meanwhile_is_no_fault(
    tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(tenant, now)
    sequence(tenant_id=tenant.id, now=now)
    read = tile_store.all_tiles

    def sequence_another() -> int:
        try:
            act(tenant, now + timedelta(seconds=1))
            return sequence(tenant_id=tenant.id, now=now + timedelta(seconds=1))
        finally:
            connection.close()

    def busy() -> Any:
        with ThreadPoolExecutor() as pool:
            assert pool.submit(sequence_another).result() == 1
        return read()

    monkeypatch.setattr(tile_store, "all_tiles", busy)
    out = StringIO()
    call_command("verify_ledger", tenant="northwind", stdout=out)

    assert "northwind: 1 receipts, 1 checkpoints, 1 tiles, 0 not yet sequenced: ok" in out.getvalue()
