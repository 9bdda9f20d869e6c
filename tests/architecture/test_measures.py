"""`make measure` counts what it says: each figure on a small case, and the trace on the product."""

from __future__ import annotations

from conductor.tenancy.models import Tenant
from perf import house, trace
from tests.chatops.conftest import workspace  # noqa: F401 - a fixture

SOURCE = '''"""What the module holds,
in two lines."""

import sys  # code with a comment

# a comment alone
TEXT = """
a text is code
"""


def run():
    """A docstring."""
    return sys
'''


def test_lines_of_code_leave_out_blanks_comments_and_docstrings() -> None:
    assert house.count_lines(SOURCE) == (14, 6)


def test_a_folder_is_listed_past_fifteen_modules_and_its_init_does_not_count() -> None:
    full = [house.ROOT / f"full/m{number}.py" for number in range(16)]
    at_the_limit = [house.ROOT / f"room/m{number}.py" for number in range(15)]
    files = [*full, *at_the_limit, house.ROOT / "room/__init__.py"]

    assert house.modules_per_folder(files) == {"folders": 2, "most": 16, "over 15": {"full": 16}}


def test_line_lengths_of_templates() -> None:
    found = house.template_lines(["a" * 121 + "\n" + "b" * 120, "c"])

    assert found == {
        "files": 2,
        "lines": 3,
        "characters": 242,
        "characters per line": 80.7,
        "lines over 120": 1,
        "longest": 121,
    }


def test_floors_are_the_longest_chain_of_imports() -> None:
    arrows = {"top": ["middle", "ground"], "middle": ["ground"], "ground": [], "beside": ["ground"]}

    found = house.floors(arrows)

    assert found == {"modules": 4, "arrows": 4, "floors": 3, "longest chain": ["top", "middle", "ground"]}


def test_the_imports_of_chatops_are_read_from_the_code() -> None:
    found = house.imports_inside("chatops")

    assert "chatops.models" in found and len(found) > 20
    assert all(each in found for arrows in found.values() for each in arrows)


def test_a_trace_names_the_files_that_were_entered_and_no_other() -> None:
    def act() -> None:
        house.count_lines("x = 1\n")

    assert trace.files_entered(house.ROOT, ["perf"], act) == ["perf/house.py"]
    assert trace.files_entered(house.ROOT, ["chatops"], act) == []


def test_the_traced_commands_reach_their_verbs_and_the_ledger(workspace: Tenant) -> None:  # noqa: F811
    found = trace.measured(house.ROOT, house.PACKAGES)

    for command in ("declare", "ack"):
        files = found[command]["entered"]
        assert any(each.startswith("incidents/") for each in files)
        assert any(each.startswith("conductor/ledger/") for each in files)
        assert found[command]["files"] == len(files) > found[command]["of these in chatops"] > 0
    assert found["declare"]["entered"] != found["ack"]["entered"]
