"""The matrix: each attack, what detects or withstands it, the verdict, and the tests that show it.

`make attacks` runs the tests and prints it; test_matrix.py holds that every test named here exists. A verdict is what
the product does about the attack, as its tests show:

    found        the attack is possible, and a check names it
    refused      the attempt itself fails
    survived     a fault, after which nothing is lost or doubled
    by outside   found only with something that left the machine before (a checkpoint, a fingerprint, a stamp)
    not built    the product does not have what the attack is on
    not shown    the product has a defence, and no test here shows it yet
"""

from __future__ import annotations

from dataclasses import dataclass

FOUND, REFUSED, SURVIVED, OUTSIDE = "found", "refused", "survived", "by outside"
NOT_BUILT, NOT_SHOWN = "not built", "not shown"

WASHED = "tests/evidence/test_superseded_findings.py::test_"
ROWS = "tests/evidence/test_rewritten_rows.py::test_"
REWRITTEN = "tests/attacks/test_rewritten_ledgers.py::test_"
CRASHES = "tests/attacks/test_crashes.py::test_"
FULL_DISK = "tests/attacks/test_full_disk.py::test_"
CHECKPOINT = "tests/ledger/test_checkpoint.py::test_"
MERKLE = "tests/ledger/test_merkle.py::test_"
DSSE = "tests/ledger/test_dsse.py::test_"
STATEMENT = "tests/ledger/test_statement.py::test_"
KEYS = "tests/ledger/test_keys.py::test_"
ROTATION = "tests/ledger/test_rotation.py::test_"
SEQUENCER = "tests/ledger/test_receipts_and_sequencer.py::test_"
FORGERIES = "tests/evidence/test_pack_forgeries.py::test_"
ARCHIVE = "tests/evidence/test_pack_archive.py::test_"
PACK = "tests/evidence/test_pack_verify.py::test_"
ANCHORING = "tests/evidence/test_anchoring.py::test_"
OUTAGE = "tests/evidence/test_notary_outage.py::test_"
DEMANDS = "tests/evidence/test_notary_policy.py::test_"
RFC3161 = "tests/adapters/test_rfc3161.py::test_"
VERBS = "tests/adapters/test_verbs.py::test_"
SECRETS = "tests/adapters/test_secrets.py::test_"
CANARY = "tests/flows/test_canary_secret.py::test_"
POLICY = "tests/policy/"
RECORDS = "tests/incidents/test_record_integrity.py::test_"
REPEATED = "tests/api/test_repeated_requests.py::test_"
UPLOADS = "tests/evidence/test_uploads.py::test_"
OIDC = "tests/tenancy/test_oidc.py::test_"
SIGNIN = "tests/tenancy/test_signin.py::test_"
FRESH = "tests/tenancy/test_fresh_proof.py::test_"
SLACK = "tests/chatops/test_connections.py::test_"
GRANTS = "tests/chatops/test_installing.py::test_"
DESTINATION = "tests/adapters/test_destination.py::test_"


@dataclass(frozen=True)
class Attack:
    """One row."""

    number: int
    what: str
    detector: str
    verdict: str
    tests: tuple[str, ...] = ()
    limit: str = ""
    """What it does not do, said as it is."""


