package conductor.runs.decide_test

import data.conductor.runs.decide
import rego.v1

sound := {
	"action": "runs.decide",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["COMMANDER"],
		"permissions": ["command"],
		"channel": "console",
		"authentication": "mfa",
	},
	"resource": {
		"ref": "conductor.run:01936d4c-0000-7000-8000-0000000000dd",
		"kind": "conductor.run",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "production",
		"severity": "",
		"visibility": "NORMAL",
		"owner": "tenancy.user:8",
		"status": "WAITING",
		"approve": true,
		"permission": "command",
		"demands_four_eyes": true,
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
	"/resource/status",
	"/resource/approve",
	"/resource/permission",
	"/resource/demands_four_eyes",
}

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := decide.deny with input as document
}

test_no_attribute_can_be_left_out_or_null if {
	every path in attributes {
		lacking := without(sound, path)
		not decide.allow with input as lacking
		count(codes(lacking)) > 0
		not decide.allow with input as changed(path, null)
	}
}

test_the_rules_answer_for_their_own_action_only if {
	codes(changed("/action", "incidents.resolve")) == {"wrong_policy"}
	codes(changed("/resource/kind", "evidence.bundle")) == {"wrong_policy"}
}

test_another_tenants_run_is_denied if {
	codes(changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")) == {"tenant_mismatch"}
}

# The facts and the reasons guard `allow` independently of each other.
test_facts_are_needed_even_where_no_reason_is_given if {
	every path in attributes {
		lacking := without(sound, path)
		not decide.allow with input as lacking with data.conductor.runs.decide.deny as set()
	}
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "frozen", "message": "Changes are frozen."}}
	not decide.allow with input as sound with data.conductor.runs.decide.deny as found
}

test_a_second_person_approves if {
	decide.allow with input as sound
	codes(sound) == set()
}

test_whoever_asked_does_not_approve if {
	codes(changed("/context/four_eyes/requested_by", "tenancy.user:7")) == {"second_person_required"}
}

test_four_eyes_without_anybody_who_asked_are_not_kept if {
	codes(changed("/context/four_eyes/requested_by", "")) == {"second_person_required"}
}

alone := {"required": false, "requested_by": "", "approved_by": ""}

test_a_demand_for_four_eyes_cannot_be_dropped_from_the_question if {
	codes(changed("/context/four_eyes", alone)) == {"four_eyes_dropped"}
}

test_a_wait_without_that_demand_is_approved_by_one if {
	decide.allow with input as json.patch(sound, [
		{"op": "replace", "path": "/resource/demands_four_eyes", "value": false},
		{"op": "replace", "path": "/context/four_eyes", "value": alone},
	])
}

test_rejecting_needs_no_second_person if {
	decide.allow with input as json.patch(sound, [
		{"op": "replace", "path": "/resource/approve", "value": false},
		{"op": "replace", "path": "/context/four_eyes", "value": alone},
	])
}

test_it_needs_the_permission_that_the_wait_names if {
	codes(changed("/subject/permissions", ["respond"])) == {"decide_permission_missing"}
	codes(changed("/resource/permission", "operate_runs")) == {"decide_permission_missing"}
}

test_only_a_waiting_run_is_decided if {
	every status in ["RUNNING", "SUCCEEDED", "waiting", ""] {
		codes(changed("/resource/status", status)) == {"run_not_waiting"}
	}
}
