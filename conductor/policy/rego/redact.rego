# May this subject answer this request to redact an entry of an incident's timeline?
#
# Approving drops words for good and refusing keeps them, so both take a second person: whoever asked answers neither.
package conductor.incidents.redact

import data.conductor.basis
import rego.v1

default allow := false

allow if {
	this_action
	basis.met
	basis.holds("command")
	waiting
	answered
	second_person
	count(deny) == 0
}

this_action if {
	input.action == "incidents.redact"
	input.resource.kind == "incidents.redaction"
}

waiting if input.resource.state == "WAITING"

answered if is_boolean(input.resource.approve)

# Whoever asked is the owner, and nobody leaves the second person out of the question.
second_person if {
	input.context.four_eyes.required == true
	input.context.four_eyes.requested_by == input.resource.owner
}

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for answering a request to redact were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "redact_permission_missing",
	"message": "Answering a request to redact needs the permission \"command\". Ask a commander or an admin.",
} if {
	not basis.holds("command")
}

deny contains {
	"code": "redaction_not_waiting",
	"message": "The request does not wait for an answer. Ask again if the entry is still to be redacted.",
} if {
	not waiting
}

deny contains {
	"code": "redaction_unanswered",
	"message": "The request does not say how it is answered. Report this to an administrator.",
} if {
	not answered
}

deny contains {
	"code": "second_person_unnamed",
	"message": "The request does not name who asked for the redaction as its first person. Report this to an administrator.",
} if {
	not second_person
}
