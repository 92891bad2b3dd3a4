"""Every error that pywrt raises on purpose: one class a phase, each saying where and why.

    WasmError
      MalformedError     the bytes or the text do not parse            (offset, or line and column)
      InvalidError       they parse, but break a validation rule       (function, offset)
      LinkError          imports and what is offered do not match
      LimitError         a limit of `Config` would be passed
      ValueTypeError     a Python value does not fit the WIT type     (path)
      Trap               a guest stopped abnormally                    (code, wasm backtrace)
        ExitTrap         the guest asked to exit                       (status)
        ThrownException  a wasm exception that nothing caught          (exception)

Messages begin with the official test suite's string where it has one; detail follows.
"""

from collections.abc import Sequence
from typing import Any


class WasmError(Exception):
    """Base of all errors that a module, a component, or its caller can cause."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class MalformedError(WasmError):
    """Bytes or text that do not parse. Spec: binary/ and text/.

    Binary input has `offset` (bytes from the start of the file); text has `line` and `column` (from 1)
    and `source_line`, the text of that line, and `file` where several are read. `feature` names the
    proposal that the input needs, where that, and no mistake in it, is why it does not parse.
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int | None = None,
        line: int | None = None,
        column: int | None = None,
        source_line: str | None = None,
        file: str | None = None,
        feature: str | None = None,
    ) -> None:
        super().__init__(message)
        self.offset = offset
        self.feature = feature
        self.line = line
        self.column = column
        self.source_line = source_line
        self.file = file

    def __str__(self) -> str:
        if self.offset is not None:
            return f"{self.message} (at offset 0x{self.offset:x})"
        if self.line is None:
            return self.message
        return f"{self.message} ({_place(self)}){_excerpt(self)}"


class InvalidError(WasmError):
    """A module or component that parses but is not valid. Spec: valid/.

    `offset` is in bytes from the start of the file; `function` is the function index, if in a body.
    What was read as text, WIT, has `file`, `line`, `column` and `source_line` instead, as in MalformedError.
    `feature` names the proposal that would allow it, where one would.
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int | None = None,
        function: int | None = None,
        line: int | None = None,
        column: int | None = None,
        source_line: str | None = None,
        file: str | None = None,
        feature: str | None = None,
    ) -> None:
        super().__init__(message)
        self.offset = offset
        self.feature = feature
        self.function = function
        self.line = line
        self.column = column
        self.source_line = source_line
        self.file = file

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.message} ({_place(self)}){_excerpt(self)}"
        where = []
        if self.function is not None:
            where.append(f"in function {self.function}")
        if self.offset is not None:
            where.append(f"at offset 0x{self.offset:x}")
        return f"{self.message} ({', '.join(where)})" if where else self.message


def _place(error: MalformedError | InvalidError) -> str:
    """Where in a text an error is, in words."""
    file = "" if error.file is None else f"{error.file}, "
    return f"at {file}line {error.line}, column {error.column}"


def _excerpt(error: MalformedError | InvalidError) -> str:
    """The line of text that an error is about, and a caret under the place."""
    if error.source_line is None or error.column is None:
        return ""
    start = max(0, error.column - 61)  # a minified file may be one line of megabytes
    shown = error.source_line[start : start + 120]
    return f"\n    {shown}\n    {' ' * (error.column - 1 - start)}^"


class LinkError(WasmError):
    """An import that is missing or has another type than what is offered."""


class LimitError(WasmError):
    """A limit of `Config` would be passed, by a file or by what an embedder asks for."""


class ValueTypeError(WasmError, TypeError):
    """A Python value that does not fit the WIT type it was given for.

    `path` leads from the argument or result to the value, outermost step first; `problem` says what is
    wrong there.
    """

    def __init__(self, problem: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: tuple[str, ...] = ()
        for step in reversed(path):
            self.within(step)

    def within(self, step: str) -> "ValueTypeError":
        """Put `step` in front of the path, and return the error itself."""
        self.path = (step, *self.path)
        self.message = f"{' > '.join(self.path)}: {self.problem}"
        return self

    def __str__(self) -> str:
        return self.message


class FrameInfo:
    """One entry of a wasm backtrace: a function and the module offset of the instruction in it."""

    __slots__ = ("function", "module", "name", "offset")

    def __init__(self, module: str | None, function: int, name: str | None, offset: int | None) -> None:
        self.module = module
        self.function = function
        self.name = name
        self.offset = offset

    def __str__(self) -> str:
        label = self.name if self.name is not None else f"function[{self.function}]"
        at = "?" if self.offset is None else f"0x{self.offset:x}"
        return f"{at:>8} - {self.module or '<unknown>'}!{label}"


class Trap(WasmError):
    """A guest stopped abnormally; its instance may be in any state. Spec: exec/runtime.html#syntax-trap.

    `code` is a stable identifier (`"unreachable"`, `"memory-out-of-bounds"`, ...); `backtrace` lists the
    wasm frames, innermost first.
    """

    def __init__(self, message: str, code: str = "host", backtrace: Sequence[FrameInfo] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.backtrace: tuple[FrameInfo, ...] = tuple(backtrace)

    def __str__(self) -> str:
        if not self.backtrace:
            return self.message
        lines = [f"{i:>4}: {frame}" for i, frame in enumerate(self.backtrace[:32])]
        if len(self.backtrace) > 32:
            lines.append(f"      ... {len(self.backtrace) - 32} more frames")
        return "\n".join([self.message, "wasm backtrace:", *lines])


class ThrownException(Trap):
    """A wasm exception that is on its way: no handler was there, or a host function raises it for a guest's.

    `exception` is the exception object (`pywrt.runtime.exception.Exn`: its tag and values); where it left
    the guest uncaught, the backtrace says where it was thrown. Spec: exec/instructions.html#exceptions
    """

    def __init__(self, exception: Any) -> None:
        super().__init__("uncaught exception", "uncaught-exception")
        self.exception = exception


class ExitTrap(Trap):
    """The guest asked to exit with `status` (0 is success), by wasi:cli/exit or proc_exit."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exited with status {status}", "exit")
        self.status = status
