# May this subject answer the review of this postmortem: approve it, or send it back with what is to be changed?
#
# Whoever's words are in it answers in neither way. What the response policy asks for and nobody has written is named by
# the approver, section by section, with a reason.
package conductor.incidents.review

import data.conductor.basis
import rego.v1

default allow := false

allow if {
	this_action
	basis.met
	basis.holds("command")
	in_review
	answered
	another_author
	sections_told
	complete
	explained
	count(deny) == 0
}

this_action if {
	input.action == "incidents.review"
	input.resource.kind == "incidents.postmortem"
}

in_review if input.resource.status == "IN_REVIEW"

answered if is_boolean(input.resource.approve)

another_author if {
	is_array(input.resource.authors)

	# OPA and regorus differ on "not" of what is undefined: nobody is no other author.
	is_string(input.subject.ref)
	not input.subject.ref in input.resource.authors
}

sections_told if {
	is_array(input.resource.blank)
	is_array(input.resource.waived)
}

complete if input.resource.approve == false

complete if {
	sections_told
	every section in input.resource.blank {
		section in input.resource.waived
	}
}

# A postmortem with every section needs no reason.
explained if input.resource.explained == true

explained if {
	input.resource.explained == false
	input.resource.approve == true
	input.resource.blank == []
}

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for reviewing a postmortem were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "review_permission_missing",
	"message": "Reviewing a postmortem needs the permission \"command\". Ask a commander or an admin.",
} if {
	not basis.holds("command")
}

deny contains {
	"code": "postmortem_not_in_review",
	"message": "No review of this version is asked for. Ask for one first.",
} if {
	not in_review
}

deny contains {
	"code": "review_unanswered",
	"message": "The request does not say how the review is answered. Report this to an administrator.",
} if {
	not answered
}

deny contains {
	"code": "own_words",
	"message": "Your own words are in this postmortem, so somebody else has to review it.",
} if {
	not another_author
}

deny contains {
	"code": "sections_untold",
	"message": "The request does not say which sections are blank. Report this to an administrator.",
} if {
	not sections_told
}

deny contains {
	"code": "sections_blank",
	"message": "Required sections are blank. Ask for changes, or name each of them and say why it stays so.",
} if {
	sections_told
	not complete
}

deny contains {
	"code": "review_reason_missing",
	"message": "Say what is to be changed, or why sections stay blank.",
} if {
	not explained
}
