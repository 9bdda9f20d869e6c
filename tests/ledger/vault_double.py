"""Vault's transit engine as far as signing goes, over real HTTP, with real keys. Written from its API documentation."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from conductor.ledger.keys.keys import ED25519, LocalSigner, generate_log_key, generate_seal_key

TOKEN = "s.double"


@dataclass
class VaultDouble:
    """Keys by name, each a list of versions; `answer` replaces what the next requests are answered."""

    keys: dict[str, list[LocalSigner]] = field(default_factory=dict)
    min_encryption_version: int = 0
    answer: tuple[int, bytes] | None = None
    forge: bool = False
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    def rotate(self, name: str, kind: str) -> LocalSigner:
        pem = generate_log_key() if kind == "ed25519" else generate_seal_key()
        self.keys.setdefault(name, []).append(LocalSigner.from_pem(pem, source="double"))
        return self.keys[name][-1]

    def handle(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, bytes]:
        self.asked.append((method, path, body))
        if self.answer is not None:
            return self.answer
        if token != TOKEN:
            return 403, b'{"errors":["permission denied"]}'
        _, _, mount, verb, name = path.split("/", 4)
        if mount != "transit" or name not in self.keys:
            return 404, b'{"errors":[]}'
        data = self._describe(name) if verb == "keys" else self._sign(name, body)
        return 200, json.dumps({"request_id": "1", "data": data}).encode()

    def _describe(self, name: str) -> dict[str, Any]:
        versions = self.keys[name]
        edwards = versions[0].public.details == ED25519
        return {
            "name": name,
            "type": "ed25519" if edwards else "ecdsa-p256",
            "latest_version": len(versions),
            "min_encryption_version": self.min_encryption_version,
            "keys": {
                str(number): {"public_key": base64.b64encode(each.public.raw).decode() if edwards else each.public.pem}
                for number, each in enumerate(versions, start=1)
            },
        }

    def _sign(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        signer = self.keys[name][body["key_version"] - 1]
        if signer.public.details != ED25519:
            assert (body["hash_algorithm"], body["marshaling_algorithm"]) == ("sha2-256", "asn1")
        message = b"forged" if self.forge else base64.b64decode(body["input"])
        signature = base64.b64encode(signer.sign(message)).decode()
        return {"signature": f"vault:v{body['key_version']}:{signature}", "key_version": body["key_version"]}

    @contextmanager
    def served(self) -> Iterator[VaultDouble]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._do("GET")

            def do_POST(self) -> None:
                self._do("POST")

            def _do(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                token = self.headers.get("X-Vault-Token", "")
                status, answer = double.handle(method, self.path, token, json.loads(body or b"{}"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
