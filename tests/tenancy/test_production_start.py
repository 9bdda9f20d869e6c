"""Production refuses to start unsafe: the real processes end with the reason, and a safe one serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.checks import Tags, run_checks
from django.db import connection, connections
from django.test import Client, override_settings

from conductor.lib.database.role import complaint_about_role
from conductor.tenancy.serving import UNSAFE_EXIT, UnsafeRole, _refuse_unsafe_role
from tests.database import clone_name
from tests.tenancy import starting

pytestmark = pytest.mark.fault("security-7")

UNSAFE = {
    "no secret key": ({"CONDUCTOR_SECRET_KEY": ""}, "conductor.E010"),
    "debug": ({"CONDUCTOR_DEBUG": "1"}, "conductor.E011"),
    "demonstration": ({"CONDUCTOR_DEMO": "1"}, "conductor.E012"),
    "any host": ({"CONDUCTOR_ALLOWED_HOSTS": "conductor.example.test, *"}, "conductor.E013"),
    "an empty host": ({"CONDUCTOR_ALLOWED_HOSTS": ""}, "conductor.E013"),
    "plain http": ({"CONDUCTOR_BASE_URL": "http://conductor.example.test"}, "conductor.E014"),
    "no application's address": ({"DATABASE_APP_URL": ""}, "conductor.E015"),
    "short key": ({"CONDUCTOR_SECRET_KEY": "abc"}, "conductor.E016"),
    "monotonous key": ({"CONDUCTOR_SECRET_KEY": "ab" * 40}, "conductor.E016"),
    "identity provider by http": ({"CONDUCTOR_OIDC_URL": "http://id.example.test"}, "conductor.E017"),
    "Slack by http": ({"CONDUCTOR_SLACK_API_URL": "http://slack.example.test/api/"}, "conductor.E017"),
    "Vault by http": ({"CONDUCTOR_VAULT_ADDR": "http://vault.example.test:8200"}, "conductor.E017"),
    "mail password in the clear": (
        {"CONDUCTOR_EMAIL_SECURITY": "none", "CONDUCTOR_EMAIL_PASSWORD": "s3cret"}, "conductor.E018",
    ),
    "mail into the log": (
        {"CONDUCTOR_EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend", "CONDUCTOR_WAIVED": "mail"},
        "conductor.E019",
    ),
    "no mail server": ({"CONDUCTOR_EMAIL_HOST": ""}, "conductor.E020"),
    "no metrics token": ({"CONDUCTOR_METRICS_TOKEN": ""}, "conductor.E021"),
    "a waiver of something else": ({"CONDUCTOR_WAIVED": "debug"}, "conductor.E022"),
    "no key-encryption key": ({"CONDUCTOR_KEK": ""}, "adapters.E001"),
    "the owner's address": ({"DATABASE_URL": "postgresql://owner@127.0.0.1:1/conductor"}, "DATABASE_URL"),
}  # fmt: skip


@pytest.fixture
def environment(committed: None, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "static").mkdir()
    return starting.safe(tmp_path)


@pytest.fixture
def role(request: pytest.FixtureRequest, committed: None) -> Iterator[str]:
    """A role that signs in, made by the statement of this test's parameter."""
    name = f"{clone_name()}_role"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p'")
        cursor.execute(f"GRANT conductor_app TO {name}")
        cursor.execute(request.param.format(name=name, owner=connections["owner"].settings_dict["USER"]))
    yield name
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")


def as_role(environment: dict[str, str], role: str) -> dict[str, str]:
    default = connections["default"].settings_dict
    host = default["HOST"].replace("/", "%2F")
    return environment | {"DATABASE_APP_URL": starting.url(role, "p", host, default["NAME"])}


@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_a_safe_production_starts(environment: dict[str, str], process: str) -> None:
    code, written = starting.start(process, environment)

    assert code is None, written


@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_every_process_ends_with_every_reason(environment: dict[str, str], process: str) -> None:
    unsafe = {"CONDUCTOR_DEMO": "1", "CONDUCTOR_SECRET_KEY": "abc", "CONDUCTOR_METRICS_TOKEN": ""}
    code, written = starting.start(process, environment | unsafe, serving=False)

    assert code in {1, UNSAFE_EXIT}, written
    assert all(
        f"{process} process does not start: conductor.{reason}" in written for reason in ("E012", "E016", "E021")
    )


