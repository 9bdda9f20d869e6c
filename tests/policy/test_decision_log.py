from __future__ import annotations

from conductor.lib.canonical import canonical_json
from conductor.policy.bundle import policy_bundle
from conductor.policy.decision_log import event_of
from tests.policy.asking import Asked


def test_secrets_stay_out_of_the_record_while_the_digest_proves_them(scope: None, ask: Asked) -> None:
    secret = {"webhook": {"Signing-Secret": "canary-1"}, "parts": [{"api_key": "canary-2"}], "title": "Card payments"}
    resource = ask.resource(**secret)

    row = ask(resource=resource).record

    assert row is not None
    row.refresh_from_db()
    assert "canary" not in str(row.input)
    assert row.input["resource"]["title"] == "Card payments"
    event = event_of(row)
    assert sorted(event["erased"]) == ["/input/resource/parts/0/api_key", "/input/resource/webhook/Signing-Secret"]
    assert row.input_digest != ask().record.input_digest  # type: ignore[union-attr]


def test_a_decision_reads_as_an_event_of_opas_decision_log(scope: None, ask: Asked) -> None:
    row = ask(resource=ask.resource(severity="SEV9")).record
    assert row is not None

    event = event_of(row)

    assert event["decision_id"] == str(row.id)
    assert event["timestamp"] == "2026-11-20T11:00:00Z"
    assert event["path"] == "conductor/incidents/declare"
    assert event["input"] == row.input
    assert event["result"]["allow"] is False
    assert [reason["code"] for reason in event["result"]["deny"]] == ["severity_unknown"]
    assert event["bundles"] == {"built-in": {"revision": policy_bundle().digest}}
    assert event["labels"] == {"engine": "regorus", "engine_version": "0.13.0"}
    assert event["metrics"] == {"timer_rego_query_eval_ns": row.duration_us * 1000}
    assert event["erased"] == []
    canonical_json(event)
