package conductor.policy.retire_test

import data.conductor.policy.retire
import rego.v1

sound := {
	"action": "policy.retire",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["ADMIN"],
		"permissions": ["manage_policies"],
		"channel": "console",
		"authentication": "mfa",
	},
	"resource": {
		"ref": "conductor.tenant_policy:01936d4c-0000-7000-8000-0000000000cc",
		"kind": "conductor.tenant_policy",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "",
		"severity": "",
		"visibility": "NORMAL",
		"owner": "tenancy.user:8",
		"state": "ACTIVE",
	},
	"context": {
		"time": "2026-11-20T11:00:00Z",
		"channel": "console",
		"four_eyes": {"required": false, "requested_by": "", "approved_by": ""},
		"reason": "It locks everybody out.",
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
	"/context/reason",
}

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := retire.deny with input as document
}

test_no_attribute_can_be_left_out_or_null if {
	every path in attributes {
		lacking := without(sound, path)
		not retire.allow with input as lacking
		count(codes(lacking)) > 0
		not retire.allow with input as changed(path, null)
	}
}

test_the_rules_answer_for_their_own_action_only if {
	codes(changed("/action", "incidents.resolve")) == {"wrong_policy"}
	codes(changed("/resource/kind", "evidence.bundle")) == {"wrong_policy"}
}

test_another_tenants_rules_are_denied if {
	codes(changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")) == {"tenant_mismatch"}
}

# The facts and the reasons guard `allow` independently of each other.
test_facts_are_needed_even_where_no_reason_is_given if {
	every path in attributes {
		lacking := without(sound, path)
		not retire.allow with input as lacking with data.conductor.policy.retire.deny as set()
	}
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "frozen", "message": "Changes are frozen."}}
	not retire.allow with input as sound with data.conductor.policy.retire.deny as found
}

test_one_person_retires_rules_with_a_reason if {
	retire.allow with input as sound
	codes(sound) == set()
}

test_whoever_uploaded_them_may_retire_them if {
	retire.allow with input as changed("/resource/owner", "tenancy.user:7")
}

test_a_draft_can_be_given_up if {
	retire.allow with input as changed("/resource/state", "DRAFT")
}

test_what_is_retired_stays_retired if {
	every state in ["RETIRED", "active", ""] {
		codes(changed("/resource/state", state)) == {"policy_retired"}
	}
}

test_retiring_needs_a_reason if {
	codes(changed("/context/reason", "")) == {"reason_missing"}
}

test_retiring_needs_its_permission if {
	codes(changed("/subject/permissions", ["activate_policies"])) == {"manage_permission_missing"}
}
