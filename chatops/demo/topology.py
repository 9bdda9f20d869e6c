"""Northwind's resources: services, stores, queues and outside parties over three environments.

Invented, but shaped like a payments company: a few hubs that nearly everything needs, long tails behind them.
"""

from __future__ import annotations

import json
from typing import Any

ENVIRONMENTS = ("production", "staging", "development")

SERVICES: dict[str, tuple[str, ...]] = {
    # edge
    "edge-gateway": ("identity", "rate-limiter", "checkout-web", "merchant-portal", "public-api"),
    "rate-limiter": (),
    "public-api": ("payments-api", "identity", "webhook-dispatcher"),
    "checkout-web": ("payments-api", "card-vault", "threeds-server", "pricing", "feature-flags"),
    "merchant-portal": ("identity", "merchant-accounts", "reporting-api", "disputes", "search-index", "feature-flags"),
    "mobile-bff": ("public-api", "identity", "feature-flags"),
    "partner-sandbox": ("edge-gateway", "payments-api"),
    # money
    "payments-api": ("ledger-core", "risk-engine", "card-router", "idempotency-store", "fx-rates"),
    "card-router": ("acquirer-alpha", "acquirer-beta", "acquirer-gamma", "card-vault", "bin-lookup"),
    "acquirer-alpha": (),
    "acquirer-beta": (),
    "acquirer-gamma": (),
    "ledger-core": ("ledger-replicator",),
    "ledger-replicator": (),
    "settlement": ("ledger-core", "payout-batch", "fx-rates", "file-encoder"),
    "payout-batch": ("ledger-core", "bank-connector", "sanctions-screening"),
    "bank-connector": ("file-encoder", "hsm-proxy"),
    "file-encoder": (),
    "refunds": ("payments-api", "ledger-core", "notify-worker"),
    "disputes": ("ledger-core", "document-store", "notify-worker"),
    "invoicing": ("pricing", "ledger-core", "document-store", "notify-worker"),
    "pricing": ("merchant-accounts",),
    "fx-rates": ("fx-feed",),
    "fx-feed": (),
    "idempotency-store": (),
    # risk and people
    "risk-engine": ("feature-store", "bin-lookup", "device-graph"),
    "feature-store": ("event-pipeline",),
    "device-graph": ("event-pipeline",),
    "bin-lookup": (),
    "sanctions-screening": ("sanctions-feed",),
    "sanctions-feed": (),
    "merchant-accounts": ("identity", "kyc"),
    "kyc": ("document-store", "sanctions-screening"),
    "identity": ("session-store", "hsm-proxy"),
    "session-store": (),
    # secrets and cards
    "card-vault": ("hsm-proxy", "tokeniser"),
    "tokeniser": ("hsm-proxy",),
    "threeds-server": ("card-vault", "identity"),
    "hsm-proxy": (),
    # messages and reports
    "notify-worker": ("email-relay", "webhook-dispatcher"),
    "email-relay": (),
    "webhook-dispatcher": ("event-pipeline",),
    "event-pipeline": (),
    "reporting-api": ("warehouse-loader", "search-index"),
    "warehouse-loader": ("event-pipeline",),
    "search-index": ("event-pipeline",),
    "document-store": (),
    # platform
    "feature-flags": (),
    "metrics-proxy": (),
    "deploy-controller": ("feature-flags", "metrics-proxy"),
    "backup-agent": ("document-store",),
}
"""Service: the services that it depends on."""

STORES: dict[str, tuple[tuple[str, str], ...]] = {
    "ledger-core": (("database", "ledger-db"), ("queue", "ledger-events")),
    "ledger-replicator": (("database", "ledger-replica"), ("queue", "ledger-events")),
    "payments-api": (("database", "payments-db"), ("cache", "payments-cache")),
    "idempotency-store": (("cache", "idempotency-cache"),),
    "card-vault": (("database", "vault-db"),),
    "identity": (("database", "identity-db"),),
    "session-store": (("cache", "session-cache"),),
    "merchant-accounts": (("database", "merchant-db"),),
    "settlement": (("database", "settlement-db"), ("bucket", "settlement-files")),
    "payout-batch": (("database", "payout-db"), ("bucket", "payout-files")),
    "disputes": (("database", "disputes-db"),),
    "invoicing": (("database", "invoicing-db"), ("bucket", "invoices")),
    "risk-engine": (("cache", "risk-cache"),),
    "feature-store": (("database", "features-db"),),
    "notify-worker": (("queue", "notifications"),),
    "webhook-dispatcher": (("queue", "webhooks"), ("database", "webhooks-db")),
    "event-pipeline": (("queue", "events"), ("cluster", "stream-cluster")),
    "reporting-api": (("database", "reports-db"),),
    "warehouse-loader": (("database", "warehouse"),),
    "search-index": (("cluster", "search-cluster"),),
    "document-store": (("bucket", "documents"),),
    "fx-rates": (("cache", "fx-cache"),),
    "metrics-proxy": (("database", "metrics-db"),),
    "backup-agent": (("bucket", "backups"),),
}
"""Service: the stores that it needs, as (kind, name)."""

EXTERNALS = {
    "acquirer-alpha": "Acquirer Alpha",
    "acquirer-beta": "Acquirer Beta",
    "acquirer-gamma": "Acquirer Gamma",
    "fx-feed": "Exchange rate feed",
    "sanctions-feed": "Sanctions list feed",
    "email-relay": "Mail provider",
}
"""Service: the outside party behind it, in production only."""


def topology_json() -> bytes:
    """Return the topology as the document that the graph import takes."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, str]] = []
    for environment in ENVIRONMENTS:
        for service, needs in SERVICES.items():
            nodes.append(_node("service", service, environment))
            edges.extend(_edge("service", service, "service", need, environment) for need in needs)
        for service, stores in STORES.items():
            for kind, store in stores:
                nodes.append(_node(kind, store, environment))
                edges.append(_edge("service", service, kind, store, environment))
    for service, party in EXTERNALS.items():
        nodes.append({"kind": "external", "key": service, "name": party})
        edges.append({"source": f"service/production/{service}", "target": f"external/{service}", "kind": "DEPENDS_ON"})
    unique = {(node["kind"], node["key"]): node for node in nodes}
    return json.dumps({"nodes": list(unique.values()), "edges": edges}).encode()


def _node(kind: str, name: str, environment: str) -> dict[str, Any]:
    return {"kind": kind, "key": f"{environment}/{name}", "name": name, "environment": environment}


def _edge(kind: str, source: str, target_kind: str, target: str, environment: str) -> dict[str, str]:
    return {
        "source": f"{kind}/{environment}/{source}",
        "target": f"{target_kind}/{environment}/{target}",
        "kind": "DEPENDS_ON",
    }
