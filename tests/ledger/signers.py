"""Keys for tests, made once per process."""

from __future__ import annotations

from conductor.ledger.keys.keys import LocalSigner, generate_log_key, generate_seal_key

SEAL = LocalSigner.from_pem(generate_seal_key(), source="test")
OTHER_SEAL = LocalSigner.from_pem(generate_seal_key(), source="test")
LOG = LocalSigner.from_pem(generate_log_key(), source="test")
OTHER_LOG = LocalSigner.from_pem(generate_log_key(), source="test")
