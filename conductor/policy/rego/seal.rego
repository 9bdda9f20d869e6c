# May this evidence bundle be sealed now, by this subject? What is incomplete or unverified cannot be.
#
# The counts must be numbers: Rego orders a string above every number, so that "x" > 0 would hold.
package conductor.evidence.seal

import data.conductor.basis
import rego.v1

default allow := false

allow if {
	this_action
	basis.met
	entitled
	collecting
	has_artifacts
	all_verified
	all_sequenced
	count(deny) == 0
}

this_action if {
	input.action == "evidence.seal"
	input.resource.kind == "evidence.bundle"
}

entitled if basis.holds("seal_evidence")

entitled if {
	basis.has_role("system")
	input.subject.channel == "engine"
}

collecting if input.resource.status == "COLLECTING"

has_artifacts if {
	is_number(input.resource.artifacts_count)
	input.resource.artifacts_count > 0
}

all_verified if input.resource.unverified_count == 0

all_sequenced if input.resource.receipts_unsequenced == 0

deny contains reason if some reason in basis.deny

deny contains {
	"code": "wrong_policy",
	"message": "The rules for sealing evidence were asked about something else. Report this to an administrator.",
} if {
	not this_action
}

deny contains {
	"code": "seal_permission_missing",
	"message": "Sealing evidence needs the permission \"seal_evidence\". Ask an admin or a commander to seal this bundle.",
} if {
	not entitled
}

deny contains {
	"code": "bundle_not_collecting",
	"message": "Only a bundle that is being collected can be sealed. A sealed bundle is superseded by a new one instead.",
} if {
	not collecting
}

deny contains {
	"code": "bundle_empty",
	"message": "The bundle holds no artifact. Collect at least one, then seal it.",
} if {
	not has_artifacts
}

deny contains {
	"code": "artifact_unverified",
	"message": "Not every artifact matches its digest. Verify or replace the unverified ones, then seal the bundle.",
} if {
	not all_verified
}

deny contains {
	"code": "receipt_unsequenced",
	"message": "Some of the bundle's receipts are not in the log yet. Wait for the sequencer, then seal the bundle.",
} if {
	not all_sequenced
}
