"""What every kind of a port holds, whichever vendor is behind it. A new kind without a case here fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from adapters import registry
from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError, AttestationRefused, Capability, Message, Port
from tests.adapters.receiver import closed_port, hang, receiving
from tests.adapters.relay import relaying
from tests.adapters.stamping import Stamper, stamping

WEBHOOK_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = Message(event="a.b.happened", subject="a.b:1", at=datetime(2026, 11, 20, 11, tzinfo=UTC), title="It happened")
DIGEST = "ab" * 32


def kinds(port: Port) -> list[str]:
    return list(registry.kinds_of(port))


def adapter(kind: str, settings: dict[str, Any], secrets: dict[str, str], **surroundings: Any) -> Any:
    loaded = registry.kind(kind).load()
    here = {"keys_dir": Path("/nowhere"), "development": True, **surroundings}
    return loaded(
        config=loaded.config_model.model_validate(settings),
        secrets=loaded.secrets_model.model_validate(secrets),
        installation=Installation(**here),
    )


# Notification ------------------------------------------------------------------------------------
@dataclass
class Reached:
    """A notification adapter and what arrived on the other side: the name that each message had."""

    adapter: Any
    names: Callable[[], list[str]]


def _smtp(port: int, **settings: Any) -> Any:
    told = {"host": "localhost", "port": port, "security": "none", "from_address": "a@b.test", "to": ["c@d.test"]}
    return adapter("smtp", {**told, "timeout_seconds": 1, "allow_loopback": True, **settings}, {})


def _webhook(url: str, **settings: Any) -> Any:
    told = {"url": url, "timeout_seconds": 1, "allow_loopback": True, **settings}
    return adapter("webhook", told, {"signing_key": WEBHOOK_KEY})


@contextmanager
def _smtp_works() -> Iterator[Reached]:
    with relaying() as relay:
        yield Reached(_smtp(relay.port), lambda: [mail["Message-ID"] for _to, mail in relay.mails])


@contextmanager
def _webhook_works() -> Iterator[Reached]:
    with receiving() as receiver:
        yield Reached(_webhook(receiver.url), lambda: [each.headers["webhook-id"] for each in receiver.asked])


WORKING: dict[str, Callable[[], Any]] = {"smtp": _smtp_works, "webhook": _webhook_works}
AT_PORT: dict[str, Callable[[int], Any]] = {
    "smtp": _smtp,
    "webhook": lambda port: _webhook(f"http://127.0.0.1:{port}/"),
}
IN_A_PRIVATE_NETWORK: dict[str, Callable[[], Any]] = {
    "smtp": lambda: _smtp(25, host="10.0.0.1"),
    "webhook": lambda: _webhook("https://10.0.0.1/"),
}


def refused(told: Any, key: str = "k") -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        told.send(message=MESSAGE, key=key, now=MESSAGE.at)
    return caught.value


@pytest.mark.parametrize("kind", kinds(Port.NOTIFICATION))
def test_a_receiver_can_tell_a_repetition_by_its_name(kind: str) -> None:
    with WORKING[kind]() as reached:
        sent = [reached.adapter.send(message=MESSAGE, key=key, now=MESSAGE.at) for key in ("k1", "k1", "k2")]
        names = reached.names()

    assert Capability.DEDUPLICATES in registry.kind(kind).load().capabilities
    assert names[0] == names[1] != names[2]
    assert [each.provider_id for each in sent] == names


@pytest.mark.parametrize("kind", kinds(Port.NOTIFICATION))
def test_who_is_told_may_be_shown(kind: str) -> None:
    with WORKING[kind]() as reached:
        assert reached.adapter.recipient
        assert WEBHOOK_KEY not in reached.adapter.recipient
        assert "/" not in reached.adapter.recipient


@pytest.mark.parametrize("kind", kinds(Port.NOTIFICATION))
def test_nobody_there_is_temporary(kind: str) -> None:
    assert not refused(AT_PORT[kind](closed_port())).permanent


@pytest.mark.parametrize("kind", kinds(Port.NOTIFICATION))
def test_silence_ends_after_the_configured_time_and_is_temporary(kind: str) -> None:
    with receiving(hang) as receiver:
        began = time.monotonic()
        error = refused(AT_PORT[kind](int(receiver.url.rpartition(":")[2].partition("/")[0])))

    assert not error.permanent
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("kind", kinds(Port.NOTIFICATION))
def test_a_private_network_is_refused_for_good(kind: str) -> None:
    error = refused(IN_A_PRIVATE_NETWORK[kind]())

    assert (error.code, error.permanent) == ("address_refused", True)


# Notary ------------------------------------------------------------------------------------------
@contextmanager
def _local(folder: Path) -> Iterator[Any]:
    yield adapter("local", {}, {}, keys_dir=folder)


@contextmanager
def _rfc3161(folder: Path) -> Iterator[Any]:
    stamper = Stamper(folder)
    with stamping(stamper) as server:
        told = {"url": server.url, "root_certificate": stamper.root, "allow_loopback": True}
        yield adapter("rfc3161", told, {})


NOTARIES: dict[str, Callable[[Path], Any]] = {"local": _local, "rfc3161": _rfc3161}


@pytest.fixture(params=kinds(Port.NOTARY))
def notary(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any, ExitStack]]:
    with ExitStack() as running:
        yield request.param, running.enter_context(NOTARIES[request.param](tmp_path / "keys")), running


def test_a_notary_vouches_for_a_digest_and_the_proof_outlives_it(notary: tuple[str, Any, ExitStack]) -> None:
    kind, told, running = notary
    now = datetime.now(UTC)
    kept = told.attest(digest_hex=DIGEST, now=now)
    running.close()

    again = told.verify(digest_hex=DIGEST, request=kept.request, response=kept.response)

    assert Capability.OFFLINE in registry.kind(kind).load().capabilities
    assert again == kept.verification
    assert abs((again.attested_at - now).total_seconds()) < 60
    assert again.trust_anchor.startswith("sha256:")
    assert again.trust_anchor_pem.startswith("-----BEGIN ")


def test_a_proof_holds_for_its_own_digest_only(notary: tuple[str, Any, ExitStack]) -> None:
    _kind, told, _running = notary
    kept = told.attest(digest_hex=DIGEST, now=datetime.now(UTC))

    with pytest.raises(AttestationRefused) as caught:
        told.verify(digest_hex="cd" * 32, request=kept.request, response=kept.response)
    assert caught.value.code == "digest_other"


def test_a_changed_proof_does_not_hold(notary: tuple[str, Any, ExitStack]) -> None:
    _kind, told, _running = notary
    kept = told.attest(digest_hex=DIGEST, now=datetime.now(UTC))
    for place in (len(kept.response) // 3, len(kept.response) * 9 // 10):
        changed = bytearray(kept.response)
        changed[place] ^= 1

        with pytest.raises(AdapterError):
            told.verify(digest_hex=DIGEST, request=kept.request, response=bytes(changed))


def test_another_installations_key_vouches_for_nothing_here(tmp_path: Path) -> None:
    mine, theirs = (adapter("local", {}, {}, keys_dir=tmp_path / name) for name in ("mine", "theirs"))
    kept = theirs.attest(digest_hex=DIGEST, now=datetime.now(UTC))

    with pytest.raises(AttestationRefused) as caught:
        mine.verify(digest_hex=DIGEST, request=kept.request, response=kept.response)
    assert caught.value.code == "signature_wrong"


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    own = adapter("local", {}, {}, keys_dir=tmp_path)
    own.attest(digest_hex=DIGEST, now=datetime.now(UTC))
    (tmp_path / "notary.key.pem").chmod(0o644)

    with pytest.raises(AdapterError) as caught:
        own.attest(digest_hex=DIGEST, now=datetime.now(UTC))
    assert (caught.value.code, caught.value.permanent) == ("key_exposed", True)


# Every kind --------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_secret_is_a_secret_to_pydantic_and_no_complaint_repeats_it(kind: str) -> None:
    loaded = registry.kind(kind).load()
    for name, field in loaded.secrets_model.model_fields.items():
        assert SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
        try:
            loaded.secrets_model.model_validate({name: "very-secret-but-wrong", "no_such": "very-secret-too"})
        except ValueError as error:
            assert "very-secret" not in str(error)


@pytest.mark.parametrize("kind", registry.KINDS)
def test_unknown_settings_are_refused(kind: str) -> None:
    for model in (registry.kind(kind).load().config_model, registry.kind(kind).load().secrets_model):
        assert issubclass(model, BaseModel)
        assert model.model_config.get("extra") == "forbid"


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_call_has_a_timeout_that_is_configured_within_bounds(kind: str) -> None:
    schema = registry.kind(kind).load().config_model.model_json_schema().get("properties", {})
    if kind == "local":
        assert "timeout_seconds" not in schema  # it calls nobody
        return
    assert schema["timeout_seconds"]["minimum"] > 0
    assert schema["timeout_seconds"]["maximum"] <= 86_400


def test_a_kind_that_is_none_is_said() -> None:
    with pytest.raises(registry.UnknownKind):
        registry.kind("carrier-pigeon")
