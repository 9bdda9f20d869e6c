from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

RULES = """package door

import rego.v1

default open := false

open if {
	input.key == "brass"
	input.hour > 8
}
"""

TESTS = """package door_test

import data.door
import rego.v1

test_the_brass_key_opens if door.open with input as {"key": "brass", "hour": 9}

test_no_key_does_not_open if not door.open with input as {}
"""


def run(folder: Path, **options: object) -> str:
    out = io.StringIO()
    call_command("policy_test", rego=folder, stdout=out, **options)
    return out.getvalue()


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.rego").write_text(text, encoding="utf-8")
    return folder


def test_the_built_in_rules_pass_and_are_covered() -> None:
    out = io.StringIO()

    call_command("policy_test", stdout=out)

    assert "seal_test.rego" in out.getvalue()
    assert "FAIL" not in out.getvalue()


def test_the_table_counts_tests_and_lines(tmp_path: Path) -> None:
    printed = run(write(tmp_path, door=RULES, door_test=TESTS))

    table = [line.split() for line in printed.splitlines()]
    assert ["door_test.rego", "2", "2"] in table
    assert ["door.rego", "3", "3", "100.0", "none"] in table


def test_a_false_test_fails_the_command_and_is_named(tmp_path: Path) -> None:
    wrong = TESTS + '\ntest_tin_opens if door.open with input as {"key": "tin", "hour": 9}\n'
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 of 3 tests failed"):
        call_command("policy_test", rego=write(tmp_path, door=RULES, door_test=wrong), stdout=out)

    assert "FAIL  data.door_test.test_tin_opens  is not true" in out.getvalue()


def test_a_test_that_raises_fails_with_the_engines_words_and_the_others_still_run(tmp_path: Path) -> None:
    broken = TESTS + '\ntest_division if 1 / input.nothing == 1 with input as {"nothing": 0}\n'
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 of 3 tests failed"):
        call_command("policy_test", rego=write(tmp_path, door=RULES, door_test=broken), stdout=out)

    assert "divide by zero" in out.getvalue()
    assert "backtrace" not in out.getvalue()


def test_a_value_that_is_not_true_is_not_a_pass(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="1 of 3 tests failed"):
        run(write(tmp_path, door=RULES, door_test=TESTS + '\ntest_word := "true"\n'))


def test_thin_coverage_fails_the_command_and_names_the_file(tmp_path: Path) -> None:
    half = "package door_test\n\nimport data.door\nimport rego.v1\n\ntest_no_key if not door.open with input as {}\n"
    folder = write(tmp_path, door=RULES, door_test=half)

    with pytest.raises(CommandError, match=r"Coverage below 90 %: door\.rego"):
        run(folder)
    assert "door.rego" in run(folder, coverage=50.0)


def test_a_skipped_test_is_said_and_does_not_fail(tmp_path: Path) -> None:
    printed = run(write(tmp_path, door=RULES, door_test=TESTS + "\ntodo_test_the_window if false\n"))

    assert "SKIP  data.door_test.todo_test_the_window" in printed


def test_no_test_at_all_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No Rego file"):
        run(tmp_path)
    with pytest.raises(CommandError, match="No test was found"):
        run(write(tmp_path, door=RULES))


def test_text_that_is_no_rego_is_a_failure_that_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"door\.rego:3:") as failure:
        run(write(tmp_path, door="package door\n\nopen if if\n"))

    assert "backtrace" not in str(failure.value)
