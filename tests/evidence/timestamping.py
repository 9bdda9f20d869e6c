"""A time-stamping authority on this machine, of openssl's own making, for tests."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from adapters.kinds.rfc3161.protocol import parse_request
from tests.harness import counterparts

_REQUEST = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Test authority
[root]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
"""
# No `certs =`: openssl would write a certificate set that is not DER-sorted, which strict readers refuse.
_CONFIG = """
[tsa]
default_tsa = this
[this]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


@dataclass
class Service:
    """A served authority: where it is, whether it answers, and how often it was asked."""

    url: str = ""
    up: bool = True
    asked: int = 0
    imprints: list[str] = field(default_factory=list)
    """The digests that it vouched for, in order."""
    seconds: float = 0.0
    """How long it thinks first."""


class Authority:
    """Issues RFC 3161 tokens; `root` is the certificate to verify them with."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "request.cnf").write_text(_REQUEST)
        (directory / "tsa.cnf").write_text(_CONFIG)
        (directory / "serial").write_text("01\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "request.cnf"]
        self._run("req", "-x509", *key, "-keyout", "root.key", "-out", "root.pem", "-extensions", "root")
        self._run("req", *key, "-subj", "/CN=Test TSA", "-keyout", "tsa.key", "-out", "tsa.csr")
        signing = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "request.cnf"]
        self._run("x509", "-req", "-in", "tsa.csr", *signing, "-extensions", "tsa", "-out", "tsa.pem")
        self.root = directory / "root.pem"

    def stamp(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (request, response) for `data`, both in DER."""
        (self.directory / "data").write_bytes(data)
        self._run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
        self._run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.directory / "query").read_bytes(), (self.directory / "reply").read_bytes()

    def answer(self, query: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq, both in DER."""
        (self.directory / "query").write_bytes(query)
        self._run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.directory / "reply").read_bytes()

    @contextmanager
    def served(self, *, port: int = 0) -> Iterator[Service]:
        """Serve it on a loopback port, as RFC 3161 section 3.4 says; a named one was served on before."""
        service = Service()
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.asked += 1
                query = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(service.seconds)
                body = authority.answer(query) if service.up else b"down"
                self.send_response(200 if service.up else 503)
                if service.up:
                    service.imprints.append(parse_request(query).message_imprint.hashed_message.hex())
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        service.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            server.server_close()

    def _run(self, *arguments: str) -> None:
        subprocess.run([counterparts.need("openssl"), *arguments], cwd=self.directory, check=True, capture_output=True)
