package conductor.incidents.review_test

import data.conductor.incidents.review
import rego.v1

sound := {
	"action": "incidents.review",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["COMMANDER"],
		"permissions": ["command"],
		"channel": "console",
		"authentication": "mfa",
	},
	"resource": {
		"ref": "incidents.postmortem:01936d4c-0000-7000-8000-0000000000dd",
		"kind": "incidents.postmortem",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "production",
		"severity": "SEV2",
		"visibility": "NORMAL",
		"owner": "tenancy.user:8",
		"status": "IN_REVIEW",
		"approve": true,
		"authors": ["tenancy.user:9"],
		"blank": ["lessons"],
		"waived": ["lessons"],
		"explained": true,
	},
	"context": {
		"time": "2026-11-20T11:00:00Z",
		"channel": "console",
		"four_eyes": {"required": false, "requested_by": "", "approved_by": ""},
	},
}

attributes := {
	"/action",
	"/subject",
	"/subject/ref",
	"/subject/tenant",
	"/subject/roles",
	"/subject/permissions",
	"/subject/channel",
	"/subject/authentication",
	"/resource",
	"/resource/ref",
	"/resource/kind",
	"/resource/tenant",
	"/resource/environment",
	"/resource/severity",
	"/resource/visibility",
	"/resource/owner",
	"/context",
	"/context/time",
	"/context/channel",
	"/context/four_eyes",
	"/context/four_eyes/required",
	"/context/four_eyes/requested_by",
	"/context/four_eyes/approved_by",
	"/resource/status",
	"/resource/approve",
	"/resource/authors",
	"/resource/blank",
	"/resource/waived",
	"/resource/explained",
}

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := review.deny with input as document
}

test_no_attribute_can_be_left_out_or_null if {
	every path in attributes {
		lacking := without(sound, path)
		not review.allow with input as lacking
		count(codes(lacking)) > 0
		not review.allow with input as changed(path, null)
	}
}

test_the_rules_answer_for_their_own_action_only if {
	codes(changed("/action", "incidents.resolve")) == {"wrong_policy"}
	codes(changed("/resource/kind", "evidence.bundle")) == {"wrong_policy"}
}

test_another_tenants_postmortem_is_denied if {
	codes(changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")) == {"tenant_mismatch"}
}

# The facts and the reasons guard `allow` independently of each other.
test_facts_are_needed_even_where_no_reason_is_given if {
	every path in attributes {
		lacking := without(sound, path)
		not review.allow with input as lacking with data.conductor.incidents.review.deny as set()
	}
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "hold", "message": "It is under a legal hold."}}
	not review.allow with input as sound with data.conductor.incidents.review.deny as found
}

test_somebody_else_approves_or_sends_it_back if {
	every approve in [true, false] {
		document := changed("/resource/approve", approve)
		review.allow with input as document
		codes(document) == set()
	}
}

test_an_author_answers_in_neither_way if {
	every approve in [true, false] {
		codes(json.patch(sound, [
			{"op": "replace", "path": "/resource/approve", "value": approve},
			{"op": "replace", "path": "/resource/authors", "value": ["tenancy.user:8", "tenancy.user:7"]},
		])) == {"own_words"}
	}
}

test_it_needs_a_commander if {
	codes(changed("/subject/permissions", ["respond"])) == {"review_permission_missing"}
}

test_only_what_is_in_review_is_answered if {
	every status in ["DRAFT", "CHANGES", "APPROVED", "PUBLISHED", "in_review", ""] {
		codes(changed("/resource/status", status)) == {"postmortem_not_in_review"}
	}
}

test_an_answer_is_yes_or_no if {
	codes(changed("/resource/approve", "yes")) == {"review_unanswered"}
}

test_each_blank_section_is_named if {
	every waived in [[], ["helped"], ["Lessons"]] {
		codes(changed("/resource/waived", waived)) == {"sections_blank"}
	}
	codes(changed("/resource/blank", ["lessons", "helped"])) == {"sections_blank"}
}

test_a_blank_section_keeps_nobody_from_sending_it_back if {
	document := json.patch(sound, [
		{"op": "replace", "path": "/resource/approve", "value": false},
		{"op": "replace", "path": "/resource/waived", "value": []},
	])
	review.allow with input as document
}

test_what_is_blank_needs_a_reason if {
	codes(changed("/resource/explained", false)) == {"review_reason_missing"}
}

test_a_whole_postmortem_needs_none if {
	document := json.patch(sound, [
		{"op": "replace", "path": "/resource/blank", "value": []},
		{"op": "replace", "path": "/resource/waived", "value": []},
		{"op": "replace", "path": "/resource/explained", "value": false},
	])
	review.allow with input as document
}

test_sending_it_back_says_what_to_change if {
	codes(json.patch(sound, [
		{"op": "replace", "path": "/resource/approve", "value": false},
		{"op": "replace", "path": "/resource/blank", "value": []},
		{"op": "replace", "path": "/resource/explained", "value": false},
	])) == {"review_reason_missing"}
}
