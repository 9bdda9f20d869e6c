package conductor.incidents.declare_test

import data.conductor.incidents.declare
import rego.v1

sound := {
	"action": "incidents.declare",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["RESPONDER"],
		"permissions": ["respond", "view_incidents"],
		"channel": "slack",
		"authentication": "slack",
	},
	"resource": {
		"ref": "incidents.incident:01936d4c-0000-7000-8000-0000000000aa",
		"kind": "incidents.incident",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "production",
		"visibility": "NORMAL",
		"owner": "tenancy.user:7",
		"severity": "SEV2",
	},
	"context": {
		"time": "2026-11-20T11:00:00Z",
		"channel": "slack",
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
	"/resource/visibility",
	"/resource/owner",
	"/resource/severity",
	"/context",
	"/context/time",
	"/context/channel",
	"/context/four_eyes",
	"/context/four_eyes/required",
	"/context/four_eyes/requested_by",
	"/context/four_eyes/approved_by",
}

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := declare.deny with input as document
}

test_a_responder_may_declare if {
	declare.allow with input as sound
	codes(sound) == set()
}

test_every_severity_may_be_declared if {
	every severity in declare.severities {
		declare.allow with input as changed("/resource/severity", severity)
	}
}

test_an_empty_request_is_denied_with_reasons if {
	not declare.allow with input as {}
	codes({}) == {
		"subject_unknown",
		"authentication_unknown",
		"resource_unknown",
		"resource_undescribed",
		"tenant_mismatch",
		"channel_unknown",
		"time_missing",
		"four_eyes_unknown",
		"wrong_policy",
		"respond_permission_missing",
		"severity_unknown",
	}
}

test_no_attribute_can_be_left_out if {
	every path in attributes {
		lacking := without(sound, path)
		not declare.allow with input as lacking
		count(codes(lacking)) > 0
	}
}

test_no_attribute_can_be_null if {
	every path in attributes {
		not declare.allow with input as changed(path, null)
	}
}

test_an_auditor_may_not_declare if {
	auditor := changed("/subject/permissions", ["view_incidents"])

	not declare.allow with input as auditor
	codes(auditor) == {"respond_permission_missing"}
}

test_a_role_alone_is_no_permission if {
	narrowed := json.patch(sound, [
		{"op": "replace", "path": "/subject/roles", "value": ["ADMIN"]},
		{"op": "replace", "path": "/subject/permissions", "value": []},
	])

	codes(narrowed) == {"respond_permission_missing"}
}

test_an_unknown_severity_is_denied if {
	every severity in ["SEV0", "SEV5", "sev1", ""] {
		document := changed("/resource/severity", severity)
		not declare.allow with input as document
		codes(document) == {"severity_unknown"}
	}
	every severity in [1, ["SEV1"]] {
		document := changed("/resource/severity", severity)
		codes(document) == {"resource_undescribed", "severity_unknown"}
	}
}

test_another_tenants_incident_is_denied if {
	foreign := changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")

	not declare.allow with input as foreign
	codes(foreign) == {"tenant_mismatch"}
}

test_an_unknown_channel_is_denied if {
	codes(changed("/subject/channel", "telegraph")) == {"channel_unknown"}
}

test_the_rules_answer_for_their_own_action_only if {
	codes(changed("/action", "incidents.resolve")) == {"wrong_policy"}
	codes(changed("/resource/kind", "evidence.bundle")) == {"wrong_policy"}
}

# The facts and the reasons guard `allow` independently of each other.
test_facts_are_needed_even_where_no_reason_is_given if {
	every path in attributes {
		lacking := without(sound, path)
		not declare.allow with input as lacking with data.conductor.incidents.declare.deny as set()
	}
}

test_facts_are_needed_of_the_right_value_too if {
	wrong := {"/action": "x.y", "/subject/permissions": [], "/resource/severity": "SEV9", "/subject/channel": "x"}
	every path, value in wrong {
		document := changed(path, value)
		not declare.allow with input as document with data.conductor.incidents.declare.deny as set()
	}
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "frozen", "message": "Changes are frozen."}}
	not declare.allow with input as sound with data.conductor.incidents.declare.deny as found
}

test_every_reason_has_a_code_and_a_sentence if {
	found := declare.deny with input as {}
	every reason in found {
		object.keys(reason) == {"code", "message"}
		endswith(reason.message, ".")
	}
}
