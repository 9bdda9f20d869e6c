"""`make test-fast`: the part of the suite that two idle cores finish in less than 90 s.

It holds the tests that need no database, and of the others the modules in WITH_DATABASE: one or two of each app. It
leaves out tests marked `full` or `counterpart` and the modules in SLOW. Loaded with `-p tests.harness.fast`.
"""

from __future__ import annotations

import pytest

DATABASE = {"db", "transactional_db", "committed", "django_db_setup", "tenant", "other_tenant"}
"""Fixtures that bring a database."""
WITH_DATABASE = {
    "incidents/test_status.py",
    "incidents/test_declare.py",
    "engine/test_executor.py",
    "chatops/test_verbs.py",
    "controls/test_bindings.py",
    "graph/test_graph.py",
    "evidence/test_bundle_lifecycle.py",
}
SLOW = {
    "adapters/test_deadlines.py",
    "adapters/test_github_and_jira.py",
    "adapters/test_prometheus.py",
    "adapters/test_rfc3161.py",
    "adapters/test_roundup.py",
    "adapters/test_ticketing.py",
    "adapters/test_webhook.py",
    "chaos/test_chaos.py",
    "chatops/test_answers.py",
    "chatops/test_main_job.py",
    "console/test_documents.py",
    "console/test_drawing_limits.py",
    "console/test_glyphs.py",
    "console/test_typesetting.py",
    "docs/test_commands.py",
    "evidence/test_pack_instructions.py",
    "evidence/test_pack_verify.py",
    "ledger/test_key_providers.py",
    "policy/test_sandbox.py",
    "policy/test_simulation.py",
    "sdk/test_python_client.py",
}
"""Modules without a database that draw PDF documents, start processes, change whole packs, or wait for deadlines."""


def _module(item: pytest.Item) -> str:
    return f"{item.path.parent.name}/{item.path.name}"


def is_fast(item: pytest.Item) -> bool:
    """Return whether the test belongs to the quick part."""
    if any(item.get_closest_marker(mark) for mark in ("full", "counterpart")) or _module(item) in SLOW:
        return False
    needs_database = bool(DATABASE & set(getattr(item, "fixturenames", ()))) or item.get_closest_marker("django_db")
    return not needs_database or _module(item) in WITH_DATABASE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the rest."""
    rest = [item for item in items if not is_fast(item)]
    items[:] = [item for item in items if is_fast(item)]
    config.hook.pytest_deselected(items=rest)
