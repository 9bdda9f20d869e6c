"""Certificates for counterparts on this machine, of the tests' own making."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self.key.private_bytes(*how).decode()


class Authority:
    """A root that issues certificates."""

    def __init__(self, name: str = "Test root") -> None:
        self.root = _issue(name, issuer=None, usages=None, valid_from=None, valid_to=None)

    def for_loopback(self) -> Issued:
        """Return a server's certificate for localhost and 127.0.0.1."""
        return _issue("localhost", issuer=self.root, usages=(ExtendedKeyUsageOID.SERVER_AUTH,))

    def for_stamping(
        self,
        *,
        usages: tuple[x509.ObjectIdentifier, ...] = (TIME_STAMPING,),
        critical: bool = True,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
    ) -> Issued:
        """Return a time-stamp signer's certificate, or a flawed one."""
        return _issue(
            "Test TSA", issuer=self.root, usages=usages, critical=critical, valid_from=valid_from, valid_to=valid_to
        )


def server_context(issued: Issued, folder: Path) -> ssl.SSLContext:
    """Return the context of a server that shows the certificate."""
    chain = folder / "server.pem"
    chain.write_text(issued.pem + issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _issue(
    name: str,
    *,
    issuer: Issued | None,
    usages: tuple[x509.ObjectIdentifier, ...] | None,
    critical: bool = False,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    is_root = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from or datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(valid_to or datetime.now(UTC) + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
        .add_extension(_key_usage(is_root), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
    if issuer:
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(known, critical=False)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _key_usage(is_root: bool) -> x509.KeyUsage:
    told = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    return x509.KeyUsage(digital_signature=not is_root, key_cert_sign=is_root, **told)
