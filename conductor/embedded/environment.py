"""The environment of every child: where data, engines, secrets, fonts and libraries are. What is set already stays.

docs/reference/settings.md lists the variables.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from conductor.embedded.install import libraries
from conductor.embedded.services.engines import Engines

EPOCH = "315532800"
"""1980-01-01, the first day a ZIP can name: documents and fonts carry this instead of the time they were made."""
DEFAULT_PORT = 8484
_SECRETS = {"CONDUCTOR_SECRET_KEY": 50, "CONDUCTOR_SLACK_SIGNING_SECRET": 32}


def home_of(root: Path) -> Path:
    """Return the folder of all data: CONDUCTOR_HOME, or `var` of the checkout."""
    return Path(os.environ.get("CONDUCTOR_HOME") or root / "var").resolve()


def has_own_database() -> bool:
    """Return whether the user named a database: then none is started."""
    return bool(os.environ.get("DATABASE_URL"))


def has_own_broker() -> bool:
    """Return whether the user named a broker: then none is started."""
    return bool(os.environ.get("BROKER_URL"))


def development(root: Path, engines: Engines, *, base_url: str = "") -> dict[str, str]:
    """Return the whole environment for the children of `make up` and `make shell`."""
    home = engines.home
    defaults = {"CONDUCTOR_HOME": str(home), "CONDUCTOR_ENV": "development", **_stored_secrets(home)}
    if os.environ.get("CONDUCTOR_ENV", "development") == "development":
        defaults["CONDUCTOR_DEMO"] = "1"
    if base_url:
        defaults["CONDUCTOR_BASE_URL"] = base_url
    return defaults | _document_defaults(root, home) | _engine_defaults(engines) | _given() | libraries.variables(root)


def testing(root: Path, engines: Engines) -> dict[str, str]:
    """Return the environment for the suite: a database server, no broker, no home, no secrets (tests/settings.py)."""
    taken = {"CONDUCTOR_HOME", "CONDUCTOR_ENV", "CONDUCTOR_DEMO", "BROKER_URL"}
    given = {name: value for name, value in _given().items() if name not in taken}
    engine = {name: value for name, value in _engine_defaults(engines).items() if name not in taken}
    return _document_defaults(root, engines.home) | engine | given | libraries.variables(root)


def _given() -> dict[str, str]:
    """What the user set. An empty variable counts as none."""
    return {name: value for name, value in os.environ.items() if value}


def _engine_defaults(engines: Engines) -> dict[str, str]:
    found: dict[str, str] = {}
    if not has_own_database():
        postgres = engines.postgres
        found["DATABASE_URL"] = postgres.url()
        found["DATABASE_APP_URL"] = postgres.url("conductor_app")
        found["CONDUCTOR_PG_BIN"] = str(postgres.programs)
    if not has_own_broker():
        found["BROKER_URL"] = engines.broker.url()
    return found


def _document_defaults(root: Path, home: Path) -> dict[str, str]:
    """Same input, same bytes: a fixed date, and fonts that do not depend on the machine."""
    return {"SOURCE_DATE_EPOCH": EPOCH, "FONTCONFIG_FILE": str(_font_configuration(root, home))}


def _font_configuration(root: Path, home: Path) -> Path:
    cache = home / "fonts"
    cache.mkdir(parents=True, exist_ok=True)
    template = Path(__file__).with_name("fonts.conf").read_text()
    text = template.replace("@FONTS@", str(root / "static/pdf/fonts")).replace("@CACHE@", str(cache / "cache"))
    target = cache / "fonts.conf"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
    return target


def _stored_secrets(home: Path) -> dict[str, str]:
    """Return this installation's secrets, made once and readable by its user only."""
    path = home / "secrets.env"
    known: dict[str, str] = {}
    if path.exists():
        known = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    lacking = {name: secrets.token_hex(size // 2) for name, size in _SECRETS.items() if name not in known}
    if lacking:
        home.mkdir(parents=True, exist_ok=True)
        with open(path, "a", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.writelines(f"{name}={value}\n" for name, value in lacking.items())
    return known | lacking