@pytest.mark.full
@pytest.mark.parametrize("name", UNSAFE)
def test_each_unsafe_setting_ends_the_process_with_its_reason(environment: dict[str, str], name: str) -> None:
    unsafe, reason = UNSAFE[name]
    code, written = starting.start("web", environment | unsafe, serving=False)

    assert code is not None, written
    assert code != 0, written
    assert f"does not start: {reason}" in written


@pytest.mark.full
@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("ALTER ROLE {name} BYPASSRLS", "BYPASSRLS"),
        ("ALTER ROLE {name} SUPERUSER", "superuser"),
        ("ALTER ROLE {name} CREATEROLE", "CREATEROLE"),
        ("GRANT {owner} TO {name}", "superuser"),
    ],
    indirect=["role"],
)
def test_a_role_that_nothing_holds_ends_the_process(environment: dict[str, str], role: str, reason: str) -> None:
    code, written = starting.start("web", as_role(environment, role), serving=False)

    assert code is not None, written
    assert code != 0, written
    assert reason in written


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("ALTER ROLE {name} BYPASSRLS", "BYPASSRLS"),
        ("ALTER ROLE {name} SUPERUSER", "superuser"),
        ("ALTER ROLE {name} CREATEROLE", "CREATEROLE"),
        ("ALTER TABLE conductor_run OWNER TO {name}", "owns the tables"),
        ("SELECT 1", ""),
    ],
    indirect=["role"],
)
@pytest.mark.parametrize("options", ["", "-c role=conductor_app"])
def test_the_database_is_asked_who_signed_in_whatever_role_was_set(role: str, reason: str, options: str) -> None:
    settings = connections["default"].settings_dict
    kept = dict(settings)
    settings.update(USER=role, PASSWORD="p", OPTIONS={"options": options} if options else {})
    connection.close()
    try:
        complaint = complaint_about_role(connection)
        if reason:
            with pytest.raises(UnsafeRole, match=reason):
                _refuse_unsafe_role(None, connection)
            assert connection.connection is None, "nothing is asked over such a connection"
    finally:
        connection.close()
        settings.update(kept)

    assert reason in complaint
    assert bool(reason) == bool(complaint)


def test_readyz_says_who_it_is_in_the_database(client: Client, db: None) -> None:
    with override_settings(PRODUCTION=True, SECURE_SSL_REDIRECT=False):
        assert client.get("/readyz").json()["checks"]["role"] == "ok"


def test_what_is_waived_is_not_demanded_and_nothing_else_can_be() -> None:
    unsafe = {"PRODUCTION": True, "METRICS_TOKEN": "", "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}

    def found(*waived: str) -> set[str]:
        with override_settings(**unsafe, CONDUCTOR_WAIVED=set(waived)):
            return {str(each.id) for each in run_checks(tags=[Tags.security])}

    assert {"conductor.E020", "conductor.E021"} <= found()
    assert not {"conductor.E020", "conductor.E021", "conductor.E022"} & found("mail", "metrics")
    assert "conductor.E022" in found("mail", "E010")


def test_a_proxy_s_word_on_https_counts_only_where_a_proxy_is_trusted(environment: dict[str, str]) -> None:
    asked = "from django.conf import settings; print(settings.SECURE_PROXY_SSL_HEADER)"

    assert starting.python(asked, environment).strip() == "None"
    trusted = environment | {"CONDUCTOR_TRUSTED_PROXIES": "1"}
    assert "HTTP_X_FORWARDED_PROTO" in starting.python(asked, trusted)


def test_the_owner_s_address_is_not_there_unless_it_is_given(environment: dict[str, str]) -> None:
    asked = "from django.conf import settings; print(sorted(settings.DATABASES))"

    assert starting.python(asked, environment).strip() == "['default']"
    given = environment | {"DATABASE_URL": "postgresql://owner@db/conductor"}
    assert starting.python(asked, given).strip() == "['default', 'owner']"
