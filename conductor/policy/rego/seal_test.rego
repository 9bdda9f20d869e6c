package conductor.evidence.seal_test

import data.conductor.evidence.seal
import rego.v1

sound := {
	"action": "evidence.seal",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["COMMANDER"],
		"permissions": ["seal_evidence", "view_evidence"],
		"channel": "console",
		"authentication": "password",
	},
	"resource": {
		"ref": "evidence.bundle:01936d4c-0000-7000-8000-0000000000bb",
		"kind": "evidence.bundle",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "production",
		"severity": "",
		"visibility": "NORMAL",
		"owner": "conductor.system:conductor",
		"status": "COLLECTING",
		"artifacts_count": 4,
		"unverified_count": 0,
		"receipts_unsequenced": 0,
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
	"/resource/status",
	"/resource/artifacts_count",
	"/resource/unverified_count",
	"/resource/receipts_unsequenced",
	"/context",
	"/context/time",
	"/context/channel",
	"/context/four_eyes",
	"/context/four_eyes/required",
	"/context/four_eyes/requested_by",
	"/context/four_eyes/approved_by",
}

by_engine := through("engine")

through(channel) := json.patch(sound, [
	{"op": "replace", "path": "/subject", "value": {
		"ref": "conductor.system:conductor",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["system"],
		"permissions": [],
		"channel": channel,
		"authentication": "system",
	}},
	{"op": "replace", "path": "/context/channel", "value": channel},
])

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := seal.deny with input as document
}

test_a_complete_bundle_may_be_sealed if {
	seal.allow with input as sound
	codes(sound) == set()
}

test_the_engine_may_seal if {
	seal.allow with input as by_engine
}

test_the_system_may_not_seal_through_another_channel if {
	every channel in ["console", "api", "slack", "alert", "cli"] {
		codes(through(channel)) == {"seal_permission_missing"}
	}
}

test_the_engines_channel_alone_is_no_permission if {
	document := json.patch(by_engine, [{"op": "replace", "path": "/subject/roles", "value": ["RESPONDER"]}])

	not seal.allow with input as document
	codes(document) == {"seal_permission_missing"}
}

test_a_responder_may_not_seal if {
	document := changed("/subject/permissions", ["collect_evidence", "view_evidence"])

	not seal.allow with input as document
	codes(document) == {"seal_permission_missing"}
}

test_only_a_collecting_bundle_is_sealed if {
	every status in ["DRAFT", "SEALED", "SUPERSEDED", "collecting", "", null] {
		document := changed("/resource/status", status)
		not seal.allow with input as document
		codes(document) == {"bundle_not_collecting"}
	}
}

test_an_empty_bundle_is_not_sealed if {
	every count_given in [0, -1, "4", true, null, [4]] {
		document := changed("/resource/artifacts_count", count_given)
		not seal.allow with input as document
		codes(document) == {"bundle_empty"}
	}
}

test_an_unverified_artifact_stops_the_seal if {
	every count_given in [1, -1, "0", false, null, []] {
		document := changed("/resource/unverified_count", count_given)
		not seal.allow with input as document
		codes(document) == {"artifact_unverified"}
	}
}

test_an_unsequenced_receipt_stops_the_seal if {
	every count_given in [1, -1, "0", false, null, []] {
		document := changed("/resource/receipts_unsequenced", count_given)
		not seal.allow with input as document
		codes(document) == {"receipt_unsequenced"}
	}
}

test_no_attribute_can_be_left_out if {
	every path in attributes {
		lacking := without(sound, path)
		not seal.allow with input as lacking
		count(codes(lacking)) > 0
	}
}

test_the_engine_can_leave_out_no_attribute_either if {
	every path in attributes {
		not seal.allow with input as without(by_engine, path)
	}
}

test_no_attribute_can_be_null if {
	every path in attributes {
		not seal.allow with input as changed(path, null)
	}
}

test_another_tenants_bundle_is_denied if {
	codes(changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")) == {"tenant_mismatch"}
}

test_the_rules_answer_for_their_own_action_only if {
	codes(changed("/action", "incidents.resolve")) == {"wrong_policy"}
	codes(changed("/resource/kind", "incidents.incident")) == {"wrong_policy"}
}

# The facts and the reasons guard `allow` independently of each other.
test_facts_are_needed_even_where_no_reason_is_given if {
	every path in attributes {
		lacking := without(sound, path)
		not seal.allow with input as lacking with data.conductor.evidence.seal.deny as set()
	}
}

test_facts_are_needed_of_the_right_value_too if {
	wrong := {
		"/action": "x.y",
		"/subject/permissions": [],
		"/subject/channel": "x",
		"/resource/status": "SEALED",
		"/resource/artifacts_count": 0,
		"/resource/unverified_count": 1,
		"/resource/receipts_unsequenced": 1,
	}
	every path, value in wrong {
		document := changed(path, value)
		not seal.allow with input as document with data.conductor.evidence.seal.deny as set()
	}
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "frozen", "message": "Changes are frozen."}}
	not seal.allow with input as sound with data.conductor.evidence.seal.deny as found
}

test_every_reason_has_a_code_and_a_sentence if {
	found := seal.deny with input as {}
	every reason in found {
		object.keys(reason) == {"code", "message"}
		endswith(reason.message, ".")
	}
}
