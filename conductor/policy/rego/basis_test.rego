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
	},
	"resource": {
		"ref": "incidents.incident:01936d4c-0000-7000-8000-0000000000aa",
		"kind": "incidents.incident",
		"tenant": "01936d4c-0000-7000-8000-000000000001",
	},
	"context": {"time": "2026-11-20T11:00:00Z"},
}

attributes := {
	"/subject/ref": "subject_unknown",
	"/subject/roles": "subject_unknown",
	"/subject/permissions": "subject_unknown",
	"/subject/tenant": "tenant_mismatch",
	"/subject/channel": "channel_unknown",
	"/resource/ref": "resource_unknown",
	"/resource/kind": "resource_unknown",
	"/resource/tenant": "tenant_mismatch",
	"/context/time": "time_missing",
}

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
	codes({}) == {"subject_unknown", "resource_unknown", "tenant_mismatch", "channel_unknown", "time_missing"}
}

test_each_missing_attribute_is_named if {
	every path, code in attributes {
		lacking := without(sound, path)
		not basis.met with input as lacking
		codes(lacking) == {code}
	}
}

test_null_is_as_good_as_missing if {
	every path, code in attributes {
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
		basis.met with input as changed("/subject/channel", channel)
	}
}

test_an_unknown_channel_is_refused if {
	codes(changed("/subject/channel", "telegraph")) == {"channel_unknown"}
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
