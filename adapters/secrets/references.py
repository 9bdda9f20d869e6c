"""References: where a secret lives, instead of the secret. `env:NAME`, `file:/path`, `vault:mount/path#field`."""

from __future__ import annotations

import fnmatch
import os
import re
from pathlib import Path, PurePosixPath

from django.conf import settings
from pydantic import SecretStr

from adapters.secrets.errors import SecretUnavailable
from adapters.transport import vault
from conductor.lib.private_files import is_open_to_others

REFERENCE_FORMS = "env:NAME, file:/path or vault:mount/path#field"
"""How a reference looks, for people."""
_REFERENCE = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|vault:[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+#[A-Za-z0-9_.-]+", re.DOTALL
)


def is_reference(text: str) -> bool:
    """Return whether `text` says where a value lives instead of being one."""
    return bool(_REFERENCE.fullmatch(text))


def is_permitted(*, reference: str, tenant_slug: str) -> bool:
    """Return whether a tenant's own admin may use the reference (CONDUCTOR_SECRET_REFERENCES).

    Without this, an admin could have any variable or file of the installation sent to a server of their choice.
    """
    scheme, _, place = reference.partition(":")
    if scheme != "env" and {"..", "."} & set(PurePosixPath(place).parts):
        return False
    patterns = (each.strip().replace("{tenant}", tenant_slug) for each in settings.CONDUCTOR_SECRET_REFERENCES)
    return any(fnmatch.fnmatchcase(reference, pattern) for pattern in patterns if pattern)


def resolve_reference(reference: str) -> SecretStr:
    """Return the value that the reference leads to, read anew; raise SecretUnavailable, or AdapterError of Vault's."""
    if not is_reference(reference):
        raise SecretUnavailable(f"a reference is {REFERENCE_FORMS}")
    scheme, _, place = reference.partition(":")
    if scheme == "env":
        value, missing = os.environ.get(place, ""), f"{reference} is not set"
    elif scheme == "file":
        value, missing = read_private(Path(place)), f"{place} is empty"
    else:
        path, _, field = place.partition("#")
        value, missing = vault.read(path=path, field=field), f"{reference} is empty"
    if not value:
        raise SecretUnavailable(missing)
    return SecretStr(value)


def read_private(path: Path) -> str:
    """Return the text of a file that only its owner can read, without one newline at its end."""
    try:
        if is_open_to_others(path):
            raise SecretUnavailable(f"{path} is open to other users; run: chmod 600 {path}")
        return path.read_text().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnavailable(f"{path} cannot be read") from error
