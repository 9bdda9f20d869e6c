# May this subject resolve this incident now?
#
# A candidate for the built-in rules: only SEV1 needs whoever commands, the incident's commander or a holder of the
# permission "command". A SEV2 is resolved by anybody who responds.
package conductor.incidents.resolve

import data.conductor.basis
import rego.v1

severities := {"SEV1", "SEV2", "SEV3", "SEV4"}

# Named positively: a missing or unknown severity never counts as a minor one.
minor := {"SEV2", "SEV3", "SEV4"}

ready := {"MITIGATED", "MONITORING"}

default allow := false

allow if {
	this_action
	basis.met
	basis.holds("respond")
	known_severity
	senior_enough
	under_control
	acknowledged
	count(deny) == 0
}

this_action if {
	input.action == "incidents.resolve"
	input.resource.kind == "incidents.incident"
}

known_severity if input.resource.severity in severities

senior_enough if input.resource.severity in minor

senior_enough if basis.holds("command")

senior_enough if commands_this_incident

commands_this_incident if {
	is_string(input.resource.commander)
	input.resource.commander != ""
	input.resource.commander == input.subject.ref
}

under_control if input.resource.status in ready

already_resolved if input.resource.status == "RESOLVED"

acknowledged if input.resource.acknowledged == true

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for resolving an incident were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "respond_permission_missing",
	"message": "Resolving an incident needs the permission \"respond\". Ask an admin for the responder role.",
} if {
	not basis.holds("respond")
}

deny contains {
	"code": "severity_unknown",
	"message": "The incident has no severity. Classify it as SEV1 to SEV4, then resolve it.",
} if {
	not known_severity
}

deny contains {
	"code": "commander_needed",
	"message": "A SEV1 incident is resolved by its commander. Take the commander role, or ask the commander.",
} if {
	not senior_enough
}

deny contains {
	"code": "incident_already_resolved",
	"message": "The incident is resolved already.",
} if {
	already_resolved
}

deny contains {
	"code": "incident_not_mitigated",
	"message": "The incident is not mitigated yet. Mark it mitigated or monitoring, then resolve it.",
} if {
	not under_control
	not already_resolved
}

deny contains {
	"code": "incident_not_acknowledged",
	"message": "Nobody has acknowledged the incident. Acknowledge it, then resolve it.",
} if {
	not acknowledged
}
