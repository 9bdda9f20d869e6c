package conductor.basis_test

import data.conductor.basis
import rego.v1

sound := {
	"action": "incidents.declare",
	"subject": {
		"ref": "tenancy.user:7",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"roles": ["RESPONDER"],
		"permissions": ["respond"],
		"channel": "slack",
		"authentication": "slack",
	},
	"resource": {
		"ref": "incidents.incident:01936d4c-0000-7000-8000-0000000000aa",
		"kind": "incidents.incident",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
		"environment": "production",
		"severity": "",
		"visibility": "NORMAL",
		"owner": "tenancy.user:7",
	},
	"context": {
		"time": "2026-11-20T11:00:00Z",
		"channel": "slack",
		"four_eyes": {"required": false, "requested_by": "", "approved_by": ""},
	},
}

attributes := {
	"/subject/ref": "subject_unknown",
	"/subject/roles": "subject_unknown",
	"/subject/permissions": "subject_unknown",
	"/subject/tenant": "tenant_mismatch",
	"/subject/channel": "channel_unknown",
	"/subject/authentication": "authentication_unknown",
	"/resource/ref": "resource_unknown",
	"/resource/kind": "resource_unknown",
	"/resource/tenant": "tenant_mismatch",
	"/resource/visibility": "resource_undescribed",
	"/resource/owner": "resource_undescribed",
	"/context/time": "time_missing",
	"/context/channel": "channel_unknown",
	"/context/four_eyes": "four_eyes_unknown",
	"/context/four_eyes/required": "four_eyes_unknown",
}

# Empty is an answer for these: the resource has no environment, no severity; nobody asked a second person.
may_be_empty := {
	"/resource/environment": "resource_undescribed",
	"/resource/severity": "resource_undescribed",
	"/context/four_eyes/requested_by": "four_eyes_unknown",
	"/context/four_eyes/approved_by": "four_eyes_unknown",
}

required := object.union(attributes, may_be_empty)

asked_for_by(requester, approver) := json.patch(sound, [{
	"op": "replace",
	"path": "/context/four_eyes",
	"value": {"required": true, "requested_by": requester, "approved_by": approver},
}])

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

without(document, path) := json.patch(document, [{"op": "remove", "path": path}])

codes(document) := {reason.code | some reason in found} if {
	found := basis.deny with input as document
}

test_a_sound_request_meets_the_basis if {
	basis.met with input as sound
	codes(sound) == set()
}

test_an_empty_request_meets_nothing if {
	not basis.met with input as {}
	codes({}) == {
		"subject_unknown",
		"authentication_unknown",
		"resource_unknown",
		"resource_undescribed",
		"tenant_mismatch",
		"channel_unknown",
		"time_missing",
		"four_eyes_unknown",
	}
}

test_each_missing_attribute_is_named if {
	every path, code in required {
		lacking := without(sound, path)
		not basis.met with input as lacking
		codes(lacking) == {code}
	}
}

test_null_is_as_good_as_missing if {
	every path, code in required {
		nulled := changed(path, null)
		not basis.met with input as nulled
		codes(nulled) == {code}
	}
}

test_an_empty_string_is_as_good_as_missing if {
	every path, code in attributes {
		emptied := changed(path, "")
		not basis.met with input as emptied
		codes(emptied) == {code}
	}
}

test_two_missing_tenants_are_not_the_same_tenant if {
	every nobody in [null, ""] {
		document := json.patch(sound, [
			{"op": "replace", "path": "/subject/tenant", "value": nobody},
			{"op": "replace", "path": "/resource/tenant", "value": nobody},
		])
		codes(document) == {"tenant_mismatch"}
	}
}

test_another_tenants_resource_is_refused if {
	codes(changed("/resource/tenant", "01936d4c-0000-7000-8000-000000000002")) == {"tenant_mismatch"}
}

test_each_known_channel_is_accepted if {
	every channel in basis.channels {
		basis.met with input as json.patch(sound, [
			{"op": "replace", "path": "/subject/channel", "value": channel},
			{"op": "replace", "path": "/context/channel", "value": channel},
		])
	}
}

test_an_unknown_channel_is_refused if {
	codes(changed("/subject/channel", "telegraph")) == {"channel_unknown"}
}

test_two_channels_at_once_are_refused if {
	codes(changed("/context/channel", "api")) == {"channel_unknown"}
}

test_each_way_to_sign_in_is_accepted_and_no_other if {
	every authentication in basis.authentications {
		basis.met with input as changed("/subject/authentication", authentication)
	}
	codes(changed("/subject/authentication", "handshake")) == {"authentication_unknown"}
}

test_an_empty_environment_or_severity_is_an_answer if {
	basis.met with input as changed("/resource/environment", "")
	basis.met with input as changed("/resource/severity", "")
}

test_a_second_person_keeps_four_eyes if {
	basis.met with input as asked_for_by("tenancy.user:8", "tenancy.user:7")
}

test_nobody_is_their_own_second_person if {
	document := asked_for_by("tenancy.user:7", "tenancy.user:7")
	not basis.met with input as document
	codes(document) == {"second_person_required"}
}

test_an_approval_is_that_of_the_person_who_acts if {
	codes(asked_for_by("tenancy.user:8", "tenancy.user:9")) == {"second_person_required"}
	codes(asked_for_by("tenancy.user:8", "")) == {"second_person_required"}
	codes(asked_for_by("", "tenancy.user:7")) == {"second_person_required"}
}

test_a_permission_in_a_string_is_not_held if {
	basis.holds("respond") with input as sound
	not basis.holds("command") with input as sound
	not basis.holds("respond") with input as changed("/subject/permissions", "respond")
	not basis.holds("respond") with input as changed("/subject/permissions", {"0": "respond"})
	not basis.holds("respond") with input as {}
}

test_a_role_in_an_object_is_not_held if {
	basis.has_role("RESPONDER") with input as sound
	not basis.has_role("ADMIN") with input as sound
	not basis.has_role("RESPONDER") with input as changed("/subject/roles", {"0": "RESPONDER"})
	not basis.has_role("RESPONDER") with input as {}
}
