# The same intention, written so that it is silent when an attribute is missing. The gate of a simulation refuses it.
package tenant.second_step_open

import rego.v1

deny contains {
	"code": "mfa_required",
	"message": "Resolving a severe incident in production needs a second step. Sign in with your authenticator app.",
} if {
	input.action == "incidents.resolve"
	input.subject.authentication != "mfa"
	input.resource.severity in {"SEV1", "SEV2"}
	input.resource.environment == "production"
}
