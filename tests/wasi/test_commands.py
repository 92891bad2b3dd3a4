"""Commands made by real toolchains, run with a world of their own, against what is recorded of them."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine, Store
from pywrt.canonical_abi.values import Variant
from pywrt.component.component import Component
from pywrt.component.linker import Linker
from pywrt.config import Config
from pywrt.engine.machine import Stop
from pywrt.errors import ExitTrap
from pywrt.wasi.preview2 import Preopen, WasiCtx, add_to_linker

COMPONENTS = Path(__file__).resolve().parents[3] / "shared" / "components"
FUEL = 1 << 60

Loader = Callable[[str], Component]


@pytest.fixture(scope="module")
def load() -> Loader:
    """Components of ../shared/components, each decoded once."""
    if not COMPONENTS.is_dir():
        pytest.skip(f"the recorded components are not at {COMPONENTS}")
    engine = Engine(Config(consume_fuel=True))
    loaded: dict[str, Component] = {}

    def get(name: str) -> Component:
        if name not in loaded:
            loaded[name] = Component(engine, (COMPONENTS / name).read_bytes(), name)
        return loaded[name]

    return get


class Run:
    """One run of a command: its result (or the status it exited with), fuel, and output."""

    def __init__(self, component: Component, **world: Any) -> None:
        out, err = io.BytesIO(), io.BytesIO()
        with WasiCtx(stdout=out, stderr=err, **world) as ctx:
            linker = Linker(component.engine)
            add_to_linker(linker, ctx)
            store = Store(component.engine)
            store.set_fuel(FUEL)
            instance = linker.instantiate(store, component)
            run = instance.get_func(store, "wasi:cli/run@0.2.0#run")
            assert run is not None
            before = store.get_fuel()
            self.status: int | None = None
            self.result: Any = None
            try:
                self.result = run(store)
            except ExitTrap as exit:
                self.status = exit.status
            self.fuel = before - store.get_fuel()
            self.open_files = ctx.files.count
        self.stdout = out.getvalue().decode()
        self.stderr = err.getvalue().decode()


@pytest.fixture
def world(tmp_path: Path) -> dict[str, Any]:
    """The world of `reference.py`: arguments, an environment variable, a folder with input."""
    (tmp_path / "in.txt").write_text("some text\n" * 100)
    (tmp_path / "stdin").write_text("line\n" * 200)
    return {
        "args": ["hello", "/data/in.txt", "/data/out.txt"],
        "env": [("LAB_ENV", "yes")],
        "stdin": (tmp_path / "stdin").read_bytes(),
        "preopens": [Preopen(tmp_path, "/data")],
    }


@pytest.mark.parametrize(
    ("file", "recording"), [("c-hello.wasm", "c-hello"), ("bench.component.wasm", "bench")]
)
def test_command_gives_the_recorded_output_result_and_fuel(
    load: Loader, world: dict[str, Any], file: str, recording: str
) -> None:
    expected = json.loads((COMPONENTS / "expected" / f"{recording}.json").read_text())
    call = expected["calls"][0]
    assert (call["call"], call["result"]) == ("wasi:cli/run@0.2.12#run", '{"ok": null}')
    run = Run(load(file), **world)
    assert run.status is None
    assert run.result == Variant("ok")
    assert run.stdout == expected["stdout"]
    assert run.stderr == expected["stderr"]
    assert run.fuel == call["fuel"]


def test_command_writes_into_the_preopened_folder(
    load: Loader, world: dict[str, Any], tmp_path: Path
) -> None:
    run = Run(load("c-hello.wasm"), **world)
    assert (tmp_path / "out.txt").read_text() == "written by the guest, pi=3.141593\n"
    assert run.open_files == 1  # the guest has closed its files; the preopened folder is left


def test_command_with_stdin_from_a_file_reads_the_same(
    load: Loader, world: dict[str, Any], tmp_path: Path
) -> None:
    with open(tmp_path / "stdin", "rb") as stdin:
        run = Run(load("c-hello.wasm"), **{**world, "stdin": stdin})
    assert "stdin: 1000 bytes, 200 lines\n" in run.stdout


def test_command_that_reads_a_pipe_is_suspended_until_there_is_data(
    load: Loader, world: dict[str, Any], pipe: tuple[int, int]
) -> None:
    reading, writing = pipe
    out = io.BytesIO()
    component = load("c-hello.wasm")
    with WasiCtx(stdin=reading, stdout=out) as ctx:
        linker = Linker(component.engine)
        add_to_linker(linker, ctx)
        store = Store(component.engine)
        store.set_fuel(FUEL)
        run = linker.instantiate(store, component).get_func(store, "wasi:cli/run@0.2.0#run")
        assert run is not None
        task = run.start(store)
        assert task.resume() is Stop.BLOCKED
        assert task.blocked.fileno == reading
        assert task.resume() is Stop.BLOCKED  # still nothing there
        os.write(writing, b"one\ntwo")
        assert task.resume() is Stop.BLOCKED  # more may come
        os.close(writing)
        assert task.resume() is Stop.RETURNED
        assert task.result == Variant("ok")
    assert b"stdin: 7 bytes, 1 lines\n" in out.getvalue()


def test_command_that_exits_with_a_status_says_so(load: Loader, world: dict[str, Any]) -> None:
    run = Run(load("c-hello.wasm"), **{**world, "args": [*world["args"], "3"]})
    assert run.status == 1  # wasi:cli/exit.exit knows success and failure only
    assert run.stdout.endswith("clock ok\n")


def test_command_in_a_closed_world_finds_nothing(load: Loader) -> None:
    run = Run(load("c-hello.wasm"))
    assert run.stdout == "args:\nenv LAB_ENV=(none)\nstdin: 0 bytes, 0 lines\nclock ok\n"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/data/missing.txt", "open /data/missing.txt: No such file or directory"),
        ("/data/../secret", "open /data/../secret: "),
        ("/etc/passwd", "open /etc/passwd: "),
        ("/data/link", "open /data/link: Operation not permitted"),
    ],
)
def test_command_that_opens_what_it_may_not_reports_an_error(
    load: Loader, world: dict[str, Any], tmp_path: Path, path: str, message: str
) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    run = Run(load("c-hello.wasm"), **{**world, "args": ["hello", path]})
    assert message in run.stdout
    assert run.status == 1


def test_command_cannot_create_files_in_a_read_only_folder(
    load: Loader, world: dict[str, Any], tmp_path: Path
) -> None:
    run = Run(load("c-hello.wasm"), **{**world, "preopens": [Preopen(tmp_path, "/data", read_only=True)]})
    assert "/data/in.txt: 1000 bytes, djb2 3661356977\n" in run.stdout
    assert "create /data/out.txt: Operation not permitted\n" in run.stdout
    assert run.status == 1
    assert not (tmp_path / "out.txt").exists()
