"""What a tenant's rules may not call, they may not call in another spelling either."""

from __future__ import annotations

import pytest

from conductor.policy.uploads import FORBIDDEN, rego_problems

HEAD = "package tenant.freeze\n\nimport rego.v1\n\n"
DENY = 'deny contains {"code": "frozen", "message": "Frozen."} if input.context.frozen == "yes"\n'


def problems(rego: str) -> list[str]:
    return rego_problems(name="freeze", rego=f"{HEAD}{DENY}{rego}", data={}, tenant="northwind")


def escaped(word: str) -> str:
    return "".join(f"\\u{ord(each):04x}" for each in word)


@pytest.mark.fault("security-11")
@pytest.mark.parametrize("name", [each for each in FORBIDDEN if "." in each])
@pytest.mark.parametrize(
    "spelling",
    ['{0}["{1}"]', "{0}[`{1}`]", '{0}[ "{1}" ]', '{0}["{2}"]', '{0}[\n\t"{1}"\n]', '{0}["{3}"]', "{0}.{1}"],
)
def test_every_spelling_of_a_forbidden_call_is_refused(name: str, spelling: str) -> None:
    space, called = name.split(".")
    half = called[:2] + escaped(called[2:3]) + called[3:]
    (problem,) = problems(f"x := {spelling.format(space, called, escaped(called), half)}()\n")

    # What the engine does not take for a call is refused by the engine itself.
    assert name in problem or "The engine does not accept this" in problem


@pytest.mark.fault("security-11")
@pytest.mark.parametrize("between", ["", " ", "  ", "\t", "\n", "\n\t \n"])
def test_no_blank_hides_a_call_of_walk(between: str) -> None:
    (problem,) = problems(f"x contains value if walk{between}(input, [_, value])\n")

    assert problem.startswith("walk: ")


@pytest.mark.fault("security-11")
def test_a_name_that_only_evaluating_tells_is_refused_where_a_forbidden_one_is_among_them() -> None:
    (problem,) = problems('x := time[sprintf("now_%s", ["ns"])]()\n')

    assert "time.*" in problem or "The engine does not accept this" in problem


@pytest.mark.fault("security-11")
def test_a_mocked_function_is_a_reference_too() -> None:
    (problem,) = problems("f(x) := x\n\ny := f(1) with f as time.now_ns\n")

    assert "time.now_ns" in problem or "The engine does not accept this" in problem


@pytest.mark.parametrize(
    "rego",
    [
        "# http.send and walk(x) are not called here\n",
        'x := "time.now_ns()"\n',
        "walker := 1\n",
        "x := time.parse_rfc3339_ns(input.now)\n",
    ],
)
def test_what_only_mentions_a_name_is_kept(rego: str) -> None:
    assert problems(rego) == []
