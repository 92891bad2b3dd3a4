"""A builder of component binaries: definitions in order, each returning the index of what it defines."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pywrt.api import Engine, Store
from pywrt.component import Component, Instance, Linker
from pywrt.component.tables import CANONS, CORE_SORTS, PREAMBLE, PRIMITIVES, SORTS
from pywrt.config import Config
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

SORT_BYTES = {
    **{sort: bytes([0, code]) for code, sort in CORE_SORTS.items()},
    **{sort: bytes([code]) for code, sort in SORTS.items()},
}
CANON_CODES = {canon.name: code for code, canon in CANONS.items()}
OPTION_CODES = {"memory": 3, "realloc": 4, "post_return": 5}


def leb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def name(text: str) -> bytes:
    data = text.encode()
    return leb(len(data)) + data


def vec(items: Sequence[bytes]) -> bytes:
    return leb(len(items)) + b"".join(items)


def sortidx(sort: str, index: int) -> bytes:
    return SORT_BYTES[sort] + leb(index)


class Types:
    """Type definitions as bytes; a value type is the name of a primitive one, or a type index."""

    PRIMITIVE_CODES: ClassVar = {t.name: bytes([code]) for code, (t, _) in PRIMITIVES.items()}

    @classmethod
    def val(cls, type: str | int) -> bytes:
        if isinstance(type, str):
            return cls.PRIMITIVE_CODES[type]
        return leb(type) if type < 64 else bytes([type & 0x7F | 0x80]) + leb(type >> 7)

    @classmethod
    def opt(cls, type: str | int | None) -> bytes:
        return b"\0" if type is None else b"\1" + cls.val(type)

    @classmethod
    def record(cls, **fields: str | int) -> bytes:
        return b"\x72" + vec([name(k.replace("_", "-")) + cls.val(t) for k, t in fields.items()])

    @classmethod
    def variant(cls, **cases: str | int | None) -> bytes:
        return b"\x71" + vec([name(k) + cls.opt(t) + b"\0" for k, t in cases.items()])

    @classmethod
    def list(cls, type: str | int) -> bytes:
        return b"\x70" + cls.val(type)

    @classmethod
    def tuple(cls, *types: str | int) -> bytes:
        return b"\x6f" + vec([cls.val(t) for t in types])

    @classmethod
    def option(cls, type: str | int) -> bytes:
        return b"\x6b" + cls.val(type)

    @classmethod
    def own(cls, type: int) -> bytes:
        return b"\x69" + leb(type)

    @classmethod
    def borrow(cls, type: int) -> bytes:
        return b"\x68" + leb(type)

    @classmethod
    def func(cls, params: dict[str, str | int] | None = None, result: str | int | None = None) -> bytes:
        given = vec([name(k) + cls.val(t) for k, t in (params or {}).items()])
        return b"\x40" + given + (b"\1\0" if result is None else b"\0" + cls.val(result))


class Decls:
    """The declarators of an instance or component type."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.types = 0

    def type(self, definition: bytes) -> int:
        self.items.append(b"\1" + definition)
        self.types += 1
        return self.types - 1

    def outer(self, count: int, index: int) -> int:
        self.items.append(b"\2" + SORT_BYTES["type"] + b"\2" + leb(count) + leb(index))
        self.types += 1
        return self.types - 1

    def export(self, export: str, sort: str, index: int | None = None) -> int:
        return self._extern(b"\4", export, sort, index)

    def import_(self, import_name: str, sort: str, index: int | None = None) -> int:
        return self._extern(b"\3", import_name, sort, index)

    def _extern(self, form: bytes, extern: str, sort: str, index: int | None) -> int:
        self.items.append(form + b"\0" + name(extern) + extern_type(sort, index))
        self.types += sort == "type"
        return self.types - 1

    def instance(self) -> bytes:
        return b"\x42" + vec(self.items)

    def component(self) -> bytes:
        return b"\x41" + vec(self.items)


def extern_type(sort: str, index: int | None) -> bytes:
    """`index` None with the sort type is the bound `(sub resource)`."""
    if sort == "type":
        return b"\3" + (b"\1" if index is None else b"\0" + leb(index))
    assert index is not None
    return SORT_BYTES[sort] + leb(index)


