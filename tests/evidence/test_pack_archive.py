"""The pack's ZIP: one form only, and nothing unsafe is ever read (T21, T24)."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.pack_format import verify
from evidence.pack_format.archive import ArchiveRefused, read_archive, write_archive

FILES = {"bagit.txt": b"one", "data/a.csv": b"", "data/ü.csv": b"three", "a-b": b"four", "a/b": b"five"}


def zipped(*entries: tuple[str, bytes], **changes: object) -> bytes:
    """A ZIP as a forger would write it: stored and dated like ours, but for `changes` to each entry."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            for field, value in changes.items():
                setattr(info, field, value)
            archive.writestr(info, data)
    return target.getvalue()


def test_files_survive_the_archive() -> None:
    data = write_archive(base="pack", files=FILES)

    assert read_archive(data) == ("pack", FILES)


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    assert write_archive(base="pack", files=FILES) == write_archive(base="pack", files=dict(reversed(FILES.items())))


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-zà-ü][a-z0-9_]{0,12}(/[a-z0-9_]{3,9})?", fullmatch=True), st.binary(max_size=64), min_size=1
    )
)
def test_writer_and_verifier_agree_on_the_one_form(files: dict[str, bytes]) -> None:
    if verify.path_problems(list(files)):
        return
    written = write_archive(base="pack", files=files)

    rebuilt, _ = verify.canonical_zip([(f"pack/{path}".encode(), data) for path, data in files.items()])

    assert written == rebuilt
    assert verify.read_zip(written)[1] == []


def test_other_programs_read_the_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(write_archive(base="pack", files=FILES))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)

    assert (tmp_path / "pack" / "data" / "ü.csv").read_bytes() == b"three"


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "pack/../../evil",
        "/etc/passwd",
        "pack//a",
        "pack/./a",
        "pack/a\\b",
        "C:/a",
        "pack/a:stream",
        "pack/nul.txt",
        "pack/COM1",
        "pack/a.",
        "pack/ a",
        "pack/a\x1b[31m",
        "pack/\u202egpj.exe",
        "pack/u\u0308.csv",
        "pack/50%",
        "pack/" + "a" * 250,
        "alone",
    ],
)
def test_an_unsafe_path_is_neither_written_nor_read(name: str) -> None:
    with pytest.raises(ArchiveRefused):
        read_archive(zipped((name, b"")))
    if name != "alone":
        with pytest.raises(ArchiveRefused):
            write_archive(base="pack", files={name: b""})


def test_names_that_clash_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped(("pack/a", b"1"), ("pack/a", b"2"))
    with pytest.raises(ArchiveRefused, match="clashes"):
        read_archive(twice)
    with pytest.raises(ArchiveRefused, match="clashes"):
        read_archive(zipped(("pack/Straße", b"1"), ("pack/STRASSE", b"2")))
    with pytest.raises(ArchiveRefused, match="clashes"):
        write_archive(base="pack", files={"a": b"", "A": b""})


def test_links_folders_and_devices_are_refused() -> None:
    for mode in (0o120777, 0o040755, 0o020666, 0o100755, 0):
        with pytest.raises(ArchiveRefused, match="not a plain file"):
            read_archive(zipped(("pack/a", b"/etc/passwd"), external_attr=mode << 16))
    with pytest.raises(ArchiveRefused, match="not a plain file"):
        read_archive(zipped(("pack/a", b""), create_system=0))


def test_a_compressed_entry_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped(("pack/a", bytes(5_000_000)), compress_type=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10_000

    with pytest.raises(ArchiveRefused, match="compressed"):
        read_archive(bomb)


def test_an_entry_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(write_archive(base="pack", files={"a": b"content"}))
    directory = data.index(b"PK\1\2")
    data[directory + 24 : directory + 28] = struct.pack("<I", 1 << 31)

    with pytest.raises(ArchiveRefused, match="compressed"):
        read_archive(bytes(data))


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(write_archive(base="pack", files={"a": b"content"}))
    data[data.index(b"PK\1\2") + 8] |= 1

    with pytest.raises(ArchiveRefused, match="encrypted"):
        read_archive(bytes(data))


def test_entries_that_share_their_bytes_are_refused() -> None:
    data = write_archive(base="pack", files={"a": bytes(2000), "b": bytes(2000)})
    directory = data.index(b"PK\1\2")
    entry = data[directory : directory + 52]
    many = b"".join(entry.replace(b"pack/a", b"pack/" + bytes([65 + i])) for i in range(5))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 5, 5, len(many), directory, 0)

    with pytest.raises(ArchiveRefused, match="overlap"):
        read_archive(data[:directory] + many + end)


def test_two_folders_at_the_top_are_refused() -> None:
    with pytest.raises(ArchiveRefused, match="exactly one folder"):
        read_archive(zipped(("a/x", b""), ("b/y", b"")))


def test_what_other_programs_would_write_is_refused() -> None:
    assert read_archive(zipped(("pack/a", b"1"), ("pack/b", b"2")))[0] == "pack"
    variants = [
        zipped(("pack/b", b"2"), ("pack/a", b"1")),
        zipped(("pack/a", b"1"), date_time=(2026, 11, 20, 0, 0, 0)),
        zipped(("pack/a", b"1"), comment=b"x"),
        zipped(("pack/a", b"1"), extra=b"\x01\x00\x00\x00"),
        zipped(("pack/a", b"1")) + b"trailing",
        b"leading" + zipped(("pack/a", b"1")),
    ]

    for data in variants:
        with pytest.raises(ArchiveRefused):
            read_archive(data)


def test_a_damaged_archive_is_refused_whichever_byte_was_hit() -> None:
    data = write_archive(base="pack", files={"a": b"content", "ü": b"more"})
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 0x20
        with pytest.raises(ArchiveRefused):
            read_archive(bytes(flipped))
    for length in range(len(data)):
        with pytest.raises(ArchiveRefused):
            read_archive(data[:length])


def test_an_archive_beyond_the_limit_is_neither_written_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_archive(base="pack", files=FILES)
    monkeypatch.setattr("evidence.pack_format.archive.MAX_BYTES", 10)
    monkeypatch.setattr(verify, "MAX_FILES", 1)

    with pytest.raises(ArchiveRefused, match="at most"):
        read_archive(data)
    with pytest.raises(ArchiveRefused, match="more than 1 files"):
        write_archive(base="pack", files=FILES)
    monkeypatch.setattr(verify, "MAX_FILES", 100)
    with pytest.raises(ArchiveRefused, match="at most 10 bytes"):
        write_archive(base="pack", files=FILES)
