# May this subject take an organisation's own rules out of force, or give up a draft?
#
# One person is enough, with a reason on record: rules that lock everybody out must be retired at once.
package conductor.policy.retire

import data.conductor.basis
import rego.v1

retirable := {"ACTIVE", "DRAFT"}

default allow := false

allow if {
	this_action
	basis.met
	basis.holds("manage_policies")
	not_retired
	explained
	count(deny) == 0
}

this_action if {
	input.action == "policy.retire"
	input.resource.kind == "conductor.tenant_policy"
}

not_retired if input.resource.state in retirable

explained if {
	is_string(input.context.reason)
	input.context.reason != ""
}

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for retiring rules were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "manage_permission_missing",
	"message": "Retiring rules needs the permission \"manage_policies\". Ask an admin.",
} if {
	not basis.holds("manage_policies")
}

deny contains {
	"code": "policy_retired",
	"message": "These rules are retired already.",
} if {
	not not_retired
}

deny contains {
	"code": "reason_missing",
	"message": "Say why the rules are retired.",
} if {
	not explained
}
