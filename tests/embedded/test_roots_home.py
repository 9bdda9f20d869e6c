"""As root the embedded server lives where its account can reach it, whatever root's umask is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conductor.embedded.services import postgres
from conductor.embedded.services.postgres import Postgres


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts it under another account")
@pytest.mark.parametrize("umask", [0o077, 0o027, 0o022])
def test_the_servers_account_passes_through_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    open_place = Path("/var/tmp") / f"conductor-{os.getpid()}-{umask}"
    monkeypatch.setattr(postgres, "ROOTS_HOME", open_place)
    tmp_path.chmod(0o700)
    try:
        os.umask(umask)
        server = Postgres(tmp_path / "postgres")
        server._move_within_reach()

        assert server.account.may_enter(server.home)
        assert open_place in server.home.parents
    finally:
        for folder in (*open_place.glob("*"), open_place):
            folder.rmdir()
