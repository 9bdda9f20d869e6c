# May this subject declare an incident of this severity?
package conductor.incidents.declare

import data.conductor.basis
import rego.v1

severities := {"SEV1", "SEV2", "SEV3", "SEV4"}

default allow := false

allow if {
	this_action
	basis.met
	basis.holds("respond")
	known_severity
	count(deny) == 0
}

this_action if {
	input.action == "incidents.declare"
	input.resource.kind == "incidents.incident"
}

known_severity if input.resource.severity in severities

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for declaring an incident were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "respond_permission_missing",
	"message": "Declaring an incident needs the permission \"respond\". Ask an admin for the responder role.",
} if {
	not basis.holds("respond")
}

deny contains {
	"code": "severity_unknown",
	"message": "Choose a severity from SEV1 (worst) to SEV4.",
} if {
	not known_severity
}