ATTACKS = (
    # Ledger
    Attack(1, "edit a body", "body digest, seal signature", FOUND, (f"{REWRITTEN}t1_an_edited_body_is_found",)),
    Attack(
        2, "edit a body and its hash", "seal signature", FOUND,
        (f"{REWRITTEN}t2_an_edited_body_with_its_hash_is_found",),
    ),
    Attack(
        3, "delete from the middle", "numbering, Merkle root, checkpoint", FOUND,
        (f"{REWRITTEN}t3_a_receipt_deleted_from_the_middle_is_found_also_after_renumbering",),
    ),
    Attack(
        4, "delete the tail", "checkpoint; without it one kept elsewhere", OUTSIDE,
        (f"{REWRITTEN}t4_deleted_newest_receipts_are_found_and_without_their_checkpoints_by_one_kept_elsewhere",),
        "with its checkpoints gone too, nothing in the database tells",
    ),
    Attack(5, "swap two", "Merkle root, checkpoint", FOUND, (f"{REWRITTEN}t5_two_swapped_receipts_are_found",)),
    Attack(6, "repeat one", "signed id, checkpoint", FOUND, (f"{REWRITTEN}t6_a_repeated_receipt_is_found",)),
    Attack(7, "insert one", "signature, Merkle root", FOUND, (f"{REWRITTEN}t7_an_inserted_receipt_is_found",)),
    Attack(
        8, "restore an older database", "a checkpoint kept elsewhere", OUTSIDE,
        (f"{REWRITTEN}t8_an_older_database_is_found_by_a_checkpoint_kept_elsewhere_and_by_nothing_else",),
        "what came after the newest checkpoint kept elsewhere can vanish unnoticed",
    ),
    Attack(
        9, "rewrite with another key", "fingerprints, the keys at hand", OUTSIDE,
        (
            f"{REWRITTEN}t9_a_ledger_rewritten_with_other_keys_is_not_signed_with_ours",
            f"{ROTATION}a_ledger_under_other_keys_than_ours_is_told",
        ),
    ),
    Attack(
        10, "rewrite with the stolen key", "a checkpoint or stamp that left before", OUTSIDE,
        (
            f"{REWRITTEN}t10_a_ledger_rewritten_with_the_stolen_keys_is_found_only_by_a_checkpoint_kept_elsewhere",
            f"{ANCHORING}a_stamped_checkpoint_that_was_exchanged_or_removed_is_told",
        ),
        "after the last anchor: not found, by anything",
    ),
    Attack(
        11, "fork: two roots, two views", "consistency proof, two signed notes", FOUND,
        (
            f"{REWRITTEN}t11_two_checkpoints_of_one_size_are_proof_of_a_fork",
            f"{REWRITTEN}t11_a_view_that_grew_apart_is_not_consistent",
            f"{MERKLE}a_forged_consistency_proof_is_refused",
        ),
        "somebody must hold both; there is no witness network to hold them for you",
    ),
    Attack(
        12, "another log's checkpoint", "origin in the signed text", REFUSED,
        (
            f"{CHECKPOINT}a_checkpoint_of_another_log_is_refused",
            f"{FORGERIES}a_pack_logged_in_another_tenant_s_log_is_refused",
        ),
    ),
    Attack(
        13, "edit a note's form", "strict reading, signature", REFUSED,
        (
            f"{CHECKPOINT}every_edit_of_a_note_is_refused",
            f"{CHECKPOINT}no_byte_of_a_checkpoint_can_be_changed",
            f"{CHECKPOINT}a_checkpoint_signed_by_another_key_only_is_refused",
        ),
    ),
    Attack(
        14, "malformed proofs, size 0", "RFC 9162 verification", REFUSED,
        (
            f"{MERKLE}a_forged_inclusion_proof_is_refused",
            f"{MERKLE}a_forged_consistency_proof_is_refused",
            f"{MERKLE}no_proof_is_made_for_what_is_not_in_the_log",
        ),
    ),
    Attack(
        15, "inner node as a leaf", "leaf and node prefixes", REFUSED,
        (f"{MERKLE}an_inner_node_cannot_be_passed_off_as_an_entry",),
    ),
    # Envelope
    Attack(
        16, "envelope and statement forgeries", "DSSE over type and bytes, strict reading", REFUSED,
        (
            f"{DSSE}no_bit_of_payload_or_signature_can_be_flipped",
            f"{DSSE}surplus_missing_and_repeated_signatures_are_refused",
            f"{DSSE}another_payload_type_is_refused_even_if_it_is_signed",
            f"{DSSE}a_malformed_envelope_is_refused",
            f"{STATEMENT}only_the_canonical_form_is_read",
            f"{STATEMENT}a_statement_of_another_type_or_with_other_fields_is_refused",
            f"{STATEMENT}a_body_that_json_cannot_say_exactly_is_refused",
            f"{STATEMENT}malformed_subjects_are_refused_in_writing_and_in_reading",
        ),
    ),
    # Pack
    Attack(
        17, "swap artifacts", "signed subjects", FOUND,
        (f"{FORGERIES}swapped_artifacts_are_named_even_with_fitting_manifests",),
    ),
    Attack(
        18, "add a file", "coverage: every file is signed for", FOUND,
        (f"{FORGERIES}an_added_file_is_named_even_with_fitting_manifests",),
    ),
    Attack(
        19, "remove a file", "coverage", FOUND,
        (f"{FORGERIES}a_removed_file_is_named_even_with_fitting_manifests",),
    ),
    Attack(
        20, "recompute the manifests", "signed subjects", FOUND,
        (f"{FORGERIES}a_forged_artifact_is_named_even_if_every_unsigned_list_was_made_to_fit",),
    ),
    Attack(
        21, "unsafe names, links, bombs", "paths, one canonical ZIP", REFUSED,
        (
            f"{FORGERIES}unsafe_and_clashing_names_in_a_folder_or_zip_are_named",
            f"{ARCHIVE}an_unsafe_path_is_neither_written_nor_read",
            f"{ARCHIVE}links_folders_and_devices_are_refused",
            f"{ARCHIVE}names_that_clash_are_refused",
            f"{ARCHIVE}a_compressed_entry_is_refused_before_it_is_unpacked",
            f"{ARCHIVE}an_entry_that_lies_about_its_size_is_refused",
        ),
    ),
    Attack(
        22, "mix files of two packs", "signed subjects", FOUND,
        (f"{FORGERIES}parts_of_another_pack_of_the_same_tenant_do_not_fit",),
    ),
    Attack(
        23, "replace the keys in a pack", "fingerprints known from elsewhere", OUTSIDE,
        (
            f"{FORGERIES}replacing_the_keys_in_a_pack_breaks_it_even_without_known_keys",
            f"{FORGERIES}an_attacker_s_own_pack_passes_only_if_nobody_compares_keys",
        ),
        "a reader who compares no fingerprint is told so, and may be deceived",
    ),
    Attack(
        24, "cut the ZIP off", "one canonical ZIP", FOUND,
        (
            f"{PACK}a_cut_off_or_extended_zip_is_found",
            f"{ARCHIVE}a_damaged_archive_is_refused_whichever_byte_was_hit",
        ),
    ),
    Attack(
        25, "edit the PDF", "its digest in the signed pack", FOUND,
        (f"{PACK}one_changed_byte_in_any_file_is_found_and_the_file_named",),
        "the PDF bears no signature of its own: torn out of its pack it proves nothing",
    ),
    # Time and notaries
    Attack(
        26, "authority down, slow, confused", "adapter errors, asked again", SURVIVED,
        (
            f"{RFC3161}t26_an_authority_that_does_not_answer_has_vouched_for_nothing",
            f"{RFC3161}t26_an_authority_that_is_down_may_be_asked_again",
            f"{ANCHORING}an_authority_that_is_down_is_asked_again_and_nothing_is_lost",
        ),
    ),
    Attack(27, "replayed token", "nonce", REFUSED, (f"{RFC3161}t27_a_replayed_token_is_refused",)),
    Attack(
        28, "token for another digest", "imprint", REFUSED,
        (
            f"{RFC3161}t28_a_token_for_another_digest_is_refused",
            f"{RFC3161}t28_a_kept_token_does_not_pass_for_another_digest",
        ),
    ),
    Attack(
        29, "wrong policy", "policy OID", REFUSED,
        (
            f"{RFC3161}t29_another_policy_than_the_one_insisted_on_is_refused",
            f"{RFC3161}t29_a_policy_that_is_not_offered_is_told",
        ),
    ),
    Attack(30, "untrusted root", "chain", REFUSED, (f"{RFC3161}t30_an_authority_under_another_root_is_a_stranger",)),
    Attack(
        31, "signer that may not stamp", "extended key usage, critical", REFUSED,
        (f"{RFC3161}t31_a_signer_that_may_not_stamp_is_refused",),
    ),
    Attack(
        32, "expired signer", "validity at the stamp's time", REFUSED,
        (
            f"{RFC3161}t32_a_signer_that_had_expired_at_its_time_is_refused",
            f"{RFC3161}t32_a_signer_that_has_expired_since_still_counts",
        ),
    ),
    Attack(33, "not granted", "status", REFUSED, (f"{RFC3161}t33_anything_but_granted_is_not_granted",)),
    Attack(34, "time a day off", "skew limit", REFUSED, (f"{RFC3161}t34_a_time_far_from_ours_is_refused",)),
    Attack(
        35, "our clock jumps back", "log time never goes back; skew limit", SURVIVED,
        (
            f"{REWRITTEN}t35_a_clock_that_jumps_back_does_not_turn_back_the_log",
            f"{VERBS}t35_after_our_clock_jumped_a_stamp_is_refused_and_the_next_one_counts",
        ),
    ),
    Attack(
        36, "token not in DER", "second verifier; kept as unreadable", SURVIVED,
        (
            f"{RFC3161}t36_what_only_openssl_can_read_is_verified_by_openssl",
            f"{RFC3161}t36_a_token_that_nobody_can_read_is_unreadable_and_kept",
        ),
    ),
    Attack(
        37, "flapping notary", "breaker, backlog in order, one record each", SURVIVED,
        (
            f"{VERBS}t37_a_flapping_notary_leaves_exactly_one_verified_record_per_digest",
            f"{VERBS}t37_two_workers_with_one_digest_make_one_verified_record",
            f"{OUTAGE}t37_an_outage_opens_the_breaker_and_the_backlog_drains_in_order_once_each",
            f"{OUTAGE}t37_a_probe_that_fails_leaves_it_alone_for_twice_as_long",
            f"{OUTAGE}t37_two_workers_share_a_backlog_without_asking_anything_twice",
            f"{OUTAGE}t37_a_worker_that_dies_in_its_turn_holds_nobody_up_for_long",
            f"{OUTAGE}t37_an_answer_that_does_not_hold_is_an_answer_and_blocks_nothing_behind_it",
        ),
        "a worker paused past its turn may ask once more; one of the two answers is kept",
    ),
    Attack(
        38, "notary policy toggled in flight", "the demand of the seal's moment; four eyes", REFUSED,
        (
            f"{DEMANDS}t38_a_policy_that_changes_on_the_way_releases_nothing_that_was_sealed_under_it",
            f"{DEMANDS}t38_a_demand_made_later_holds_up_nothing_that_was_sealed_before",
            f"{DEMANDS}more_is_in_force_at_once_and_less_needs_a_second_person",
        ),
    ),
    Attack(
        39, "`required` blocks the release only", "release waits for enough vouchers", SURVIVED,
        (f"{DEMANDS}t39_required_holds_release_but_not_sealing_until_an_independent_notary_vouches",),
    ),
    # Concurrency and crashes
    Attack(
        40, "kill -9 the sequencer", "one transaction a batch", SURVIVED,
        (
            f"{CRASHES}t40_a_killed_sequencer_has_done_a_batch_wholly_or_not_at_all",
            f"{ANCHORING}a_checkpoint_is_stamped_once_and_its_own_receipt_asks_for_no_other",
        ),
    ),
    Attack(
        41, "two sequencers", "advisory lock, row locks", SURVIVED,
        (f"{SEQUENCER}two_sequencers_and_many_writers_leave_no_gap",),
    ),
    Attack(
        42, "32 writers, late commit", "pending means: has no number", SURVIVED,
        (
            f"{CRASHES}t42_a_transaction_that_commits_late_is_numbered_then_and_nothing_is_skipped",
            f"{CRASHES}t42_thirty_two_writers_at_once_leave_no_gap",
        ),
    ),
    Attack(
        43, "business rollback", "receipt in the act's transaction", SURVIVED,
        (f"{SEQUENCER}a_rolled_back_act_leaves_no_receipt",),
    ),
    Attack(
        44, "database goes away mid-batch, disks are full", "one transaction; nothing by halves", SURVIVED,
        (
            f"{CRASHES}t44_a_database_that_goes_away_in_the_middle_of_a_batch_loses_nothing",
            f"{FULL_DISK}t44_an_artifact_that_does_not_fit_leaves_nothing_and_is_kept_once_there_is_space",
            f"{FULL_DISK}t44_a_run_whose_evidence_does_not_fit_tries_again_and_finishes_once_there_is_space",
            f"{FULL_DISK}t44_a_database_without_space_leaves_no_act_without_receipt_and_no_receipt_without_act",
        ),
        "a failover to a lagging replica is a restore of an older database: T8 says what tells",
    ),
    Attack(
        45, "a million leaves", "stored tiles", SURVIVED,
        (
            f"{CRASHES}t45_a_proof_among_a_million_receipts_takes_less_than_fifty_milliseconds",
            "tests/ledger/test_tiles.py::test_a_proof_needs_a_handful_of_tiles_however_long_the_log_is",
        ),
    ),
    # Keys
    Attack(
        46, "rotation in mid-batch", "rotation waits for the batch", SURVIVED,
        (f"{ROTATION}a_rotation_waits_for_the_batch_that_is_being_signed",),
    ),
    Attack(
        47, "verify old receipts after a rotation", "key windows, endorsement", SURVIVED,
        (
            f"{ROTATION}old_receipts_and_checkpoints_verify_after_both_keys_were_replaced",
            f"{PACK}receipts_signed_by_an_older_key_pass_when_both_keys_are_known",
        ),
    ),
    Attack(
        48, "sign after the key's window", "window, order of keys in the log", FOUND,
        (
            f"{ROTATION}a_signature_outside_its_keys_time_is_found",
            f"{ROTATION}nothing_is_signed_with_a_key_that_was_put_in_the_old_ones_place",
            f"{ROTATION}a_replaced_key_never_comes_back",
        ),
    ),
    Attack(
        49, "compromised key", "declared cut-off", FOUND,
        (f"{ROTATION}what_a_compromised_key_signed_is_believed_up_to_the_cut_off",),
        "a thief can date receipts before it; then only an anchored checkpoint tells",
    ),
    Attack(
        50, "key file missing, or open to others", "the provider refuses", REFUSED,
        (
            f"{KEYS}a_key_that_others_may_touch_is_refused",
            f"{KEYS}a_directory_in_which_others_may_put_a_key_is_refused",
            f"{KEYS}a_missing_key_is_named",
            f"{ROTATION}without_its_key_file_the_sequencer_refuses",
        ),
    ),
    # Policy and secrets
    Attack(
        51, "leave out any input attribute", "schema, then rules that fail closed", REFUSED,
        (
            f"{POLICY}test_rules.py::test_no_attribute_can_be_left_out_of_the_rules_sight",
            f"{POLICY}test_rules.py::test_leaving_out_an_attribute_never_turns_a_denial_into_an_allowance",
            f"{POLICY}test_decisions.py::test_no_attribute_of_the_resource_can_be_left_out",
        ),
    ),
    Attack(
        52, "engine panics, hangs or will not compile", "a failure is a deny, on record", REFUSED,
        (
            f"{POLICY}test_decisions.py::test_a_panicking_engine_denies_and_the_record_says_so",
            f"{POLICY}test_decisions.py::test_broken_rules_deny_and_the_record_says_why",
            f"{POLICY}test_sandbox.py::test_an_endless_policy_is_killed_in_time_and_the_next_request_is_answered",
        ),
    ),
    Attack(
        53, "decision cannot be recorded", "what is not on record is denied", REFUSED,
        (f"{POLICY}test_decisions.py::test_what_is_not_on_record_is_not_allowed",),
    ),
    Attack(
        54, "exchange the policy between check and act", "lock from check to act; digests in both", REFUSED,
        (
            f"{POLICY}test_exchange.py::test_t54_rules_that_are_exchanged_between_check_and_act_wait_for_the_act",
            f"{POLICY}test_exchange.py::test_t54_a_check_waits_for_an_exchange_that_is_under_way",
            f"{POLICY}test_exchange.py::test_t54_an_incident_that_became_graver_between_check_and_act_is_not_resolved",
            f"{POLICY}test_lifecycle.py::test_the_receipt_of_an_activation_names_the_decision_and_its_digests",
            f"{POLICY}test_decisions.py::test_the_rules_of_a_decision_are_kept_once_and_still_have_its_digest",
        ),
        "built-in rules change with a restart: in a rolling upgrade two releases decide side by side",
    ),
    Attack(
        55, "approve oneself, or from another tenant", "four eyes over the exact text", REFUSED,
        (
            f"{POLICY}test_lifecycle.py::test_nobody_approves_their_own_rules",
            f"{POLICY}test_lifecycle.py::test_an_approver_of_another_tenant_is_refused",
            f"{POLICY}test_lifecycle.py::test_an_approval_of_another_text_is_refused",
            "tests/engine/test_four_eyes.py::test_whoever_started_the_run_does_not_approve_it_and_somebody_else_does",
            "tests/engine/test_four_eyes.py::test_an_answer_to_an_earlier_question_is_refused",
        ),
    ),
    Attack(
        56, "move a ciphertext to another tenant or field", "context in the protected header", REFUSED,
        (
            f"{SECRETS}t56_a_sealed_value_that_was_moved_does_not_open",
            f"{SECRETS}t56_a_key_wrapped_in_vault_does_not_unwrap_for_another_tenant",
        ),
    ),
    Attack(
        57, "wrong key-encrypting key", "authenticated encryption", REFUSED,
        (
            f"{SECRETS}t57_a_wrong_key_is_an_error_and_never_the_ciphertext",
            f"{SECRETS}t57_a_changed_ciphertext_does_not_open",
        ),
    ),
    Attack(
        58, "canary secret in what is kept or sent", "references resolved at use, erasure", REFUSED,
        (
            f"{CANARY}t58_a_secret_shows_in_no_log_row_message_answer_or_page",
            f"{CANARY}t58_a_secret_shows_in_no_run_artifact_or_pack",
        ),
    ),
    # Packs, at the reader's
    Attack(
        85, "a bomb for the pack's verifier", "bounds before reading", REFUSED,
        (
            f"{PACK}a_bomb_is_refused_within_little_memory_and_without_a_traceback",
            f"{PACK}a_document_of_any_shape_is_a_failure_and_names_its_file",
        ),
    ),
    Attack(
        86, "forge a whole pack with keys of one's own", "fingerprints named by the reader", OUTSIDE,
        (
            f"{PACK}without_known_keys_the_signer_is_unknown",
            f"{PACK}one_known_key_of_two_leaves_the_signer_unknown",
            f"{FORGERIES}an_attacker_s_own_pack_passes_only_if_nobody_compares_keys",
        ),
        "without fingerprints the verdict is CONSISTENT, SIGNER UNKNOWN, with an exit status of its own",
    ),
    Attack(
        87, "prove another receipt by hand", "each step of VERIFY.md", FOUND,
        (
            "tests/evidence/test_pack_instructions.py::test_a_proof_of_another_receipt_fails_its_step",
            "tests/evidence/test_pack_instructions.py::test_another_bundle_under_the_same_receipts_fails_its_step",
        ),
    ),
    # Evidence, in the database
    Attack(
        88, "sealed rows rewritten", "signed manifest, compared field by field", FOUND,
        (
            f"{ROWS}every_rewritten_field_of_a_sealed_bundle_is_named",
            f"{ROWS}rewritten_artifacts_and_controls_are_named_and_read_as_they_were_signed",
            f"{ROWS}a_bundle_that_was_opened_again_removed_or_swapped_for_another_is_named",
            f"{ROWS}page_api_and_document_say_what_was_signed_and_that_the_row_was_changed",
        ),
        "the date until which a bundle is retained is not signed; figures count rows",
    ),
    Attack(
        89, "findings washed out before the seal", "superseded with a reason, both signed", REFUSED,
        (
            f"{WASHED}a_recorded_check_is_never_left_out",
            f"{WASHED}what_was_superseded_is_in_manifest_receipt_and_document",
            f"{WASHED}without_a_check_nothing_is_concluded",
        ),
        "a check that was never recorded is not missed, but without one nothing is concluded",
    ),
    Attack(
        90, "read an adapter's secret by re-pointing it", "a new destination asks for it again", REFUSED,
        (
            f"{DESTINATION}a_new_destination_asks_for_every_stored_secret_again",
            f"{DESTINATION}every_setting_of_every_kind_was_decided_about",
            f"{DESTINATION}what_somebody_read_before_another_change_is_not_what_is_compared",
            f"{DESTINATION}an_admin_who_changes_the_address_only_reads_no_token",
        ),
        "a reference that the operator lets an admin use is theirs to give to any address",
    ),
    Attack(
        95, "an incident's timeline rewritten", "salted digests, chain, receipts", FOUND,
        (
            f"{RECORDS}each_rewriting_of_the_timeline_is_named",
            f"{RECORDS}an_entry_that_was_added_is_vouched_for_by_nothing",
            f"{RECORDS}a_timeline_rewritten_with_its_receipts_fails_by_their_signatures",
            f"{RECORDS}page_receipts_tab_and_api_name_the_fault",
            f"{RECORDS}nothing_is_made_of_a_record_that_was_rewritten",
            "tests/evidence/test_incident_findings.py::test_what_is_missing_is_an_exception_by_name",
        ),
        "imported history has one receipt for the whole file: its entries are held by the chain alone",
    ),
    Attack(
        96, "an incident's severity, title or status rewritten", "the timeline, which says what they are", FOUND,
        (
            f"{RECORDS}each_rewritten_field_of_the_incident_is_named",
            f"{RECORDS}verify_ledger_fails_and_names_entry_and_field",
            f"{RECORDS}an_incident_that_is_gone_is_named",
        ),
        "roles, tasks, action items and obligations have receipts, and their rows are not compared with them",
    ),
    Attack(
        97, "a postmortem's text rewritten", "its digest, the entry of its approval", FOUND,
        (f"{RECORDS}a_postmortem_that_was_rewritten_is_named_and_goes_no_further",),
        "of a version that nobody approved, text and digest can be rewritten together",
    ),
    # Repeated requests
    Attack(
        98, "replay an idempotent answer after redaction or privacy", "answers are read anew, no copy is kept", REFUSED,
        (
            f"{REPEATED}a_replay_shows_no_word_that_was_redacted",
            f"{REPEATED}a_replay_does_not_open_an_incident_made_private",
            f"{REPEATED}nothing_that_was_answered_is_kept_in_words",
            f"{REPEATED}a_key_is_forgotten_after_a_day",
        ),
    ),
    Attack(
        99, "replay with a token, scope or role that is gone", "token and permissions checked on each replay", REFUSED,
        (
            f"{REPEATED}a_replay_by_a_revoked_token_is_refused",
            f"{REPEATED}a_replay_is_authorised_like_a_first_request",
        ),
    ),
    Attack(
        100, "exchange an upload on its way", "the sender's Content-Digest", REFUSED,
        (f"{UPLOADS}a_wrong_digest_is_refused_and_nothing_kept",),
        "only where the sender states one",
    ),
    # Identity
    Attack(
        101, "take over a colleague by claiming their address", "both sides verified; issuer and subject", REFUSED,
        (
            f"{OIDC}a_member_who_claims_a_colleagues_address_gets_nothing_of_theirs",
            f"{OIDC}an_address_that_a_member_only_claimed_identifies_nobody",
            f"{OIDC}the_page_after_the_provider_takes_no_other_address",
            f"{OIDC}the_subject_of_another_issuer_is_somebody_else",
            f"{OIDC}only_a_plain_yes_verifies_an_address",
        ),
        "the identity provider's own word is believed",
    ),
    Attack(
        102, "claim a Slack workspace by its id", "Slack's grant, or the operator", REFUSED,
        (
            f"{SLACK}an_admin_connects_no_workspace_by_typing_its_id_and_disconnects_their_own",
            f"{SLACK}a_revoked_workspace_is_free_for_others",
            f"{GRANTS}a_grant_of_slacks_beats_somebodys_word_and_no_other_grant",
        ),
    ),
    Attack(
        103, "act as a colleague by a Slack account", "the member confirms, signed in", REFUSED,
        (
            f"{SLACK}an_admin_links_nobody",
            f"{SLACK}a_link_that_an_admin_made_before_names_nobody_until_it_is_confirmed",
            f"{SLACK}a_member_confirms_signed_in_what_only_their_slack_account_was_given",
            f"{SLACK}a_claim_ends_and_is_of_one_organisation",
        ),
        "a member can be talked into confirming a stranger's account; the page says what that does",
    ),
    Attack(
        104, "make a borrowed session a way in", "a proof of the last five minutes; idle limit", REFUSED,
        (
            f"{FRESH}an_old_session_is_asked_again_before_anything_that_lets_somebody_in",
            f"{FRESH}a_first_password_is_not_set_with_a_borrowed_session",
            f"{SIGNIN}a_session_ends_when_nobody_used_it_and_at_its_greatest_age",
        ),
    ),
    Attack(
        105, "lock a responder out by wrong passwords", "tries count by account and place", REFUSED,
        (f"{SIGNIN}a_stranger_who_tries_passwords_locks_out_nobody_else",),
        "from many addresses, five tries in five minutes of each",
    ),
    # Availability
    Attack(
        106, "a relay that drips without end", "a deadline round the conversation, a worker kept free", SURVIVED,
        (
            "tests/adapters/test_deadlines.py::test_a_relay_that_drips_lines_is_left_when_the_time_is_over",
            "tests/engine/test_fairness.py::test_one_tenant_never_holds_every_worker_of_a_pool",
            "tests/flows/test_slow_neighbour.py::test_a_dripping_relay_of_one_tenant_does_not_hold_up_the_others_notice",
        ),
        "relays of several tenants at once hold a pool until their deadlines",
    ),
    Attack(
        107, "many live pages of one member", "quotas by person, tenant and process", SURVIVED,
        (
            "tests/console/test_stream_quota.py::test_one_members_many_streams_leave_a_colleagues_live",
            "tests/flows/test_many_streams.py"
            "::test_two_hundred_streams_of_one_member_leave_probes_pages_and_others_streams_alone",
        ),
    ),
    # Packs that were sealed wrong
    Attack(
        108, "seal a conclusion that the checks do not support", "the verifier's check of the conclusion", FOUND,
        ("tests/evidence/test_pack_claims.py::test_a_conclusion_that_its_checks_do_not_support_is_refused",),
    ),
    Attack(
        109, "seal a timeline that was rewritten, cut off or reordered", "salted digests, signed receipts", FOUND,
        ("tests/evidence/test_pack_claims.py::test_a_changed_timeline_is_named_though_the_seal_is_good",),
    ),
)  # fmt: skip
