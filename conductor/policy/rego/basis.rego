# What every key action requires, whatever its own rules say.
#
# Each requirement stands twice on purpose: as a fact that `met` needs, and as the reason that `deny` gives when the
# fact does not hold. A missing attribute makes a fact undefined, so that it denies (`not a == b`, never `a != b`).
package conductor.basis

import rego.v1

channels := {"alert", "api", "cli", "console", "engine", "slack"}

# "unknown" is known too: a session without a record of how it began. Rules that ask for more refuse it by name.
authentications := {"mfa", "oidc", "password", "slack", "system", "token", "unknown"}

default met := false

met if {
	identified
	authenticated
	about_a_resource
	described
	same_tenant
	known_channel
	timed
	four_eyes_told
	four_eyes_kept
}

identified if {
	is_string(input.subject.ref)
	input.subject.ref != ""
	is_array(input.subject.roles)
	is_array(input.subject.permissions)
}

authenticated if input.subject.authentication in authentications

about_a_resource if {
	is_string(input.resource.ref)
	input.resource.ref != ""
	is_string(input.resource.kind)
	input.resource.kind != ""
}

# The environment and the severity are empty where the resource has none.
described if {
	is_string(input.resource.environment)
	is_string(input.resource.severity)
	is_string(input.resource.visibility)
	input.resource.visibility != ""
	is_string(input.resource.owner)
	input.resource.owner != ""
}

same_tenant if {
	is_string(input.subject.tenant)
	input.subject.tenant != ""
	input.subject.tenant == input.resource.tenant
}

known_channel if {
	input.subject.channel in channels
	input.context.channel == input.subject.channel
}

timed if {
	is_string(input.context.time)
	input.context.time != ""
}

four_eyes_told if {
	is_boolean(input.context.four_eyes.required)
	is_string(input.context.four_eyes.requested_by)
	is_string(input.context.four_eyes.approved_by)
}

four_eyes_kept if input.context.four_eyes.required == false

four_eyes_kept if {
	input.context.four_eyes.requested_by != ""
	input.context.four_eyes.approved_by == input.subject.ref
	not input.context.four_eyes.approved_by == input.context.four_eyes.requested_by
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
	"code": "authentication_unknown",
	"message": "Conductor could not tell how you signed in. Sign out and in again, then repeat the action.",
} if {
	not authenticated
}

deny contains {
	"code": "resource_unknown",
	"message": "Conductor could not tell what this is about. Open the item again and repeat the action there.",
} if {
	not about_a_resource
}

deny contains {
	"code": "resource_undescribed",
	"message": "The request does not describe what it is about. Report this to an administrator.",
} if {
	not described
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

deny contains {
	"code": "four_eyes_unknown",
	"message": "The request does not say whether it needs a second person. Report this to an administrator.",
} if {
	not four_eyes_told
}

deny contains {
	"code": "second_person_required",
	"message": "This needs a second person. Ask somebody else who may do it: whoever asked for it cannot approve it.",
} if {
	four_eyes_told
	not four_eyes_kept
}
