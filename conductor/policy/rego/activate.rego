# May this subject put an organisation's own rules in force?
#
# Whoever uploaded them may not: a second person reads them first. The digest that they read must be that of the rules
# as they are, so that an approval never covers a text that nobody looked at.
package conductor.policy.activate

import data.conductor.basis
import rego.v1

default allow := false

allow if {
	this_action
	basis.met
	basis.holds("activate_policies")
	by_two_people
	is_draft
	reviewed
	count(deny) == 0
}

this_action if {
	input.action == "policy.activate"
	input.resource.kind == "conductor.tenant_policy"
}

by_two_people if {
	input.context.four_eyes.required == true
	input.context.four_eyes.requested_by == input.resource.owner
}

is_draft if input.resource.state == "DRAFT"

reviewed if {
	is_string(input.resource.digest)
	input.resource.digest != ""
	input.resource.reviewed_digest == input.resource.digest
}

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for activating rules were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "activate_permission_missing",
	"message": "Activating rules needs the permission \"activate_policies\". Ask an admin or a commander.",
} if {
	not basis.holds("activate_policies")
}

deny contains {
	"code": "second_person_unnamed",
	"message": "The request does not name who uploaded the rules as the first person. Report this to an administrator.",
} if {
	not by_two_people
}

deny contains {
	"code": "policy_not_draft",
	"message": "Only a draft can be activated. Upload the rules again as a new version.",
} if {
	not is_draft
}

deny contains {
	"code": "review_outdated",
	"message": "These are not the rules that you reviewed. Read them again, then activate them.",
} if {
	not reviewed
}
