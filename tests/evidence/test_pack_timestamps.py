"""RFC 3161 tokens in a pack, judged by openssl (T27, T28, T30)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evidence.pack_format import verify
from evidence.pack_format.layout import NotaryToken
from evidence.pack_format.verify import Check, Trust
from tests.evidence.packing import ARTIFACTS, bundle_manifest, make_pack
from tests.evidence.timestamping import Authority

MANIFEST = bundle_manifest(ARTIFACTS)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def notary_check(tmp_path: Path) -> Callable[..., Check]:
    def run(*, response: bytes, request: bytes, root: Path | None) -> Check:
        token = NotaryToken("tsa-1", response, request=request, attested_at=datetime.now(UTC))
        path = tmp_path / "pack.zip"
        path.write_bytes(make_pack(notary_tokens=[token], notary_key=None, others=1).data)
        report = verify.verify(str(path), trust=Trust(tsa_root=str(root) if root else ""))
        (check,) = (each for each in report.checks if each.name == "notary")
        return check

    return run


def test_a_token_is_verified_against_the_root_that_the_reader_names(
    authority: Authority, notary_check: Callable[..., Check]
) -> None:
    request, response = authority.stamp(MANIFEST)

    known = notary_check(response=response, request=request, root=authority.root)
    unknown = notary_check(response=response, request=request, root=None)

    assert known.status == "pass"
    assert known.detail.startswith("an authority saw manifest.json at 20")
    assert unknown.status == "not checked"
    assert "--tsa-root" in unknown.detail


def test_a_token_that_proves_nothing_is_refused(
    authority: Authority, notary_check: Callable[..., Check], tmp_path: Path
) -> None:
    request, response = authority.stamp(MANIFEST)
    other_request, other_response = authority.stamp(b"something else")
    replayed_request, _ = authority.stamp(MANIFEST)
    stranger = Authority(tmp_path / "stranger")
    flipped = response[:-5] + bytes([response[-5] ^ 1]) + response[-4:]
    cases = {
        "of something else": (other_response, other_request, authority.root),
        "of something else, root unknown": (other_response, other_request, None),
        "answer to another request": (response, replayed_request, authority.root),
        "of an unknown authority": (response, request, stranger.root),
        "damaged": (flipped, request, authority.root),
        "no token at all": (b"<html>200 OK</html>", request, authority.root),
        "no token at all, root unknown": (b"\x30\x00", request, None),
    }

    for name, (answer, question, root) in cases.items():
        check = notary_check(response=answer, request=question, root=root)
        assert check.status == "fail", name
        assert check.files == ("provenance/notary/tsa-1.tsr",), name
