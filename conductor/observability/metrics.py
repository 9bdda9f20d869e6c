"""Every metric of this project, in one place. /metrics serves them in Prometheus's text format."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUEST_SECONDS = Histogram(
    "conductor_request_seconds",
    "Time to answer a request",
    ["method", "route", "status_class"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 3.0, 10.0),
)
STEP_SECONDS = Histogram(
    "conductor_step_seconds",
    "Time that one try of a step took",
    ["step", "outcome"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
PDF_SECONDS = Histogram(
    "conductor_pdf_seconds",
    "Time to draw a PDF, start of its process included; limit: it was ended by its limit and is not tried again",
    ["outcome"],
    buckets=(1, 2.5, 5, 10, 30, 60, 120),
)
STREAMS_REFUSED = Counter(
    "conductor_streams_refused_total", "Live pages that went without updates, because too many were open"
)
STREAMS_TAKEN = Counter(
    "conductor_streams_taken_total",
    "Live pages that ended because the same person opened a newer one beyond their share",
)
RATE_LIMITED = Counter("conductor_rate_limited_total", "Requests refused because a limit was full", ["limit"])
RUNS_FINISHED = Counter("conductor_runs_finished_total", "Runs that ended", ["workflow", "status"])
DECISIONS = Counter("conductor_policy_decisions_total", "Policy decisions", ["action", "result"])
RECEIPTS_SEQUENCED = Counter("conductor_receipts_sequenced_total", "Receipts signed and numbered")
CHECKPOINTS_ANCHORED = Counter(
    "conductor_ledger_anchored_total", "Notaries' stamps on checkpoints of the ledger", ["tenant"]
)
DELIVERIES = Counter("conductor_deliveries_total", "Messages handed to adapters", ["kind", "outcome"])
TRACKER_LOOKS = Counter("conductor_tracker_looks_total", "Trackers asked for what changed", ["kind", "outcome"])
