"""Rules of a tenant's own for tests: `{name}` is filled in."""

from __future__ import annotations

from conductor.policy.tenant_rules import OwnRules, TenantRules, digest_of

FREEZE = """package tenant.{name}

import rego.v1

deny contains {{"code": "frozen", "message": "Deployments are frozen; declare with the release team."}} if {{
	not allowed_service
}}

allowed_service if {{
	is_string(input.resource.service)
	not input.resource.service in data.tenant_data.{name}.frozen
}}
"""

NOBODY = """package tenant.{name}

import rego.v1

deny contains {{"code": "closed", "message": "Nobody may do anything."}}
"""

MFA = """package tenant.{name}

import data.conductor.basis
import rego.v1

strong if input.subject.authentication == "mfa"

strong if basis.has_role("system")

deny contains {{"code": "mfa_required", "message": "Sign in with a second step."}} if {{
	not strong
}}
"""

ENDLESS = """package tenant.{name}

import rego.v1

deny contains {{"code": "late", "message": "Too late."}} if {{
	not input.quick
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	a + b + c == 0
}}
"""

OPEN_HANDED = """package tenant.{name}

import rego.v1

allow := true

deny contains {{"code": "never", "message": "Never."}} if input.resource.severity == "SEV9"
"""


def rules(rego: str, *, name: str = "own", data: dict[str, object] | None = None) -> TenantRules:
    """Return one policy as rules in force."""
    text, given = rego.format(name=name), data or {}
    return TenantRules((OwnRules(name, 1, digest_of(text, given), text, given),))