class Builder:
    """A component under construction."""

    def __init__(self) -> None:
        self.data = bytearray(PREAMBLE)
        self.counts: dict[str, int] = {}

    def section(self, code: int, content: bytes) -> None:
        self.data += bytes([code]) + leb(len(content)) + content

    def define(self, sort: str, code: int, content: bytes) -> int:
        """A section with one definition."""
        self.section(code, b"\1" + content)
        return self.count(sort)

    def count(self, sort: str) -> int:
        self.counts[sort] = self.counts.get(sort, 0) + 1
        return self.counts[sort] - 1

    def module(self, wat: str) -> int:
        self.section(1, encode_module(parse_module(wat)))
        return self.count("core module")

    def component(self, inner: "Builder | bytes") -> int:
        self.section(4, bytes(inner.data) if isinstance(inner, Builder) else inner)
        return self.count("component")

    def core_instance(self, module: int, **args: int) -> int:
        given = vec([name(n) + b"\x12" + leb(i) for n, i in args.items()])
        return self.define("core instance", 2, b"\0" + leb(module) + given)

    def core_bag(self, **items: tuple[str, int]) -> int:
        given = vec([name(n) + SORT_BYTES[sort][1:] + leb(i) for n, (sort, i) in items.items()])
        return self.define("core instance", 2, b"\1" + given)

    def run(self, wat: str, **args: int) -> int:
        """A module and an instance of it."""
        return self.core_instance(self.module(wat), **args)

    def instantiate(self, component: int, args: dict[str, tuple[str, int]] | None = None) -> int:
        given = vec([name(n) + sortidx(*item) for n, item in (args or {}).items()])
        return self.define("instance", 5, b"\0" + leb(component) + given)

    def bag(self, items: dict[str, tuple[str, int]]) -> int:
        given = vec([b"\0" + name(n) + sortidx(*item) for n, item in items.items()])
        return self.define("instance", 5, b"\1" + given)

    def alias(self, sort: str, instance: int, export: str) -> int:
        return self.define(sort, 6, SORT_BYTES[sort] + b"\0" + leb(instance) + name(export))

    def core_alias(self, sort: str, instance: int, export: str) -> int:
        return self.define(sort, 6, SORT_BYTES[sort] + b"\1" + leb(instance) + name(export))

    def outer(self, sort: str, count: int, index: int) -> int:
        return self.define(sort, 6, SORT_BYTES[sort] + b"\2" + leb(count) + leb(index))

    def type(self, definition: bytes) -> int:
        return self.define("type", 7, definition)

    def resource(self, dtor: int | None = None) -> int:
        return self.type(b"\x3f\x7f" + (b"\0" if dtor is None else b"\1" + leb(dtor)))

    def options(self, encoding: int | None, options: dict[str, int]) -> bytes:
        items = [] if encoding is None else [bytes([encoding])]
        return vec(items + [bytes([OPTION_CODES[o]]) + leb(i) for o, i in options.items()])

    def lift(self, func: int, type: int, encoding: int | None = None, **options: int) -> int:
        content = b"\0\0" + leb(func) + self.options(encoding, options) + leb(type)
        return self.define("func", 8, content)

    def lower(self, func: int, encoding: int | None = None, **options: int) -> int:
        return self.define("core func", 8, b"\1\0" + leb(func) + self.options(encoding, options))

    def canon(self, builtin: str, type: int) -> int:
        return self.define("core func", 8, bytes([CANON_CODES[builtin]]) + leb(type))

    def import_(self, import_name: str, sort: str, index: int | None = None) -> int:
        return self.define(sort, 10, b"\0" + name(import_name) + extern_type(sort, index))

    def export(
        self, export: str, sort: str, index: int, ascribed: tuple[str, int | None] | None = None
    ) -> int:
        tail = b"\0" if ascribed is None else b"\1" + extern_type(*ascribed)
        return self.define(sort, 11, b"\0" + name(export) + sortidx(sort, index) + tail)


@pytest.fixture
def build() -> type[Builder]:
    return Builder


@pytest.fixture
def types() -> type[Types]:
    return Types


@pytest.fixture
def decls() -> type[Decls]:
    return Decls


@pytest.fixture
def engine() -> Engine:
    return Engine(Config())


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


@pytest.fixture
def linker(engine: Engine) -> Linker:
    return Linker(engine)


@pytest.fixture
def load(engine: Engine) -> Callable[[Builder | bytes], Component]:
    """Decode and validate what a builder, or bytes, hold."""

    def load(source: Builder | bytes) -> Component:
        return Component(engine, bytes(source.data) if isinstance(source, Builder) else source)

    return load


@pytest.fixture
def instantiate(
    load: Callable[[Any], Component], store: Store, linker: Linker
) -> Callable[[Builder | bytes], Instance]:
    """Instantiate with the fixtures `linker` and `store`."""
    return lambda source: linker.instantiate(store, load(source))


@pytest.fixture
def components() -> Path:
    """The folder of real components beside the repository; skips where it is absent."""
    folder = Path(__file__).parents[2].parent / "shared" / "components"
    if not folder.is_dir():
        pytest.skip(f"needs the real components in {folder}, which is not there")
    return folder
