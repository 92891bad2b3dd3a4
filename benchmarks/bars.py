"""Every figure that something is asked of, beside its bar: `python -m benchmarks --bars`.

A bar that is missed makes the run fail; a goal that is not reached doesn't. The bars are the issues' where
they name one, else the design document's, whose stricter ones are the goals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks import (
    component_text,
    core,
    coverage,
    depth,
    echo,
    expected,
    interleave,
    loading,
    robustness,
    server,
    simd,
    startup,
    streams,
    suites,
    text,
    vectors,
)
from benchmarks.figures import Failed, NotMeasured, Tally
from pywrt.errors import WasmError

#: How many of each unit are one of what measurements return: a second, a byte, a ratio, a count.
UNITS: dict[str, float] = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "MB": 1e-6, "x": 1.0, "%": 100.0, "": 1}

VERDICTS = OK, MISSED, NO_BAR, NOT_MEASURED = "ok", "MISSED", "no bar", "not measured"


@dataclass(frozen=True, slots=True)
class Bar:
    """A number that must not pass `bar` (with `at_least`: must reach it); both are in `unit`."""

    name: str
    measure: Callable[[], float]
    unit: str
    bar: float | None
    goal: float | None = None
    at_least: bool = False

    def judge(self) -> "Line":
        try:
            figure = self.measure() * UNITS[self.unit]
        except NotMeasured as reason:
            return Line(self.name, "", self.show(self.bar), NOT_MEASURED, str(reason))
        except (Failed, WasmError) as error:
            return Line(self.name, "", self.show(self.bar), MISSED, str(error))
        verdict = NO_BAR if self.bar is None else OK if self.meets(figure, self.bar) else MISSED
        note = ""
        if self.goal is not None:
            note = f"goal {self.show(self.goal)}: {'reached' if self.meets(figure, self.goal) else 'not yet'}"
        return Line(self.name, f"{show(figure)} {self.unit}".strip(), self.show(self.bar), verdict, note)

    def meets(self, figure: float, limit: float) -> bool:
        return figure >= limit if self.at_least else figure <= limit

    def show(self, limit: float | None) -> str:
        return "" if limit is None else f"{'>=' if self.at_least else '<='} {limit:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Check:
    """Something of which every part must be right."""

    name: str
    measure: Callable[[], Tally]

    def judge(self) -> "Line":
        try:
            figure = self.measure()
        except NotMeasured as reason:
            return Line(self.name, "", "all", NOT_MEASURED, str(reason))
        except (Failed, WasmError) as error:
            return Line(self.name, "", "all", MISSED, str(error))
        good = figure.passed == figure.total > 0
        counts = f"{figure.passed:,} of {figure.total:,}"
        return Line(self.name, counts, "all", OK if good else MISSED, figure.first_failure)


@dataclass(frozen=True, slots=True)
class Line:
    """What is printed of one figure."""

    name: str
    figure: str
    bar: str
    verdict: str
    note: str

    def __str__(self) -> str:
        text = f"{self.name:<50} {self.figure:>16}  {self.bar:<10} {self.verdict}"
        if not self.note:
            return text
        return f"{text}: {self.note}" if self.verdict != OK else f"{text} ({self.note})"


def show(figure: float) -> str:
    """A count as it is, another number to three digits or so."""
    if isinstance(figure, int):
        return f"{figure:,}"
    return f"{figure:,.{2 if figure < 10 else 1 if figure < 100 else 0}f}"


CORE: list[Bar | Check] = [
    Bar("six modules, exact fuel, beside pywasm", partial(core.six_ratio, True), "x", 70, at_least=True),
    Bar("six modules, no fuel, beside pywasm", partial(core.six_ratio, False), "x", 85, at_least=True),
    Bar("lexer, exact fuel, beside pywasm", partial(core.lexer_ratio, True), "x", 70, at_least=True),
    Bar("bench-O2, exact fuel, an instruction", simd.scalar_seconds, "ns", 22),
    Bar("six modules, exact fuel, an instruction", partial(core.six_seconds, True), "ns", None, 19),
    Bar("lexer, exact fuel, an instruction", partial(core.lexer_seconds, True), "ns", None, 20),
    Bar("Rust code that is shapes, none in the choice", coverage.covered, "%", None, 95, True),
]

STARTUP: list[Bar | Check] = [
    Bar("import pywrt", lambda: startup.import_pywrt().seconds, "ms", 60),
    Bar("import pywrt: asyncio in it", lambda: startup.import_pywrt().asyncio, "", 0),
    Bar("import pywrt: dataclasses in it", lambda: startup.import_pywrt().dataclasses, "", 80),
    Bar("py-hello.wasm, start to first greet, cold", lambda: startup.greet().seconds, "s", 4, 2.5),
    Bar("py-hello.wasm, the same, warm cache", startup.warm_greet_seconds, "s", 0.8),
    Bar("py-hello.wasm, peak resident memory", lambda: startup.greet().peak_bytes, "MB", 250),
]

SERVER: list[Bar | Check] = [
    Bar("example, start to the answer of initialize", lambda: server.own().start, "s", 0.3),
    Bar("example, start to first result (pywrt-mcp call)", server.first_result_seconds, "s", 0.25),
    Bar("example, tools/call, median", lambda: server.own().call_median, "ms", 1),
    Bar("example, tools/call, of a native server's", server.round_trip_ratio, "x", 1),
    Bar("example, ping during a long call, p95", server.ping_p95, "ms", 50),
]

CANONICAL_ABI: list[Bar | Check] = [
    Bar("list<u8> of 1 MiB, in and out", partial(echo.seconds, "list<u8>"), "ms", 0.5),
    Bar("list<u32> of 1 MiB, in and out", partial(echo.seconds, "list<u32>"), "ms", 15),
    Bar("10,000 records {u32, string, f64}, in and out", partial(echo.seconds, "records"), "ms", 50),
    Bar("one string, in and out", partial(echo.seconds, "string"), "us", 60),
    *(
        Bar(f"{name}, beside wasmtime-py", partial(echo.beside_wasmtime, name), "x", None, 1)
        for name in echo.CASES
    ),
    Bar("one string, guest instructions", lambda: echo.instructions("string"), "", 300),
]

CHECKS: list[Bar | Check] = [
    *(
        Check(f"{file}: calls, fuel, output", partial(expected.check, recording))
        for recording, (file, _) in expected.COMPONENTS.items()
    ),
    Check(f"recursion of {depth.CALLS:,} calls", depth.recursion),
    Check("infinite recursion traps", depth.infinite_recursion),
    Check(f"expression of {depth.OPERATIONS:,} nested operations", depth.nested_operations),
]

WHOLE_CORE: list[Bar | Check] = [
    *(
        Check(f"official suite, {'root' if folder == '.' else folder}: {what}", partial(measure, folder))
        for folder in suites.FOLDERS
        for what, measure in (("scripts", suites.files), ("commands", suites.commands))
    ),
    Bar("official suite, all of it on these processors", suites.seconds, "s", 720),
    Bar("vectors: bench-O2-simd beside bench-O2", simd.ratio, "x", 3),
    Check("text: a module printed and parsed is the same", text.print_and_parse),
    Check("text: an error's place is inside its form", text.error_places),
    Bar("hostile files, the slowest step, 100 KB", lambda: robustness.slowest()[0], "s", 1),
]

COMPONENTS: list[Bar | Check] = [
    *(
        Check(f"component suite: {kind}", partial(suites.component_commands, kind))
        for kind in ("assert_return", "assert_trap", "assert_invalid", "assert_malformed")
    ),
    Check("text: a component printed and parsed is the same", component_text.print_and_parse),
    Check("canonical ABI: records of vectors.json", vectors.check),
]

STREAMS: list[Bar | Check] = [
    Bar("100 MB through a guest that copies", lambda: streams.passage("relay").seconds, "s", None, 1),
    Bar("100 MB, copied: memory growth", lambda: streams.passage("relay").growth, "MB", 16),
    Bar(
        "100 MB through a guest that changes each byte",
        lambda: streams.passage("flip").seconds,
        "s",
        None,
        10,
    ),
    Bar("100 MB, changed: memory growth", lambda: streams.passage("flip").growth, "MB", 16),
    Bar(f"{streams.CALLS} calls in flight", streams.in_flight, "ms", None, 100),
]

LOADING: list[Bar | Check] = [
    Bar("code section of py-hello.wasm, indexed", loading.code_section_seconds, "ms", 30),
    Bar("validation, a code byte", loading.validation_seconds, "ns", 95),
    Bar("lowering, a body byte", lambda: loading.lowering().lowering, "us", 0.8),
    Bar("binding, of lowering", loading.binding_ratio, "x", 0.25),
    Bar("an instance of QuickJS beyond its memory", loading.instance_bytes, "MB", 0.1),
    Bar("a small module, peak resident memory", loading.small_peak_bytes, "MB", 40),
]

STOPPING: list[Bar | Check] = [
    Bar("deadline, with fuel: the latest stop", partial(interleave.worst_stop, True, False), "ms", 20),
    Bar("deadline, without fuel", partial(interleave.worst_stop, False, False), "ms", 20),
    Bar("interrupt, with fuel", partial(interleave.worst_stop, True, True), "ms", 20),
    Bar("interrupt, without fuel", partial(interleave.worst_stop, False, True), "ms", 20),
    Bar("1,000 guests: longest wait, of the mean", partial(interleave.wait_ratio, True), "x", 3),
]

SECTIONS: dict[str, list[Bar | Check]] = {
    "Core": CORE,
    "Start-up": STARTUP,
    "MCP server over stdio": SERVER,
    "Canonical ABI, exact fuel": CANONICAL_ABI,
    "Against what is recorded": CHECKS,
    "Core WebAssembly, whole": WHOLE_CORE,
    "Component Model, whole": COMPONENTS,
    "Async, under asyncio": STREAMS,
    "Loading": LOADING,
    "Stopping and sharing": STOPPING,
}


def report(text: str = "", sections: dict[str, list[Bar | Check]] | None = None) -> int:
    """Print a line for each figure whose name or section contains `text`; 1 if a bar is missed, else 0."""
    verdicts: list[str] = []
    for title, bars in (SECTIONS if sections is None else sections).items():
        chosen = select(title, bars, text)
        if chosen:
            print(title)
        for bar in chosen:
            line = bar.judge()
            print(f"  {line}", flush=True)
            verdicts.append(line.verdict)
    print(", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS))
    return 1 if MISSED in verdicts else 0


def select(title: str, bars: Sequence[Bar | Check], text: str) -> list[Bar | Check]:
    """All of a section whose title contains `text`, else those of it whose names do."""
    text = text.lower()
    return [bar for bar in bars if text in title.lower() or text in bar.name.lower()]
