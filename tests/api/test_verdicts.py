"""The directory of validation verdicts: what is believed, what is replaced, and that nothing of it fails."""

import os
import stat
from pathlib import Path

import pytest

from pywrt.api import verdicts
from pywrt.config import Config

MODULE = b"\0asm\1\0\0\0 of which nothing is looked at"
POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes of files are POSIX's")


@pytest.fixture
def directory(tmp_path: Path) -> str:
    return str(tmp_path / "cache")


@pytest.fixture
def digest() -> str:
    return verdicts.digest(MODULE, Config())


def only_entry(directory: str) -> Path:
    (entry,) = Path(directory).iterdir()
    return entry


def test_is_known_after_record_is_true_for_that_digest_alone(directory, digest):
    assert not verdicts.is_known(directory, digest)
    verdicts.record(directory, digest)
    assert verdicts.is_known(directory, digest)
    assert not verdicts.is_known(directory, digest[:4] + digest[5:] + "0")


def test_digest_depends_on_bytes_features_and_version(monkeypatch):
    digests = {verdicts.digest(MODULE, Config()), verdicts.digest(MODULE + b"\0", Config())}
    digests.add(verdicts.digest(MODULE, Config().disable("simd")))
    monkeypatch.setattr(verdicts, "__version__", "0.0.0")
    digests.add(verdicts.digest(MODULE, Config()))
    assert len(digests) == 4


def test_digest_does_not_depend_on_limits_and_metering():
    assert verdicts.digest(MODULE, Config()) == verdicts.digest(
        MODULE, Config(consume_fuel=True, max_memory_bytes=1)
    )


@POSIX
def test_record_makes_directory_and_entry_for_this_user_alone(directory, digest):
    verdicts.record(directory, digest)
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    assert stat.S_IMODE(only_entry(directory).stat().st_mode) == 0o600


def test_record_again_leaves_one_file(directory, digest):
    verdicts.record(directory, digest)
    verdicts.record(directory, digest)
    assert verdicts.is_known(directory, digest)
    only_entry(directory)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content.replace(b"verdict 1", b"verdict 2"),
        lambda content: bytes([*content[:-2], content[-2] ^ 1, *content[-1:]]),
        lambda content: bytes(100_000),
    ],
    ids=["empty", "cut off", "longer", "other format", "other digest", "zeros"],
)
def test_is_known_with_damaged_entry_is_false_and_record_replaces_it(directory, digest, damage):
    verdicts.record(directory, digest)
    entry = only_entry(directory)
    entry.write_bytes(damage(entry.read_bytes()))
    assert not verdicts.is_known(directory, digest)
    verdicts.record(directory, digest)
    assert verdicts.is_known(directory, digest)


@POSIX
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_is_known_with_entry_that_others_can_write_is_false(directory, digest, mode):
    verdicts.record(directory, digest)
    only_entry(directory).chmod(mode)
    assert not verdicts.is_known(directory, digest)
    verdicts.record(directory, digest)
    assert verdicts.is_known(directory, digest)


@POSIX
def test_is_known_with_symbolic_link_as_entry_is_false_and_record_replaces_the_link(
    directory, digest, tmp_path
):
    verdicts.record(directory, digest)
    entry = only_entry(directory)
    target = tmp_path / "target"
    entry.rename(target)
    entry.symlink_to(target)
    assert not verdicts.is_known(directory, digest)
    target.write_bytes(b"mine")
    verdicts.record(directory, digest)
    assert verdicts.is_known(directory, digest)
    assert not entry.is_symlink()
    assert target.read_bytes() == b"mine"


@POSIX
def test_is_known_with_pipe_as_entry_is_false_at_once(directory, digest):
    verdicts.record(directory, digest)
    entry = only_entry(directory)
    entry.unlink()
    os.mkfifo(entry)
    assert not verdicts.is_known(directory, digest)


def test_record_with_directory_in_the_entry_s_place_goes_without(directory, digest):
    verdicts.record(directory, digest)
    entry = only_entry(directory)
    entry.unlink()
    entry.mkdir()
    verdicts.record(directory, digest)
    assert not verdicts.is_known(directory, digest)
    assert only_entry(directory) == entry  # and nothing is left beside it


def test_record_with_a_dead_writer_s_file_goes_on_the_next_time(directory, digest):
    verdicts.record(directory, digest)
    entry = only_entry(directory)
    entry.rename(entry.with_suffix(".new"))
    verdicts.record(directory, digest)
    assert not verdicts.is_known(directory, digest)
    verdicts.record(directory, digest)
    assert verdicts.is_known(directory, digest)
    only_entry(directory)


@POSIX
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_directory_that_others_can_write_is_not_used(directory, digest, mode):
    verdicts.record(directory, digest)
    os.chmod(directory, mode)
    assert not verdicts.is_known(directory, digest)
    only_entry(directory).unlink()
    verdicts.record(directory, digest)
    assert list(Path(directory).iterdir()) == []


@POSIX
def test_directory_of_another_user_is_not_used(directory, digest, monkeypatch):
    verdicts.record(directory, digest)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert not verdicts.is_known(directory, digest)
    only_entry(directory).unlink()
    verdicts.record(directory, digest)
    assert list(Path(directory).iterdir()) == []


@POSIX
@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_directory_that_is_a_symbolic_link_is_not_used(directory, digest, tmp_path, ending):
    verdicts.record(directory, digest)
    link = tmp_path / "link"
    link.symlink_to(directory)
    assert not verdicts.is_known(f"{link}{ending}", digest)
    only_entry(directory).unlink()
    verdicts.record(f"{link}{ending}", digest)
    assert list(Path(directory).iterdir()) == []


@pytest.mark.parametrize("where", ["", "a\0b", "file", "file/below", "x" * 5000])
def test_directory_that_cannot_be_gives_no_verdict_and_no_error(tmp_path, digest, where, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    verdicts.record(where, digest)
    assert not verdicts.is_known(where, digest)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@POSIX
def test_failures_leave_no_descriptor_open(directory, digest):
    verdicts.record(directory, digest)
    entry = only_entry(directory)
    entry.unlink()
    entry.mkdir()
    before = os.open(os.devnull, os.O_RDONLY)
    os.close(before)
    for _ in range(3):
        verdicts.is_known(directory, digest)
        verdicts.record(directory, digest)
    after = os.open(os.devnull, os.O_RDONLY)
    os.close(after)
    assert after == before  # the lowest that is free
