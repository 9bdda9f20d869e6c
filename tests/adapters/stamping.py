"""A time-stamp authority on the loopback, of openssl's own making, and forgeries that it would not make itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cryptography.hazmat import asn1

from adapters.kinds.rfc3161.protocol import PKIStatusInfo, TimeStampReq
from tests.adapters.certificates import Authority, Issued
from tests.adapters.receiver import Answering, Asked, Handler, Receiver, receiving
from tests.harness import counterparts

POLICY, OTHER_POLICY = "1.2.3.4.1", "1.2.3.4.2"
MEDIA_TYPE = {"content-type": "application/timestamp-reply"}
_CONFIG = """
[tsa]
default_tsa = this
[this]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = {policy}
other_policies = {other}
digests = sha256
ess_cert_id_alg = sha256
{certs}
"""


@asn1.sequence
class _WholeAnswer:
    """An answer as a forger writes it: any status, any token."""

    status: PKIStatusInfo
    token: asn1.TLV


class Stamper:
    """`openssl ts` with its files, behind a server."""

    def __init__(self, folder: Path, *, signer: Issued | None = None, chain: str = "") -> None:
        self.folder, self.authority = folder, Authority()
        folder.mkdir(parents=True, exist_ok=True)
        self._sign_with(signer or self.authority.for_stamping())
        certs = "certs = chain.pem" if chain else ""
        (folder / "chain.pem").write_text(chain)
        (folder / "tsa.cnf").write_text(_CONFIG.format(policy=POLICY, other=OTHER_POLICY, certs=certs))
        (folder / "serial").write_text("01\n")

    @property
    def root(self) -> str:
        return self.authority.root.pem

    def _sign_with(self, signer: Issued) -> None:
        (self.folder / "tsa.pem").write_text(signer.pem)
        (self.folder / "tsa.key").write_text(signer.key_pem)

    def reply(self, request: bytes) -> bytes:
        """Return openssl's own answer to the request."""
        (self.folder / "query").write_bytes(request)
        self._openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def forged(self, request: bytes, *, signer: Issued, at: datetime | None = None) -> bytes:
        """Return an answer signed by any certificate and for any time, which `openssl ts` refuses to make."""
        reply = self.folder / "reply"
        reply.write_bytes(self.reply(request))
        self._openssl("ts", "-reply", "-in", "reply", "-token_out", "-out", "token")
        self._openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "info")
        if at is not None:
            self._move_to(at)
        (self.folder / "forger.pem").write_text(signer.pem)
        (self.folder / "forger.key").write_text(signer.key_pem)
        self._openssl(
            "cms", "-sign", "-cades", "-binary", "-nodetach", "-md", "sha256", "-econtent_type", "id-smime-ct-TSTInfo",
            "-in", "info", "-signer", "forger.pem", "-inkey", "forger.key", "-outform", "DER", "-out", "forged",
        )  # fmt: skip
        return answer_of((self.folder / "forged").read_bytes())

    def _move_to(self, at: datetime) -> None:
        """Write another time over the one in the unsigned statement: both are 15 characters of GeneralizedTime."""
        info = (self.folder / "info").read_bytes()
        start = info.index(b"\x18\x0f") + 2
        moved = f"{at:%Y%m%d%H%M%SZ}".encode()
        (self.folder / "info").write_bytes(info[:start] + moved + info[start + 15 :])

    def _openssl(self, *arguments: str) -> None:
        subprocess.run([counterparts.need("openssl"), *arguments], cwd=self.folder, check=True, capture_output=True)


def answer_of(token: bytes, *, status: int = 0) -> bytes:
    """Return a whole answer with this token and status."""
    info = PKIStatusInfo(status=status, status_string=None, fail_info=None)
    return asn1.encode_der(_WholeAnswer(status=info, token=asn1.decode_der(asn1.TLV, token)))


def with_status(answer: bytes, status: int) -> bytes:
    """Return the answer with another status."""
    told = asn1.decode_der(_WholeAnswer, answer)
    info = PKIStatusInfo(status=status, status_string=None, fail_info=None)
    return asn1.encode_der(_WholeAnswer(status=info, token=told.token))


def changed(request: bytes, *, digest: bytes | None = None, policy: str = "", nonce: int | None = None) -> bytes:
    """Return a request that asks for something else than `request` does."""
    from cryptography.x509 import ObjectIdentifier

    asked = asn1.decode_der(TimeStampReq, request)
    if digest is not None:
        asked.message_imprint.hashed_message = digest
    asked.req_policy = ObjectIdentifier(policy) if policy else asked.req_policy
    asked.nonce = asked.nonce if nonce is None else nonce
    return asn1.encode_der(asked)


def honestly(stamper: Stamper) -> Answering:
    """Answer as openssl does."""

    def answer(handler: Handler, asked: Asked) -> None:
        handler.answer(200, stamper.reply(asked.body), MEDIA_TYPE)

    return answer


@contextmanager
def stamping(stamper: Stamper) -> Iterator[Receiver]:
    """Yield the stamper's server."""
    with receiving(honestly(stamper)) as receiver:
        yield receiver
