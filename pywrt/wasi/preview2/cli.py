"""wasi:cli 0.2: environment, exit, the standard streams, and terminals."""

from typing import Any, NoReturn

from pywrt.canonical_abi.handles import HostResource
from pywrt.errors import ExitTrap
from pywrt.wasi.preview2.binding import Interface, case_of
from pywrt.wasi.preview2.context import WasiCtx
from pywrt.wasi.preview2.io import INPUT_STREAM, OUTPUT_STREAM, InputStream, OutputStream


class TerminalInput:
    """`wasi:cli/terminal-input.terminal-input`: says that stdin is a terminal."""

    __slots__ = ()


class TerminalOutput:
    """`wasi:cli/terminal-output.terminal-output`: says that stdout or stderr is a terminal."""

    __slots__ = ()


TERMINAL_INPUT = HostResource("terminal-input", TerminalInput)
TERMINAL_OUTPUT = HostResource("terminal-output", TerminalOutput)


def exit(status: Any) -> NoReturn:
    """End the guest with status 0 for `ok`, 1 for `err`."""
    raise ExitTrap(0 if case_of(status)[0] == "ok" else 1)


def exit_with_code(status_code: int) -> NoReturn:
    """End the guest with `status_code` (0 to 255)."""
    raise ExitTrap(status_code)


def interfaces(ctx: WasiCtx) -> dict[str, Interface]:
    """The tables of wasi:cli."""
    return {
        "wasi:cli/environment": {
            "get-environment": lambda: list(ctx.env),
            "get-arguments": lambda: list(ctx.args),
            "initial-cwd": lambda: ctx.initial_cwd,
        },
        "wasi:cli/exit": {"exit": exit, "exit-with-code": exit_with_code},
        "wasi:cli/stdin": {"input-stream": INPUT_STREAM, "get-stdin": lambda: InputStream(ctx.stdin)},
        "wasi:cli/stdout": {"output-stream": OUTPUT_STREAM, "get-stdout": lambda: OutputStream(ctx.stdout)},
        "wasi:cli/stderr": {"output-stream": OUTPUT_STREAM, "get-stderr": lambda: OutputStream(ctx.stderr)},
        "wasi:cli/terminal-input": {"terminal-input": TERMINAL_INPUT},
        "wasi:cli/terminal-output": {"terminal-output": TERMINAL_OUTPUT},
        "wasi:cli/terminal-stdin": {
            "terminal-input": TERMINAL_INPUT,
            "get-terminal-stdin": lambda: TerminalInput() if ctx.stdin_is_terminal else None,
        },
        "wasi:cli/terminal-stdout": {
            "terminal-output": TERMINAL_OUTPUT,
            "get-terminal-stdout": lambda: TerminalOutput() if ctx.stdout_is_terminal else None,
        },
        "wasi:cli/terminal-stderr": {
            "terminal-output": TERMINAL_OUTPUT,
            "get-terminal-stderr": lambda: TerminalOutput() if ctx.stderr_is_terminal else None,
        },
    }
