"""What an upload says about itself: the name that its file had, and the digest that its sender states (RFC 9530)."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from conductor.lib.canonical import sha256_hex
from conductor.lib.errors import Invalid
from conductor.lib.text import readable

MOST_CHARACTERS = 150
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):\s*(?=,|$)")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class DigestMismatch(Invalid):
    """The file that arrived is not the one that Content-Digest describes, so it is not kept. Send it again."""

    code = "content_digest_mismatch"


class DigestUnreadable(Invalid):
    """Content-Digest must name the SHA-256 of the file, as in `sha-256=:<base64>:` (RFC 9530)."""

    code = "content_digest_unreadable"


def one_file(files: Any) -> None:
    """Raise Invalid unless one file was sent, and that as `file`."""
    sent: Mapping[str, Sequence[Any]] = dict(files.lists())
    if set(sent) != {"file"} or len(sent["file"]) != 1:
        raise Invalid(fields={"file": ["Send one file at a time, in the field named file."]})


def stated_digest(header: str) -> str:
    """Return the SHA-256 that a Content-Digest header names, in hexadecimal; empty for no header."""
    if not header.strip():
        return ""
    found = _SHA256.search(header)
    try:
        digest = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise DigestUnreadable
    return digest.hex()


def shown_name(name: str) -> str:
    """Return a file's name as its sender wrote it, without what nobody sees: control and direction characters."""
    return "".join(each for each in readable(name) if unicodedata.category(each) not in ("Cc", "Cf")).strip()[:200]


def safe_name(name: str) -> str:
    """Return a name that every system can unpack, made from one in any script; one that is safe is kept."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, ending = plain.rpartition(".")
    stem, ending = (_plain(stem), _plain(ending)) if dot else (_plain(plain), "")
    if not stem or _RESERVED.fullmatch(stem):
        stem = f"file-{sha256_hex(name.encode())[:12]}"
    return f"{stem[:MOST_CHARACTERS]}.{ending[:20]}" if ending else stem[:MOST_CHARACTERS]


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
