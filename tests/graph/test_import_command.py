"""`manage.py import_graph` opens its tenant's scope itself."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from conductor.tenancy.models import Tenant


def test_the_command_exits_with_1_when_rows_were_rejected(tenant: Tenant, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps({"nodes": [{"kind": "service", "key": "a"}], "edges": []}))
    bad.write_text(json.dumps({"nodes": [{"kind": "planet", "key": "x"}], "edges": []}))
    out = StringIO()

    call_command("import_graph", str(good), tenant="northwind", stdout=out)
    assert "1 nodes created" in out.getvalue()
    with pytest.raises(CommandError, match="1 rows were rejected"):
        call_command("import_graph", str(bad), tenant="northwind", stdout=out)
    assert "rejected nodes[0]" in out.getvalue()
