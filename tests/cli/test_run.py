"""`pywrt run`: commands, calls of exports, limits, and what is said when it doesn't work."""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywrt.cli.command import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """`pywrt run` in this process: exit status, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(["run", *arguments])
        except SystemExit as exit:
            status = exit.code if isinstance(exit.code, int) else -1
        return (status, *capfd.readouterr())

    return run


# Core modules


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        (["add", "2", "-3"], "-1\n"),
        (["add", "0xffffffff", "0"], "-1\n"),
        (["pair", "0.1", "-inf"], "0.1\n-inf\n"),
        (["wide", "-9223372036854775808"], "-9223372036854775808\n"),
        (["take", "null"], "1\n"),
    ],
)
def test_invoke_of_a_core_module_prints_a_result_a_line(
    run: Run, module: str, call: list[str], printed: str
) -> None:
    assert run("--invoke", call[0], module, *call[1:]) == (0, printed, "")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["add", "1"], "add: expected 2 arguments, got 1; its type is (i32, i32) -> (i32)"),
        (["add", "1", "x"], "add: argument 1: expected i32, got 'x'"),
        (["add", "1", "4294967296"], "add: argument 1: '4294967296': constant out of range of i32"),
        (["add", "--", "1", "2"], "add: expected 2 arguments, got 3; its type is (i32, i32) -> (i32)"),
    ],
)
def test_invoke_of_a_core_module_with_other_arguments_is_a_usage_error(
    run: Run, module: str, call: list[str], message: str
) -> None:
    assert run("--invoke", call[0], module, *call[1:]) == (2, "", f"pywrt: {message}\n")


@pytest.mark.parametrize("name", ["sub", "memory", "counter"])
def test_invoke_of_what_is_no_function_names_those_there_are(run: Run, module: str, name: str) -> None:
    functions = "`add`, `pair`, `wide`, `take`, `boom`, `loop`, `grow`"
    message = f"pywrt: {module}: no function '{name}' is exported; there are: {functions}\n"
    assert run("--invoke", name, module) == (1, "", message)


def test_invoke_that_traps_prints_the_backtrace_and_exits_with_134(run: Run, module: str) -> None:
    status, out, err = run("--invoke", "boom", module)
    assert (status, out) == (134, "")
    first, second, *frames = err.splitlines()
    assert (first, second) == ("pywrt: trap: unreachable", "wasm backtrace:")
    assert [frame.partition(" - ")[2] for frame in frames] == ["kinds.wat!helper", "kinds.wat!boom"]


def test_invoke_that_spends_its_fuel_traps_and_names_the_option(run: Run, module: str) -> None:
    status, out, err = run("--fuel", "1_000", "--fuel-used", "--invoke", "loop", module)
    assert (status, out) == (134, "")
    assert err.startswith("pywrt: trap: all fuel consumed\n")
    assert err.endswith("(--fuel 1000 is spent)\nfuel used: 1000\n")


def test_invoke_with_fuel_used_prints_what_the_call_cost(run: Run, module: str) -> None:
    # 1 for the entry, 1 for each of three instructions
    assert run("--fuel-used", "--invoke", "add", module, "1", "2") == (0, "3\n", "fuel used: 4\n")
    assert run("--stats", "--invoke", "add", module, "1", "2") == (0, "3\n", "fuel used: 4\n")


def test_invoke_past_the_timeout_traps_and_names_the_option(run: Run, module: str) -> None:
    status, out, err = run("--timeout", "0.05", "--invoke", "loop", module)
    assert (status, out) == (134, "")
    assert err.startswith("pywrt: trap: deadline exceeded\n")
    assert err.endswith("(--timeout 0.05 has passed)\n")


def test_invoke_that_traps_for_want_of_memory_names_the_option(run: Run, module: str) -> None:
    assert run("--invoke", "grow", module) == (0, "", "")
    status, _, err = run("--max-memory", "64KiB", "--invoke", "grow", module)
    assert status == 134
    assert err.startswith("pywrt: trap: unreachable\n")
    assert err.endswith("(the guest has asked for more memory than --max-memory 65536 bytes)\n")


def test_invoke_of_a_module_whose_memory_exceeds_the_limit_fails(run: Run, module: str) -> None:
    status, out, err = run("--max-memory", "1K", "--invoke", "grow", module)
    assert (status, out) == (1, "")
    assert err.startswith(f"pywrt: {module}: a memory of 1 pages does not fit")


def test_invoke_interrupted_from_the_keyboard_exits_with_130(run: Run, module: str) -> None:
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        assert run("--invoke", "loop", module) == (130, "", "")
    finally:
        timer.join()


def test_core_module_with_a_missing_import_is_named_and_can_trap_instead(run: Run, write: Any) -> None:
    path = write(
        "imports.wat",
        '(module (func $f (import "env" "f")) (func (export "a")) (func (export "b") (call $f)))',
    )
    status, _, err = run("--invoke", "a", path)
    assert status == 1
    assert err.startswith(f"pywrt: {path}: unknown import: 'env' 'f' of type () -> () is not defined")
    assert "--unknown-imports-trap" in err
    assert run("--unknown-imports-trap", "--invoke", "a", path) == (0, "", "")
    status, _, err = run("--unknown-imports-trap", "--invoke", "b", path)
    assert status == 134
    assert err.startswith("pywrt: trap: unknown import: 'env' 'f' has not been defined\n")


def test_core_module_without_invoke_is_told_from_a_component(run: Run, module: str) -> None:
    status, out, err = run(module)
    assert (status, out) == (1, "")
    assert err.startswith(f"pywrt: {module}: this is a core module, and only components are run: ")
    assert f"pywrt run --invoke NAME {module} [ARGS...]; it has `add`, `pair`" in err


def test_core_module_of_preview1_is_told_how_it_becomes_a_component(run: Run, write: Any) -> None:
    path = write(
        "p1.wat",
        '(import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (func (export "_start"))',
    )
    status, _, err = run(path)
    assert status == 1
    assert "this is a core module, and only components are run: a WASI preview 1 program; `wasm-tools" in err


def test_core_module_with_options_for_components_is_a_usage_error(run: Run, module: str) -> None:
    assert run("--env", "A=b", "--invoke", "add", module, "1", "2") == (
        2,
        "",
        f"pywrt: --dir and --env are for components, and {module} is a core module\n",
    )


def test_text_module_that_is_not_valid_says_where_without_an_offset(run: Run, write: Any) -> None:
    path = write("bad.wat", '(func (export "f") (result i32) (i64.const 1))')
    status, out, err = run("--invoke", "f", path)
    assert (status, out) == (1, "")
    assert err.startswith(f"pywrt: {path}: type mismatch")
    assert err.endswith(" (in function 0)\n")


# Components


@pytest.mark.parametrize(("body", "status"), [("(i32.const 0)", 0), ("(i32.const 1)", 1)])
def test_command_exits_with_what_run_returns(
    run: Run, command: Callable[[str], str], body: str, status: int
) -> None:
    assert run(command(body)) == (status, "", "")


def test_command_that_traps_exits_with_134(run: Run, command: Callable[[str], str]) -> None:
    status, out, err = run(command("(i32.div_s (i32.const 1) (i32.const 0))"))
    assert (status, out) == (134, "")
    assert err.startswith("pywrt: trap: integer divide by zero\nwasm backtrace:\n")


def test_command_that_returns_no_result_traps(run: Run, command: Callable[[str], str]) -> None:
    status, _, err = run(command("(i32.const 2)"))
    assert status == 134
    assert err.startswith("pywrt: trap: ")


def test_command_past_timeout_or_fuel_traps(run: Run, command: Callable[[str], str]) -> None:
    path = command("(loop (br 0)) (i32.const 0)")
    assert run("--timeout", "0.05", path)[0] == 134
    assert run("--fuel", "1000", path)[2].endswith("(--fuel 1000 is spent)\n")


@pytest.mark.parametrize(
    ("call", "printed"),
    [(["twice", "21"], "42\n"), (["sign", "-5"], "true\n"), (["sign", "5"], "false\n")],
)
def test_invoke_of_a_component_prints_json(run: Run, library: str, call: list[str], printed: str) -> None:
    assert run("--invoke", call[0], library, *call[1:]) == (0, printed, "")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["twice"], "twice: expected 1 argument, got 0; its type is func(x: u32) -> u32"),
        (["twice", "-1"], "twice: argument 'x': expected u32, got int -1"),
        (["twice", '"a"'], "twice: argument 'x': expected u32, got str 'a'"),
        (["twice", "a"], "twice: argument 'x': expected JSON for u32, got 'a' (Expecting value)"),
    ],
)
def test_invoke_of_a_component_with_other_arguments_is_a_usage_error(
    run: Run, library: str, call: list[str], message: str
) -> None:
    status, out, err = run("--invoke", call[0], library, *call[1:])
    assert (status, out) == (2, "")
    assert err.startswith(f"pywrt: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "hint"), [("once", ""), ("twice(4)", " (arguments are given behind FILE, not in parentheses)")]
)
def test_invoke_of_an_unknown_function_names_those_there_are(
    run: Run, library: str, name: str, hint: str
) -> None:
    message = (
        f"pywrt: {library}: no function '{name}' is exported{hint}; there are: `twice`, `sign`, `stop`\n"
    )
    assert run("--invoke", name, library) == (1, "", message)


@pytest.mark.parametrize(
    "name", ["wasi:cli/run@0.2.3#run", "wasi:cli/run@0.2.0#run", "wasi:cli/run#run", "run"]
)
def test_invoke_of_a_function_in_an_interface_takes_short_names(
    run: Run, command: Callable[[str], str], name: str
) -> None:
    assert run("--invoke", name, command("(i32.const 1)")) == (0, '{"err": null}\n', "")


def test_invoke_of_a_component_that_traps_exits_with_134(run: Run, library: str) -> None:
    status, out, err = run("--invoke", "stop", library)
    assert (status, out) == (134, "")
    assert err.startswith("pywrt: trap: unreachable\nwasm backtrace:\n")


def test_component_with_a_missing_import_is_named_and_can_trap_instead(run: Run, importing: str) -> None:
    status, out, err = run("--invoke", "twice", importing, "7")
    assert (status, out) == (1, "")
    assert err.startswith(f"pywrt: {importing}: unknown import: `ask-host` (func()) has not been defined")
    assert "--unknown-imports-trap" in err
    assert run("--unknown-imports-trap", "--invoke", "twice", importing, "7") == (0, "14\n", "")


def test_component_that_is_an_mcp_server_is_sent_to_pywrt_mcp(run: Run, toolbox: str) -> None:
    message = f"pywrt: {toolbox}: this component is an MCP server; run it with: pywrt-mcp {toolbox}\n"
    assert run(toolbox) == (1, "", message)
    assert run("--invoke", "call-tool", toolbox) == (1, "", message)


def test_component_that_is_a_library_is_named_with_its_functions(run: Run, library: str) -> None:
    status, _, err = run(library)
    assert status == 1
    assert err.startswith(f"pywrt: {library}: this component is a library: it doesn't export wasi:cli/run.")
    assert err.endswith("it has `twice`, `sign`, `stop`\n")


def test_component_for_http_is_named(run: Run, http_component: str) -> None:
    status, _, err = run(http_component)
    assert status == 1
    assert f"pywrt: {http_component}: this component is an HTTP component, which needs a server" in err
    assert run("--invoke", "handle", http_component) == (0, "", "")


def test_directory_that_cannot_be_opened_is_named(
    run: Run, command: Callable[[str], str], tmp_path: Path
) -> None:
    path = command("(i32.const 0)")
    missing = tmp_path / "missing"
    assert run("--dir", f"{missing}::/d", path) == (
        1,
        "",
        f"pywrt: --dir {missing}: No such file or directory\n",
    )
    assert run("--dir", path, path) == (1, "", f"pywrt: --dir {path}: Not a directory\n")
    assert run("--dir", f"{tmp_path}:ro", path) == (0, "", "")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--dir", "::"], "argument --dir: expected HOST[::GUEST][:ro], got '::'"),
        (["--env", "A"], "argument --env: expected NAME=VALUE, got 'A'"),
        (["--fuel", "0"], "argument --fuel: expected a whole number above 0, got '0'"),
        (["--timeout", "x"], "argument --timeout: expected a number of seconds, got 'x'"),
        (["--max-memory", "1x"], "argument --max-memory: expected a size such as"),
        ([], "the following arguments are required: FILE\n"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(run: Run, option: list[str], message: str) -> None:
    status, out, err = run(*option, *(["file.wasm"] if option else []))
    assert (status, out) == (2, "")
    assert f"pywrt run: error: {message}" in err


def test_two_hyphens_before_the_file_end_the_options(run: Run, module: str) -> None:
    assert run("--invoke", "add", "--", module, "1", "2") == (0, "3\n", "")


# Components of real toolchains


def test_real_command_gets_its_world_and_gives_the_recorded_output_and_fuel(
    shared: Path, process: Callable[..., Any], tmp_path: Path
) -> None:
    data, guest = tmp_path / "data", tmp_path / "hello"  # a program sees its name, so fuel depends on it
    data.mkdir()
    (data / "in.txt").write_text("some text\n" * 100)
    (data / "stdin").write_text("line\n" * 200)
    guest.write_bytes((shared / "c-hello.wasm").read_bytes())
    done = process(
        *("run", "--fuel-used", "--dir", f"{data}::/data", "--env", "LAB_ENV=yes"),
        *(str(guest), "/data/in.txt", "/data/out.txt"),
        stdin=(data / "stdin").read_bytes(),
    )
    recorded = json.loads((shared / "expected" / "c-hello.json").read_text())
    fuel = recorded["instantiate_fuel"] + recorded["calls"][0]["fuel"]
    assert done.returncode == 0
    assert done.stdout.decode() == recorded["stdout"]
    assert done.stderr.decode() == f"{recorded['stderr']}fuel used: {fuel}\n"
    assert (data / "out.txt").exists()


def test_real_command_that_exits_with_a_status_ends_the_process_with_it(
    shared: Path, process: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("x")
    path = str(shared / "c-hello.wasm")
    guest_args = ("/data/in.txt", "/data/out.txt", "3")
    assert process("run", "--dir", f"{tmp_path}::/data", path, *guest_args).returncode == 1
    done = process("run", "--dir", f"{tmp_path}::/data:ro", path, *guest_args)
    assert b"create /data/out.txt: Operation not permitted\n" in done.stdout
    assert done.returncode == 1


def test_real_command_takes_options_behind_its_file_as_its_own(
    shared: Path, process: Callable[..., Any]
) -> None:
    done = process("run", str(shared / "c-hello.wasm"), "--", "--env", "LAB_ENV=yes")
    assert done.stdout.startswith(b"args: [--] [--env] [LAB_ENV=yes]\nenv LAB_ENV=(none)\n")


def test_real_command_with_closed_standard_streams_still_runs(shared: Path, tmp_path: Path, run: Run) -> None:
    closed = os.dup(0), os.dup(1)
    try:
        os.close(0)
        os.close(1)
        # Without the check that they are closed, the folder's descriptor would become the guest's stdin.
        status = main(["run", "--dir", f"{tmp_path}::/data", str(shared / "c-hello.wasm")])
    finally:
        for fd, copy in enumerate(closed):
            os.dup2(copy, fd)
            os.close(copy)
    assert status == 0


def test_real_benchmark_runs_and_prints(shared: Path, process: Callable[..., Any]) -> None:
    done = process("run", str(shared / "bench.component.wasm"), "1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"iterations 1 ")


def test_real_library_greets_through_invoke(shared: Path, run: Run) -> None:
    path = str(shared / "py-hello.wasm")
    status, out, err = run("--unknown-imports-trap", "--invoke", "greet", path, "World")
    assert (status, out, err) == (0, '"Hello, World!"\n', "")


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        (["area", '{"poly": [{"x": 0, "y": 0}, {"x": 4, "y": 0}, {"x": 4, "y": 3}]}'], '{"ok": 6.0}\n'),
        (["area", '{"named": "x"}'], '{"err": "no area for x"}\n'),
        (["lab:hello/api#toggle", '["read"]', "blue"], '[["write", "exec"], "red"]\n'),
        (["sort-strings", '["b", "a"]'], '["a", "b"]\n'),
        (["fail", "0"], '{"ok": null}\n'),
    ],
)
def test_real_library_takes_and_gives_json(shared: Path, run: Run, call: list[str], printed: str) -> None:
    path = str(shared / "qjs-hello-sync-stub.wasm")
    assert run("--unknown-imports-trap", "--invoke", call[0], path, *call[1:]) == (0, printed, "")


def test_real_library_says_where_an_argument_does_not_fit(shared: Path, run: Run) -> None:
    path = str(shared / "qjs-hello-sync-stub.wasm")
    shape = '{"poly": [{"x": 0, "y": 0}, {"x": "a", "y": 0}]}'
    status, _, err = run("--unknown-imports-trap", "--invoke", "area", path, shape)
    message = "pywrt: area: argument 's' > case 'poly' > [1] > 'x': expected s32, got str 'a'\n"
    assert (status, err) == (2, message)


# The cache


@pytest.mark.parametrize("given", ["option", "variable"])
def test_cache_dir_gets_a_verdict_of_what_is_run(
    run: Run, tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, path = tmp_path / "cache", tmp_path / "padded.wat"
    path.write_text(f'(module (memory 1) (data (i32.const 0) "{"x" * 5000}") (func (export "f")))')
    options = ["--cache-dir", str(cache)] if given == "option" else []
    if given == "variable":
        monkeypatch.setenv("PYWRT_CACHE_DIR", str(cache))
    for _ in range(2):
        assert run(*options, "--invoke", "f", str(path)) == (0, "", "")
        assert len(list(cache.iterdir())) == 1
