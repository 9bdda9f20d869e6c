# May this subject approve or reject what this run waits for?
#
# Which permission it takes is the workflow's to say, so it comes with the request. Where the wait demands four eyes the
# basis refuses whoever asked; rejecting never needs a second person.
package conductor.runs.decide

import data.conductor.basis
import rego.v1

default allow := false

allow if {
	this_action
	basis.met
	entitled
	waiting
	answered
	count(deny) == 0
}

this_action if {
	input.action == "runs.decide"
	input.resource.kind == "conductor.run"
}

entitled if {
	is_string(input.resource.permission)
	basis.holds(input.resource.permission)
}

waiting if input.resource.status == "WAITING"

# Approving what demands four eyes must be asked as such: nobody drops the second person from the question.
answered if input.resource.approve == false

answered if {
	input.resource.approve == true
	input.resource.demands_four_eyes == false
}

answered if {
	input.resource.approve == true
	input.resource.demands_four_eyes == true
	input.context.four_eyes.required == true
}

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for deciding what a run waits for were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "decide_permission_missing",
	"message": "Deciding this needs a permission that you do not hold. The run's page names it; ask an admin.",
} if {
	not entitled
}

deny contains {
	"code": "run_not_waiting",
	"message": "The run does not wait for a decision.",
} if {
	not waiting
}

deny contains {
	"code": "four_eyes_dropped",
	"message": "The request does not say how it is answered, or leaves out the second person. Report this to an administrator.",
} if {
	not answered
}
