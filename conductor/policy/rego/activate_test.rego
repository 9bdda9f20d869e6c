package conductor.policy.activate_test

import data.conductor.policy.activate
import rego.v1

sound := {
	"action": "policy.activate",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["ADMIN"],
		"permissions": ["activate_policies"],
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
		"state": "DRAFT",
		"digest": "8c2f",
		"reviewed_digest": "8c2f",
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
	"/resource/digest",
	"/resource/reviewed_digest",
}

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := activate.deny with input as document
}

test_no_attribute_can_be_left_out_or_null if {
	every path in attributes {
		lacking := without(sound, path)
		not activate.allow with input as lacking
		count(codes(lacking)) > 0
		not activate.allow with input as changed(path, null)
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
		not activate.allow with input as lacking with data.conductor.policy.activate.deny as set()
	}
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "frozen", "message": "Changes are frozen."}}
	not activate.allow with input as sound with data.conductor.policy.activate.deny as found
}

test_a_second_person_may_activate_what_they_reviewed if {
	activate.allow with input as sound
	codes(sound) == set()
}

test_nobody_activates_their_own_rules if {
	own := json.patch(sound, [
		{"op": "replace", "path": "/resource/owner", "value": "tenancy.user:7"},
		{"op": "replace", "path": "/context/four_eyes/requested_by", "value": "tenancy.user:7"},
	])

	not activate.allow with input as own
	codes(own) == {"second_person_required"}
}

test_the_first_person_is_whoever_uploaded_them if {
	codes(changed("/context/four_eyes/requested_by", "tenancy.user:9")) == {"second_person_unnamed"}
}

test_activating_always_needs_two_people if {
	waived := changed("/context/four_eyes/required", false)

	not activate.allow with input as waived
	codes(waived) == {"second_person_unnamed"}
}

test_a_review_of_another_text_does_not_count if {
	codes(changed("/resource/reviewed_digest", "77aa")) == {"review_outdated"}
	codes(changed("/resource/reviewed_digest", "")) == {"review_outdated"}
	empty := json.patch(sound, [
		{"op": "replace", "path": "/resource/digest", "value": ""},
		{"op": "replace", "path": "/resource/reviewed_digest", "value": ""},
	])
	codes(empty) == {"review_outdated"}
}

test_only_a_draft_is_activated if {
	every state in ["ACTIVE", "RETIRED", "draft", ""] {
		codes(changed("/resource/state", state)) == {"policy_not_draft"}
	}
}

test_activating_needs_its_permission if {
	codes(changed("/subject/permissions", ["manage_policies"])) == {"activate_permission_missing"}
}
