"""Compares toolbox.wasm with expected.json, and its tools with Python's own hashlib and floats, on wasmtime.

    python check_with_wasmtime.py [--write]     # --write records expected.json anew

Needs `wasmtime` (the extra `interop`). pywrt's tests read expected.json and need nothing.
"""

import hashlib
import json
import math
import random
import sys
import zlib
from pathlib import Path

import wasmtime
from wasmtime import component as wc

HERE = Path(__file__).resolve().parent
FUEL = 1 << 60
RUN = "wasi:cli/run@0.2.0#run"
HANDLERS = "wasi:mcp/handlers@0.1.0-preview2#"
RUNTIME = "wasi:mcp/runtime@0.1.0-preview2"


def plain(value):
    """A component value as plain JSON: records and variants as objects, bytes as text."""
    if isinstance(value, wc.Variant):
        return {value.tag: plain(value.payload)}
    if isinstance(value, wc.Record):
        return {name: plain(field) for name, field in vars(value).items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


class Toolbox:
    """An instance of the component, with a host that records what it is told."""

    def __init__(self, path=HERE / "toolbox.wasm"):
        config = wasmtime.Config()
        config.consume_fuel = True
        config.wasm_component_model = True
        engine = wasmtime.Engine(config)
        component = wc.Component.from_file(engine, str(path))
        linker = wc.Linker(engine)
        self.host_calls = []
        self.imports = sorted(component.type.imports(engine))
        with linker.root() as root, root.add_instance(RUNTIME) as runtime:
            for name in component.type.imports(engine)[RUNTIME].ty.exports(engine):
                runtime.add_func(name, self._record(name))
        self.store = wasmtime.Store(engine)
        self.store.set_fuel(FUEL)
        self.instance = linker.instantiate(self.store, component)

    def _record(self, name):
        def host_function(_store, *arguments):
            self.host_calls.append([name, plain(arguments)])

        return host_function

    def call(self, export, *arguments):
        """Returns the result as plain JSON, and the fuel it took."""
        index = None
        for part in export.split("#"):
            index = self.instance.get_export_index(self.store, part, index)
        function = self.instance.get_func(self.store, index)
        before = self.store.get_fuel()
        result = plain(function(self.store, *arguments))
        return result, before - self.store.get_fuel()

    def tool(self, name, **arguments):
        result, _ = self.call(HANDLERS + "call-tool", name, json.dumps(arguments).encode())
        return result["ok"]["content"][0]["text"]["text"]


def tool(name, arguments):
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return HANDLERS + "call-tool", name, raw.encode()


def prompt(name, arguments):
    return HANDLERS + "get-prompt", name, None if arguments is None else json.dumps(arguments).encode()


CALLS = [
    (RUN,),
    tool("hash", {"text": "abc"}),
    tool("hash", {"text": ""}),
    tool("hash", {"text": "h\u00e9llo \u4e16\u754c \U0001f600", "algorithm": "sha1"}),
    tool("hash", '{"text": "h\\u00e9llo \\u4e16\\u754c \\ud83d\\ude00", "algorithm": "sha1"}'),
    tool("hash", {"text": "123456789", "algorithm": "crc32"}),
    tool("hash", {"text": "x" * 1000}),
    tool("hash", {"text": "abc", "rounds": 100}),
    tool("hash", {"text": "abc", "rounds": 3000}),
    tool("hash", {"text": "abc", "algorithm": "crc32", "rounds": 70000}),
    tool("hash", {}),
    tool("hash", {"text": 1}),
    tool("hash", {"text": "abc", "algorithm": "md5"}),
    tool("hash", {"text": "abc", "rounds": 0}),
    tool("hash", {"text": "abc", "rounds": 1.5}),
    tool("hash", {"text": "abc", "round": 2}),
    tool("hash", '{"text": "\\ud83d"}'),
    tool("hash", '{"text": "abc'),
    tool("hash", '{"text": "abc"} x'),
    tool("hash", "[1, 2]"),
    tool("hash", "[" * 40),
    tool("hash", ""),
    tool("calc", {"expression": "2 + 3 * (4 - 1) ^ 2"}),
    tool("calc", {"expression": "0.1 + 0.2"}),
    tool("calc", {"expression": "2^100"}),
    tool("calc", {"expression": "1/3"}),
    tool("calc", {"expression": "-7 % 3"}),
    tool("calc", {"expression": "sqrt(a^2 + b^2)", "variables": {"a": 3, "b": 4}}),
    tool("calc", {"expression": "avg(1, 2, 4) - max(pi, e)"}),
    tool("calc", {"expression": "2 + 3 * * 4"}),
    tool("calc", {"expression": "(1 + 2"}),
    tool("calc", {"expression": "1 / (2 - 2)"}),
    tool("calc", {"expression": "10 ^ 400"}),
    tool("calc", {"expression": "\u00e9 + 1"}),
    tool("calc", {"expression": "sin(1)"}),
    tool("calc", {"expression": "min(" * 200}),
    tool("calc", {"expression": ""}),
    tool("calc", {"expression": "x", "variables": {"x": "1"}}),
    tool("calc", {}),
    tool("nope", {}),
    (HANDLERS + "read-resource", "example://readme"),
    (HANDLERS + "read-resource", "example://table/7"),
    (HANDLERS + "read-resource", "example://table/0"),
    (HANDLERS + "read-resource", "example://none"),
    prompt("solve", {"problem": "What is 17 % of 4,200?"}),
    prompt("solve", {"problem": "How long is the diagonal of a 3 by 4 room?", "audience": "a child"}),
    prompt("solve", {"audience": "a child"}),
    prompt("solve", None),
    prompt("nope", {}),
    (HANDLERS + "handle-subscribe", "example://readme"),
    (HANDLERS + "handle-subscribe", "example://none"),
    (HANDLERS + "handle-unsubscribe", "example://table/7"),
    (HANDLERS + "handle-complete", "prompt-name", "a"),
    (HANDLERS + "handle-complete", "resource-uri", "example://table/1"),
    (HANDLERS + "handle-complete", "tool-name", "h"),
    (HANDLERS + "handle-elicit", "who?", []),
]


def record():
    toolbox, rows = Toolbox(), []
    for export, *arguments in CALLS:
        toolbox.host_calls.clear()
        result, fuel = toolbox.call(export, *arguments)
        rows.append(
            {
                "call": export,
                "arguments": plain(arguments),
                "result": result,
                "fuel": fuel,
                "host_calls": list(toolbox.host_calls),
            }
        )
    return rows


def check_tools(rounds=2000):
    """The tools against Python: digests, and numbers read and written to the last bit."""
    toolbox, random_ = Toolbox(), random.Random(1)
    for size in (*range(130), 1000):
        text = "".join(chr(random_.choice((65, 233, 0x4E16, 0x1F600))) for _ in range(size))
        for name in ("sha256", "sha1"):
            assert json.loads(toolbox.tool("hash", text=text, algorithm=name))["digest"] == (
                hashlib.new(name, text.encode()).hexdigest()
            )
        crc = f"{zlib.crc32(text.encode()):08x}"
        assert json.loads(toolbox.tool("hash", text=text, algorithm="crc32"))["digest"] == crc
    digest = b"abc"
    for _ in range(500):
        digest = hashlib.sha256(digest).digest()
    assert json.loads(toolbox.tool("hash", text="abc", rounds=500))["digest"] == digest.hex()

    numbers = [5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308]
    numbers += [2.0**53, 1e16, 1e22, 1e23]
    numbers += [math.ldexp(random_.random(), random_.randint(-1080, 1020)) for _ in range(rounds)]
    numbers += [round(random_.uniform(0, 10000), random_.randint(0, 6)) for _ in range(rounds)]
    numbers += [2.0**n for n in range(-1074, 1024, 7)]
    for number in numbers:
        assert float(toolbox.tool("calc", expression=repr(number))) == number, number
        shown = repr(number).removesuffix(".0")
        assert toolbox.tool("calc", expression="x", variables={"x": number}) == shown, number
        text = f"{random_.randint(1, 10**19 - 1)}e{random_.randint(-345, 288)}"
        assert float(toolbox.tool("calc", expression=text)) == float(text), text


def check_memory(times=200):
    """Thousands of calls on one instance: all take the fuel of the first, which growing memory would not."""
    toolbox = Toolbox()
    first = [toolbox.call(*call) for call in CALLS]
    for _ in range(times):
        assert [toolbox.call(*call) for call in CALLS] == first


def main():
    rows, file = record(), HERE / "expected.json"
    if "--write" in sys.argv:
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        file.write_text(f"[\n{lines}\n]\n")
    for row in rows:
        arguments = ", ".join(str(argument)[:60] for argument in row["arguments"])
        print(f"{row['fuel']:>10,} {row['call'].partition('#')[2]} {arguments}")
    assert rows == json.loads(file.read_text()), "differs from expected.json"
    check_tools()
    check_memory()
    print("ok; imports:", ", ".join(Toolbox().imports))


if __name__ == "__main__":
    main()
