"""What a tenant's rules may not call, they may not call in another spelling either."""

from __future__ import annotations

import pytest

from conductor.policy.uploads import FORBIDDEN, rego_problems

HEAD = "package tenant.freeze\n"


@pytest.mark.fault("security-11")
@pytest.mark.parametrize("name", [each for each in FORBIDDEN if "." in each])
@pytest.mark.parametrize("spelling", ['{0}["{1}"]', "{0}[`{1}`]", '{0} [ "{1}" ]', "{0} . {1}", "{0}.{1}"])
def test_every_spelling_of_a_forbidden_call_is_refused(name: str, spelling: str) -> None:
    rego = f"{HEAD}x := {spelling.format(*name.split('.'))}()\n"

    (problem,) = rego_problems(name="freeze", rego=rego, data={}, tenant="northwind")

    assert name in problem
