package conductor.incidents.resolve_test

import data.conductor.incidents.resolve
import rego.v1

sound := {
	"action": "incidents.resolve",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["RESPONDER"],
		"permissions": ["respond", "view_incidents"],
		"channel": "console",
		"authentication": "password",
	},
	"resource": {
		"ref": "incidents.incident:01936d4c-0000-7000-8000-0000000000aa",
		"kind": "incidents.incident",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "production",
		"visibility": "NORMAL",
		"owner": "tenancy.user:8",
		"severity": "SEV3",
		"status": "MONITORING",
		"acknowledged": true,
		"commander": "",
	},
	"context": {
		"time": "2026-11-20T11:00:00Z",
		"channel": "console",
		"four_eyes": {"required": false, "requested_by": "", "approved_by": ""},
	},
}

# Everything but the commander, whom a minor incident does not need.
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
	"/resource/status",
	"/resource/acknowledged",
	"/context",
	"/context/time",
	"/context/channel",
	"/context/four_eyes",
	"/context/four_eyes/required",
	"/context/four_eyes/requested_by",
	"/context/four_eyes/approved_by",
}

severe := changed("/resource/severity", "SEV1")

commanded := json.patch(severe, [{"op": "replace", "path": "/resource/commander", "value": "tenancy.user:7"}])

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := resolve.deny with input as document
}

test_a_responder_may_resolve_a_minor_incident if {
	resolve.allow with input as sound
	resolve.allow with input as changed("/resource/severity", "SEV4")
	codes(sound) == set()
}

test_mitigated_is_ready_too if {
	resolve.allow with input as changed("/resource/status", "MITIGATED")
}

test_an_open_incident_is_not_ready if {
	open := changed("/resource/status", "OPEN")

	not resolve.allow with input as open
	codes(open) == {"incident_not_mitigated"}
}

test_a_resolved_incident_is_not_resolved_again if {
	resolved := changed("/resource/status", "RESOLVED")

	not resolve.allow with input as resolved
	codes(resolved) == {"incident_already_resolved"}
}

test_an_unknown_status_is_not_ready if {
	every status in ["monitoring", "", null, 3, ["MONITORING"]] {
		document := changed("/resource/status", status)
		not resolve.allow with input as document
		codes(document) == {"incident_not_mitigated"}
	}
}

test_an_unacknowledged_incident_is_not_ready if {
	every value in [false, null, "true", 1, {}] {
		document := changed("/resource/acknowledged", value)
		not resolve.allow with input as document
		codes(document) == {"incident_not_acknowledged"}
	}
}

test_a_responder_may_not_resolve_a_severe_incident if {
	every severity in ["SEV1", "SEV2"] {
		document := changed("/resource/severity", severity)
		not resolve.allow with input as document
		codes(document) == {"commander_required"}
	}
}

test_the_permission_to_command_resolves_a_severe_incident if {
	document := json.patch(severe, [{"op": "add", "path": "/subject/permissions/-", "value": "command"}])

	resolve.allow with input as document
}

test_the_incidents_commander_resolves_it if {
	resolve.allow with input as commanded
}

test_somebody_elses_command_does_not_count if {
	every commander in ["tenancy.user:8", "", null] {
		document := json.patch(severe, [{"op": "replace", "path": "/resource/commander", "value": commander}])
		codes(document) == {"commander_required"}
	}
}

test_nobody_is_not_the_commander_of_an_incident_without_one if {
	every nobody in ["", null] {
		anonymous := json.patch(severe, [
			{"op": "replace", "path": "/subject/ref", "value": nobody},
			{"op": "replace", "path": "/resource/commander", "value": nobody},
		])
		codes(anonymous) == {"commander_required", "subject_unknown"}
	}
}

test_the_title_of_commander_is_not_the_permission if {
	titled := json.patch(severe, [{"op": "replace", "path": "/subject/roles", "value": ["COMMANDER"]}])

	codes(titled) == {"commander_required"}
}

test_a_commander_without_respond_may_not_resolve if {
	document := changed("/subject/permissions", ["command"])

	not resolve.allow with input as document
	codes(document) == {"respond_permission_missing"}
}

test_an_unknown_severity_is_never_a_minor_one if {
	every severity in ["SEV0", "SEV5", "sev4", ""] {
		document := changed("/resource/severity", severity)
		not resolve.allow with input as document
		codes(document) == {"commander_required", "severity_unknown"}
	}
	nothing := changed("/resource/severity", null)
	codes(nothing) == {"commander_required", "resource_undescribed", "severity_unknown"}
}

test_no_attribute_can_be_left_out if {
	every path in attributes {
		lacking := without(sound, path)
		not resolve.allow with input as lacking
		count(codes(lacking)) > 0
	}
}

test_a_severe_incident_cannot_leave_out_its_commander if {
	codes(without(commanded, "/resource/commander")) == {"commander_required"}
}

test_no_attribute_can_be_null if {
	every path in attributes {
		not resolve.allow with input as changed(path, null)
	}
}

test_another_tenants_incident_is_denied if {
	codes(changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")) == {"tenant_mismatch"}
}

test_the_rules_answer_for_their_own_action_only if {
	codes(changed("/action", "incidents.declare")) == {"wrong_policy"}
	codes(changed("/resource/kind", "evidence.bundle")) == {"wrong_policy"}
}

test_everything_missing_is_said_at_once if {
	nothing_done := json.patch(severe, [
		{"op": "replace", "path": "/resource/status", "value": "OPEN"},
		{"op": "replace", "path": "/resource/acknowledged", "value": false},
	])

	codes(nothing_done) == {"commander_required", "incident_not_acknowledged", "incident_not_mitigated"}
}

# The facts and the reasons guard `allow` independently of each other.
test_facts_are_needed_even_where_no_reason_is_given if {
	every path in attributes {
		lacking := without(sound, path)
		not resolve.allow with input as lacking with data.conductor.incidents.resolve.deny as set()
	}
}

test_facts_are_needed_of_the_right_value_too if {
	wrong := {
		"/action": "x.y",
		"/subject/permissions": ["command"],
		"/subject/channel": "x",
		"/resource/severity": "SEV1",
		"/resource/status": "OPEN",
		"/resource/acknowledged": false,
	}
	every path, value in wrong {
		document := changed(path, value)
		not resolve.allow with input as document with data.conductor.incidents.resolve.deny as set()
	}
	unranked := json.patch(commanded, [{"op": "replace", "path": "/resource/severity", "value": "SEV9"}])
	not resolve.allow with input as unranked with data.conductor.incidents.resolve.deny as set()
}

test_a_reason_denies_even_where_every_fact_holds if {
	found := {{"code": "frozen", "message": "Changes are frozen."}}
	not resolve.allow with input as sound with data.conductor.incidents.resolve.deny as found
}

test_every_reason_has_a_code_and_a_sentence if {
	found := resolve.deny with input as {}
	every reason in found {
		object.keys(reason) == {"code", "message"}
		endswith(reason.message, ".")
	}
}
