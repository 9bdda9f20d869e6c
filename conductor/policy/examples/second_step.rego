# Resolving a SEV1 or SEV2 in production needs a second step at sign-in. Written so that a missing attribute denies.
package tenant.second_step

import data.conductor.basis
import rego.v1

deny contains {
	"code": "mfa_required",
	"message": "Resolving a severe incident in production needs a second step. Sign in with your authenticator app.",
} if {
	asked_about
	not strong
	not minor
	not elsewhere
}

# Undefined, and so asked about, when the action is missing.
asked_about if not input.action in {"incidents.declare", "evidence.seal"}

strong if input.subject.authentication == "mfa"

strong if basis.has_role("system")

minor if input.resource.severity in {"SEV3", "SEV4"}

elsewhere if input.resource.environment in data.tenant_data.second_step.spared
