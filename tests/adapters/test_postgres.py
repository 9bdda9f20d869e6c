"""A real PostgreSQL database as a backup source: dumped, restored beside itself, compared, dropped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.kinds.postgres import programs
from adapters.kinds.postgres.adapter import Postgres
from adapters.kinds.postgres.config import Config, Secrets
from adapters.ports.installation import Installation
from adapters.ports.protocols import SCRATCH_PREFIX, AdapterError
from tests.evidence.driving import dsn

SOURCE = "adapter_source"
SCRATCH = f"{SCRATCH_PREFIX}adapter_test"

pytestmark = pytest.mark.django_db(databases=["default", "owner"])


@pytest.fixture
def source(django_db_blocker: Any) -> Iterator[str]:
    """A small database of its own, as the owner of its tables; its address."""
    assert connections["owner"].settings_dict["NAME"]
    address = make_conninfo(**{**conninfo_to_dict(dsn()), "dbname": SOURCE})
    with psycopg.connect(dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(SOURCE)))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(SOURCE)))
        with psycopg.connect(address, autocommit=True) as inside:
            inside.execute("CREATE TABLE customer (id int PRIMARY KEY, name text)")
            inside.execute("CREATE TABLE keyless (note text)")
            inside.execute("INSERT INTO customer SELECT n, 'Käthe ' || n FROM generate_series(1, 500) n")
            inside.execute("INSERT INTO keyless VALUES ('b'), ('a'), (NULL)")
        yield address
        for name in (SOURCE, SCRATCH):
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def backup(address: str) -> Postgres:
    secrets = Secrets.model_validate({"dsn": address})
    return Postgres(
        config=Config(timeout_seconds=60, lock_wait_seconds=1),
        secrets=secrets,
        installation=Installation(keys_dir=Path("/nowhere")),
    )


def test_a_dump_restores_to_the_same_tables_and_leaves_nothing_behind(source: str, tmp_path: Path) -> None:
    told = backup(source)

    dumped = told.dump(target=tmp_path / "dump")
    told.restore_into_scratch(dump=dumped.path, scratch_name=SCRATCH)
    restored = told.table_manifest(database=SCRATCH)

    assert {table.name: table.rows for table in restored.tables} == {"public.customer": 500, "public.keyless": 3}
    assert not dumped.manifest.differences(restored)
    assert dumped.path.stat().st_mode & 0o077 == 0
    # Tests beside this one restore into the same server.
    assert SCRATCH in told.list_scratch()
    assert told.drop_scratch(scratch_name=SCRATCH)
    assert not told.drop_scratch(scratch_name=SCRATCH)
    assert SCRATCH not in told.list_scratch()


def test_one_changed_value_in_the_copy_is_found(source: str, tmp_path: Path) -> None:
    told = backup(source)
    dumped = told.dump(target=tmp_path / "dump")
    told.restore_into_scratch(dump=dumped.path, scratch_name=SCRATCH)
    with psycopg.connect(make_conninfo(**{**conninfo_to_dict(source), "dbname": SCRATCH})) as copy:
        copy.execute("UPDATE customer SET name = 'Kathe 7' WHERE id = 7")

    (difference,) = dumped.manifest.differences(told.table_manifest(database=SCRATCH))

    assert (difference.table, difference.what) == ("public.customer", "checksum")


@pytest.mark.parametrize(
    "name", ["postgres", SOURCE, "conductor_scratch_", f"{SCRATCH_PREFIX}UPPER", f'{SCRATCH_PREFIX}a"; --']
)
def test_only_a_scratch_database_is_ever_made_or_dropped(name: str, source: str, tmp_path: Path) -> None:
    told = backup(source)
    for attempt in (
        lambda: told.drop_scratch(scratch_name=name),
        lambda: told.restore_into_scratch(dump=tmp_path / "x", scratch_name=name),
    ):
        with pytest.raises(AdapterError) as caught:
            attempt()
        assert (caught.value.code, caught.value.permanent) == ("not_scratch", True)


def test_a_table_that_somebody_alters_is_waited_for_no_longer_than_told(source: str, tmp_path: Path) -> None:
    with psycopg.connect(source) as other:
        other.execute("LOCK TABLE customer IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(AdapterError) as caught:
            backup(source).dump(target=tmp_path / "dump")

    assert not caught.value.permanent
    assert not list(tmp_path.iterdir()), "an unfinished dump was left"


def test_a_password_is_in_no_error_and_no_argument(tmp_path: Path) -> None:
    told = backup("postgresql://owner:hunter2hunter2@127.0.0.1:1/nothing")
    with pytest.raises(AdapterError) as caught:
        told.describe()

    assert not caught.value.permanent
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("address", ["not an address", "postgresql://owner:hunter2hunter2@host/"])
def test_an_address_without_a_database_is_refused_without_its_words(address: str) -> None:
    with pytest.raises(AdapterError) as caught:
        backup(address)

    assert caught.value.code == "adapter_misconfigured"
    assert "hunter2" not in caught.value.message


def test_a_server_without_fitting_programs_is_told_where_they_were_looked_for() -> None:
    with pytest.raises(AdapterError) as caught:
        programs.find(server_major=9)

    assert (caught.value.code, caught.value.permanent) == ("no_client", True)
    assert "postgresql-client-9" in caught.value.message
