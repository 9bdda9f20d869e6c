package conductor.incidents.redact_test

import data.conductor.incidents.redact
import rego.v1

sound := {
	"action": "incidents.redact",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["COMMANDER"],
		"permissions": ["command"],
		"channel": "console",
		"authentication": "mfa",
	},
	"resource": {
		"ref": "incidents.redaction:01936d4c-0000-7000-8000-0000000000dd",
		"kind": "incidents.redaction",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "production",
		"severity": "SEV2",
		"visibility": "NORMAL",
		"owner": "tenancy.user:8",
		"state": "WAITING",
		"approve": true,
	},
	"context": {
		"time": "2026-11-20T11:00:00Z",
		"channel": "console",
		"four_eyes": {"required": true, "requested_by": "tenancy.user:8", "approved_by": "tenancy.user:7"},
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
	"/resource/state",
	"/resource/approve",
}

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := redact.deny with input as document
}

test_no_attribute_can_be_left_out_or_null if {
	every path in attributes {
		lacking := without(sound, path)
		not redact.allow with input as lacking
		count(codes(lacking)) > 0
		not redact.allow with input as changed(path, null)
	}
}

test_the_rules_answer_for_their_own_action_only if {
	codes(changed("/action", "incidents.resolve")) == {"wrong_policy"}
	codes(changed("/resource/kind", "evidence.bundle")) == {"wrong_policy"}
}

test_another_tenants_request_is_denied if {
	codes(changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")) == {"tenant_mismatch"}
}

# The facts and the reasons guard `allow` independently of each other.
test_facts_are_needed_even_where_no_reason_is_given if {
	every path in attributes {
		lacking := without(sound, path)
		not redact.allow with input as lacking with data.conductor.incidents.redact.deny as set()
	}
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "hold", "message": "It is under a legal hold."}}
	not redact.allow with input as sound with data.conductor.incidents.redact.deny as found
}

test_a_second_person_approves_or_refuses if {
	every approve in [true, false] {
		document := changed("/resource/approve", approve)
		redact.allow with input as document
		codes(document) == set()
	}
}

test_whoever_asked_answers_in_neither_way if {
	every approve in [true, false] {
		codes(json.patch(sound, [
			{"op": "replace", "path": "/resource/approve", "value": approve},
			{"op": "replace", "path": "/resource/owner", "value": "tenancy.user:7"},
			{"op": "replace", "path": "/context/four_eyes/requested_by", "value": "tenancy.user:7"},
		])) == {"second_person_required"}
	}
}

test_the_first_person_is_whoever_asked if {
	codes(changed("/context/four_eyes/requested_by", "tenancy.user:9")) == {"second_person_unnamed"}
}

alone := {"required": false, "requested_by": "", "approved_by": ""}

test_the_second_person_cannot_be_dropped_from_the_question if {
	codes(changed("/context/four_eyes", alone)) == {"second_person_unnamed"}
}

test_it_needs_a_commander if {
	codes(changed("/subject/permissions", ["respond"])) == {"redact_permission_missing"}
}

test_only_a_waiting_request_is_answered if {
	every state in ["APPROVED", "REFUSED", "WITHDRAWN", "waiting", ""] {
		codes(changed("/resource/state", state)) == {"redaction_not_waiting"}
	}
}

test_an_answer_is_yes_or_no if {
	codes(changed("/resource/approve", "yes")) == {"redaction_unanswered"}
}
