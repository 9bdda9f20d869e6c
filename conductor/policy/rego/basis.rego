# What every key action requires, whatever its own rules say.
#
# Each requirement stands twice on purpose: as a fact that `met` needs, and as the reason that `deny` gives when the
# fact does not hold. A missing attribute makes a fact undefined, so that it denies (`not a == b`, never `a != b`).
package conductor.basis

import rego.v1

channels := {"alert", "api", "cli", "console", "engine", "slack"}

default met := false

met if {
	identified
	about_a_resource
	same_tenant
	known_channel
	timed
}

identified if {
	is_string(input.subject.ref)
	input.subject.ref != ""
	is_array(input.subject.roles)
	is_array(input.subject.permissions)
}

about_a_resource if {
	is_string(input.resource.ref)
	input.resource.ref != ""
	is_string(input.resource.kind)
	input.resource.kind != ""
}

same_tenant if {
	is_string(input.subject.tenant)
	input.subject.tenant != ""
	input.subject.tenant == input.resource.tenant
}

known_channel if input.subject.channel in channels

timed if {
	is_string(input.context.time)
	input.context.time != ""
}

holds(permission) if {
	is_array(input.subject.permissions)
	permission in input.subject.permissions
}

has_role(role) if {
	is_array(input.subject.roles)
	role in input.subject.roles
}

deny contains {
	"code": "subject_unknown",
	"message": "Conductor could not tell who asks for this. Sign in again, or use a token that belongs to a member.",
} if {
	not identified
}

deny contains {
	"code": "resource_unknown",
	"message": "Conductor could not tell what this is about. Open the item again and repeat the action there.",
} if {
	not about_a_resource
}

deny contains {
	"code": "tenant_mismatch",
	"message": "This belongs to another organisation. Switch to that organisation, then try again.",
} if {
	not same_tenant
}

deny contains {
	"code": "channel_unknown",
	"message": "Key actions are accepted from the console, the API, Slack, the command line, alerts and workflows only.",
} if {
	not known_channel
}

deny contains {
	"code": "time_missing",
	"message": "The request carries no time, so it cannot be placed in the record. Report this to an administrator.",
} if {
	not timed
}
