"""Time stamps by a real authority (openssl), and every answer that must not be believed (attack list T26 to T36)."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.kinds.rfc3161.adapter import Rfc3161
from adapters.kinds.rfc3161.config import Config, Secrets
from adapters.kinds.rfc3161.protocol import request_for
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, AttestationRefused, AttestationUnreadable
from tests.adapters.certificates import Authority
from tests.adapters.receiver import Answering, Receiver, closed_port, drip, hang, receiving, reset, status
from tests.adapters.stamping import (
    MEDIA_TYPE,
    OTHER_POLICY,
    POLICY,
    Stamper,
    changed,
    stamping,
    with_status,
)
from tests.harness import counterparts

DIGEST = hashlib.sha256(b"a bundle").hexdigest()
OTHER = hashlib.sha256(b"another bundle").digest()


@pytest.fixture(scope="module")
def stamper(tmp_path_factory: pytest.TempPathFactory) -> Stamper:
    return Stamper(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def server(stamper: Stamper) -> Iterator[Receiver]:
    with stamping(stamper) as receiver:
        yield receiver


def notary(url: str, root: str, **settings: Any) -> Rfc3161:
    told = {"url": url, "root_certificate": root, "timeout_seconds": 5, "allow_loopback": True, **settings}
    here = Installation(keys_dir=Path("/nowhere"), development=True)
    return Rfc3161(config=Config.model_validate(told), secrets=Secrets(), installation=here)


def attest(told: Rfc3161, digest: str = DIGEST, now: datetime | None = None) -> Any:
    return told.attest(digest_hex=digest, now=now or datetime.now(UTC))


def refused(told: Rfc3161, **how: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        attest(told, **how)
    return caught.value


def answering(make: Callable[[bytes], bytes]) -> Answering:
    return lambda handler, asked: handler.answer(200, make(asked.body), MEDIA_TYPE)


def test_a_time_stamp_is_verified_before_it_is_returned_and_openssl_agrees(
    server: Receiver, stamper: Stamper, tmp_path: Path
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    attestation = attest(notary(server.url, stamper.root))

    assert before <= attestation.verification.attested_at <= datetime.now(UTC)
    assert attestation.verification.verified_by.startswith("rfc3161-client")
    assert server.asked[0].headers["content-type"] == "application/timestamp-query"
    (tmp_path / "data").write_bytes(b"a bundle")
    (tmp_path / "tsr").write_bytes(attestation.response)
    (tmp_path / "root").write_text(attestation.verification.trust_anchor_pem)
    said = subprocess.run(
        [counterparts.need("openssl"), "ts", "-verify", "-data", "data", "-in", "tsr", "-CAfile", "root"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in said.stdout


def test_what_was_kept_is_verified_again_without_the_authority(stamper: Stamper) -> None:
    with stamping(stamper) as server:
        kept = attest(notary(server.url, stamper.root))
    offline = notary("http://127.0.0.1:1/", stamper.root)

    again = offline.verify(digest_hex=DIGEST, request=kept.request, response=kept.response)

    assert again == kept.verification


def test_no_nonce_is_used_twice(server: Receiver, stamper: Stamper) -> None:
    told = notary(server.url, stamper.root)
    requests = {attest(told).request for _each in range(3)}

    assert len(requests) == 3


def test_only_a_sha256_digest_is_asked_for() -> None:
    for wrong in ("ab", "zz" * 32, "ab" * 20):
        with pytest.raises(ValueError, match=r"SHA-256|hexadecimal"):
            request_for(digest_hex=wrong)


@pytest.mark.parametrize(
    ("answer", "code", "permanent"),
    [
        (hang, "timeout", False),
        (drip, "timeout", False),
        (reset, "unreachable", False),
        (status(500), "http_500", False),
        (status(403), "http_403", True),
        (status(200, b"<html>Login</html>"), "unreadable", False),
        (status(200, b""), "unreadable", False),
        (status(200, b"x" * 300_000), "too_long", True),
    ],
    ids=["slow", "dripping", "RST", "500", "403", "HTML 200", "empty body", "huge body"],
)
def test_t26_an_authority_that_does_not_answer_has_vouched_for_nothing(
    answer: Answering, code: str, permanent: bool, stamper: Stamper
) -> None:
    with receiving(answer) as server:
        began = time.monotonic()
        error = refused(notary(server.url, stamper.root, timeout_seconds=1))

    assert (error.code, error.permanent) == (code, permanent)
    assert time.monotonic() - began < 4


def test_t26_an_authority_that_is_down_may_be_asked_again(stamper: Stamper) -> None:
    error = refused(notary(f"http://127.0.0.1:{closed_port()}/", stamper.root))

    assert (error.code, error.permanent) == ("unreachable", False)


def test_t27_a_replayed_token_is_refused(stamper: Stamper) -> None:
    old = stamper.reply(request_for(digest_hex=DIGEST))
    with receiving(answering(lambda _request: old)) as server:
        error = refused(notary(server.url, stamper.root))

    assert isinstance(error, AttestationRefused)
    assert error.code == "nonce_other"
    assert error.response == old, "what was refused is kept as proof"


def test_t28_a_token_for_another_digest_is_refused(stamper: Stamper) -> None:
    with receiving(answering(lambda request: stamper.reply(changed(request, digest=OTHER)))) as server:
        error = refused(notary(server.url, stamper.root))

    assert error.code == "digest_other"


def test_t28_a_kept_token_does_not_pass_for_another_digest(server: Receiver, stamper: Stamper) -> None:
    told = notary(server.url, stamper.root)
    kept = attest(told)

    with pytest.raises(AttestationRefused) as caught:
        told.verify(digest_hex=OTHER.hex(), request=kept.request, response=kept.response)
    assert caught.value.code == "digest_other"


def test_t29_another_policy_than_the_one_insisted_on_is_refused(stamper: Stamper) -> None:
    with receiving(answering(lambda request: stamper.reply(changed(request, policy=OTHER_POLICY)))) as server:
        error = refused(notary(server.url, stamper.root, policy_oid=POLICY))

    assert error.code == "policy_other"


def test_t29_a_policy_that_is_not_offered_is_told(server: Receiver, stamper: Stamper) -> None:
    error = refused(notary(server.url, stamper.root, policy_oid="1.2.3.4.99"))

    assert (error.code, error.permanent) == ("not_granted", True)
    assert "the policy is not offered" in error.message


def test_t30_an_authority_under_another_root_is_a_stranger(server: Receiver) -> None:
    error = refused(notary(server.url, Authority("Somebody else").root.pem))

    assert error.code == "untrusted"


@pytest.mark.parametrize(
    ("usages", "critical"), [((), False), (("1.3.6.1.5.5.7.3.8",), False)], ids=["missing", "not critical"]
)
def test_t31_a_signer_that_may_not_stamp_is_refused(usages: Any, critical: bool, stamper: Stamper) -> None:
    from cryptography.x509 import ObjectIdentifier

    flawed = stamper.authority.for_stamping(usages=tuple(map(ObjectIdentifier, usages)), critical=critical)
    with receiving(answering(lambda request: stamper.forged(request, signer=flawed))) as server:
        error = refused(notary(server.url, stamper.root))

    assert error.code == "untrusted"


def test_the_forgers_tools_make_a_good_token_of_a_good_signer(stamper: Stamper) -> None:
    """Else the refusals of forged tokens would show nothing."""
    good = stamper.authority.for_stamping()
    with receiving(answering(lambda request: stamper.forged(request, signer=good))) as server:
        assert attest(notary(server.url, stamper.root)).verification


def test_t32_a_signer_that_had_expired_at_its_time_is_refused(stamper: Stamper) -> None:
    expired = stamper.authority.for_stamping(
        valid_from=datetime(2025, 1, 1, tzinfo=UTC), valid_to=datetime(2025, 12, 31, tzinfo=UTC)
    )
    with receiving(answering(lambda request: stamper.forged(request, signer=expired))) as server:
        error = refused(notary(server.url, stamper.root))

    assert error.code == "untrusted"


def test_t32_a_signer_that_has_expired_since_still_counts(stamper: Stamper) -> None:
    expired = stamper.authority.for_stamping(
        valid_from=datetime(2025, 1, 1, tzinfo=UTC), valid_to=datetime(2025, 12, 31, tzinfo=UTC)
    )
    then = datetime(2025, 6, 1, 12, tzinfo=UTC)
    request = request_for(digest_hex=DIGEST)
    response = stamper.forged(request, signer=expired, at=then)

    kept = notary("http://127.0.0.1:1/", stamper.root).verify(digest_hex=DIGEST, request=request, response=response)

    assert kept.attested_at == then


@pytest.mark.parametrize("code", [1, 2, 3], ids=["granted with modifications", "rejection", "waiting"])
def test_t33_anything_but_granted_is_not_granted(code: int, stamper: Stamper) -> None:
    with receiving(answering(lambda request: with_status(stamper.reply(request), code))) as server:
        error = refused(notary(server.url, stamper.root))

    assert error.code == "not_granted"


@pytest.mark.parametrize("days", [-1, 1])
def test_t34_a_time_far_from_ours_is_refused(days: int, server: Receiver, stamper: Stamper) -> None:
    error = refused(notary(server.url, stamper.root), now=datetime.now(UTC) + timedelta(days=days))

    assert isinstance(error, AttestationRefused)
    assert error.code == "skew"
    assert "86" in error.message


def test_t36_what_only_openssl_can_read_is_verified_by_openssl(tmp_path: Path) -> None:
    """`certs =` makes openssl write a SET of certificates that is not sorted, as some real authorities do."""
    stamper = Stamper(tmp_path)
    chain = "".join(Authority(f"Padding {n}").root.pem for n in range(3)) + stamper.root
    unsorted = Stamper(tmp_path / "unsorted", signer=stamper.authority.for_stamping(), chain=chain)
    with stamping(unsorted) as server:
        told = notary(server.url, stamper.root)
        kept = attest(told)

        assert kept.verification.verified_by.startswith("OpenSSL")
        stranger = notary(server.url, Authority("Somebody else").root.pem)
        assert refused(stranger).code == "untrusted"


def test_t36_a_token_that_nobody_can_read_is_unreadable_and_kept(stamper: Stamper) -> None:
    with receiving(answering(lambda request: stamper.reply(request)[:-40])) as server:
        error = refused(notary(server.url, stamper.root))

    assert isinstance(error, AttestationUnreadable)
    assert (error.code, error.permanent) == ("unreadable", False)
    assert error.request
    assert error.response


def test_a_flipped_bit_anywhere_in_the_signature_is_refused(server: Receiver, stamper: Stamper) -> None:
    told = notary(server.url, stamper.root)
    kept = attest(told)
    flipped = bytearray(kept.response)
    flipped[-5] ^= 1

    with pytest.raises(AdapterError) as caught:
        told.verify(digest_hex=DIGEST, request=kept.request, response=bytes(flipped))
    assert caught.value.code in {"untrusted", "unreadable"}


def test_a_certificate_that_is_none_is_refused_when_it_is_configured() -> None:
    for wrong in ("nonsense", "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(ValueError, match=r"root_certificate"):
            notary("http://127.0.0.1:1/", wrong)
