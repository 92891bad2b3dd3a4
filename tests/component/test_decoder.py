"""Decoding: whatever the bytes are, a typed error that says where and why, or a component."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywrt.component import subtyping
from pywrt.component.decoder import decode_component
from pywrt.component.modules import module_type
from pywrt.component.tables import CANONS, PREAMBLE
from pywrt.component.types import ModuleType
from pywrt.config import ALL_FEATURES, DEFAULT_FEATURES, Config
from pywrt.errors import InvalidError, MalformedError, WasmError
from pywrt.wasm.binary import decode_module
from pywrt.wasm.valid import validate_module

CORE_MODULE = b"\0asm\x01\0\0\0"


def compile_module(data: bytes, start: int, end: int) -> tuple[Any, ModuleType]:
    module = decode_module(data, start, end)
    validate_module(module, Config())
    return module, module_type(module)


def decode(data: bytes, features: frozenset[str] = DEFAULT_FEATURES) -> Any:
    return decode_component(data, compile_module, features)


def error_of(data: bytes) -> WasmError | None:
    """The typed error that decoding `data` ends in, if any; other exceptions propagate."""
    try:
        decode(data)
    except WasmError as error:
        return error
    return None


@pytest.fixture
def sample(build: Any, types: Any, decls: Any) -> bytes:
    """A component with a definition of nearly every kind."""
    b = build()
    log = b.type(types.func({"message": "string"}))
    host = decls()
    host.export("sink", "type")
    host.export("line", "func", host.type(types.func({"n": "u32"})))
    b.import_("log", "func", log)
    imported = b.import_("my:host/api@1.2.0", "instance", b.type(host.instance()))
    line = b.alias("func", imported, "line")
    libc = b.run('(module (memory (export "mem") 1) (func (export "f") (param i32)))')
    memory = b.core_alias("core memory", libc, "mem")
    func = b.core_alias("core func", libc, "f")
    b.lower(0, memory=memory)
    b.core_bag(line=("core func", b.lower(line)))
    resource = b.resource(dtor=func)
    b.canon("resource.drop", resource)
    inner = build()
    inner.import_("x", "type", None)
    b.component(inner)
    b.instantiate(0, {"x": ("type", resource)})
    exported = b.export("r", "type", resource)
    own = b.type(types.own(exported))
    b.export("f", "func", b.lift(func, b.type(types.func({"r": own}))))
    b.section(0, b"\x0ecomponent-name\0\x05\x04demo")
    return bytes(b.data)


def test_decode_component_name_section_gives_the_name(sample: bytes) -> None:
    assert decode(sample).name == "demo"


def test_decode_component_malformed_name_section_is_ignored() -> None:
    code = decode(PREAMBLE + b"\0\x12\x0ecomponent-name\xff\xfe\x01")
    assert code.name is None


def test_decode_component_every_truncation_is_malformed_or_a_shorter_component(sample: bytes) -> None:
    malformed = 0
    for end in range(len(sample)):
        error = error_of(sample[:end])
        if error is not None:
            assert isinstance(error, MalformedError)
            assert error.offset is not None
            assert error.offset <= end
            malformed += 1
    assert malformed > len(sample) * 0.7


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_decode_component_changed_bytes_raise_nothing_but_typed_errors(sample: bytes, data: Any) -> None:
    changed = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(8, len(sample) - 1))] = data.draw(st.integers(0, 255))
    error = error_of(bytes(changed))
    assert error is None or error.message


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_decode_component_random_sections_raise_nothing_but_typed_errors(content: bytes) -> None:
    error = error_of(PREAMBLE + content)
    assert error is None or error.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "unexpected end-of-file"),
        (b"\0as", "unexpected end-of-file"),
        (PREAMBLE[:7], "unexpected end-of-file"),
        (b"\x7fELF\x02\x01\x01\0", "magic header not detected"),
        (b"\0asm\x0c\0\x01\0", "unknown binary version"),
        (CORE_MODULE, "this is a core module, not a component"),
        (PREAMBLE + b"\x04\x08" + CORE_MODULE, "expected a version header for a component"),
        (PREAMBLE + b"\x01\x08" + PREAMBLE, "expected a version header for a module"),
        (PREAMBLE + b"\x0d\0", "malformed section id"),
        (PREAMBLE + b"\x07\x03\0", "unexpected end-of-file"),
        (PREAMBLE + b"\x07\x81\x80\x80\x80\x70\0", "integer too large"),
        (PREAMBLE + b"\x07\x04\xbf\x84\x3d\x73", "unexpected end-of-file"),
        (PREAMBLE + b"\x07\x02\0\0", "section size mismatch"),
        (PREAMBLE + b"\x07\x02\x01\x62", "invalid leading byte (0x62) for component defined type"),
        (PREAMBLE + b"\x06\x05\x01\x01\x02\0\0", "invalid leading byte (0x1) for component outer alias kind"),
        (PREAMBLE + b"\x08\x02\x01\x07", "invalid leading byte (0x7) for canonical function"),
        (PREAMBLE + b"\x0a\x06\x01\x00\x01a\x06\0", "invalid leading byte (0x6) for component external kind"),
        (PREAMBLE + b"\x0a\x05\x01\x00\x02\xff\xfe", "malformed UTF-8 encoding"),
    ],
)
def test_decode_component_malformed_bytes_say_where_and_why(data: bytes, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        decode(data)
    assert message in str(caught.value)
    assert caught.value.offset is not None


@pytest.mark.parametrize("offset", [0, 1000])
def test_decode_component_error_in_nested_module_has_offset_in_the_file(build: Any, offset: int) -> None:
    b = build()
    b.section(0, b"\3pad" + bytes(offset))
    inner = build()
    inner.section(1, CORE_MODULE + b"\x0e\0")
    b.component(inner)
    with pytest.raises(MalformedError, match="malformed section id") as caught:
        decode(bytes(b.data))
    assert caught.value.offset == len(b.data) - 2


@pytest.mark.parametrize("code", [code for code, canon in CANONS.items() if canon.feature is not None])
def test_decode_component_canonical_function_without_its_feature_names_it(code: int) -> None:
    zeros = {"results": b"\1\0", "core_valtype": b"\x7f"}
    content = b"".join(zeros.get(immediate, b"\0") for immediate in CANONS[code].immediates)
    section = b"\x01" + bytes([code]) + content
    with pytest.raises(InvalidError, match=CANONS[code].name) as caught:
        decode(PREAMBLE + b"\x08" + bytes([len(section)]) + section, ALL_FEATURES - {CANONS[code].feature})
    assert caught.value.feature == CANONS[code].feature


@pytest.mark.parametrize(
    ("section", "feature"),
    [
        (b"\x07\x04\x01\x66\x01\x7d", "component-model-async"),
        (b"\x07\x03\x01\x65\x00", "component-model-async"),
        (b"\x07\x05\x01\x43\0\1\0", "component-model-async"),
        (b"\x07\x02\x01\x64", "component-model-error-context"),
        (b"\x07\x03\x01\x70\x64", "component-model-error-context"),
        (b"\x07\x04\x01\x63\x73\x79", "component-model-map"),
        (b"\x07\x04\x01\x67\x7d\x03", "component-model-fixed-length-lists"),
        (b"\x07\x04\x01\x3f\x7e\x00", "component-model-memory64"),
    ],
)
def test_decode_component_definition_without_its_feature_names_it(section: bytes, feature: str) -> None:
    decode(PREAMBLE + section, ALL_FEATURES)
    with pytest.raises(InvalidError, match=f"requires the {feature} feature") as caught:
        decode(PREAMBLE + section, ALL_FEATURES - {feature})
    assert caught.value.feature == feature


def nested(depth: int, build: Any) -> bytes:
    inner = build()
    for _ in range(depth - 1):
        outer = build()
        outer.component(inner)
        inner = outer
    return bytes(inner.data)


def test_decode_component_nested_a_hundred_deep_is_accepted(build: Any) -> None:
    assert len(decode(nested(100, build)).definitions) == 1


def test_decode_component_nested_deeper_is_refused(build: Any) -> None:
    with pytest.raises(InvalidError, match="exceeds the limit of 100"):
        decode(nested(101, build))


def test_decode_component_too_many_components_are_refused(build: Any) -> None:
    b = build()
    for _ in range(2000):
        b.component(PREAMBLE)
    with pytest.raises(InvalidError, match="components count exceeds limit of 2000"):
        decode(bytes(b.data))


def test_decode_component_value_types_nested_deeper_than_a_hundred_are_refused(
    build: Any, types: Any
) -> None:
    b = build()
    last = b.type(types.list("u8"))
    for _ in range(98):
        last = b.type(types.list(last))
    assert decode(bytes(b.data)) is not None
    b.type(types.list(last))
    with pytest.raises(InvalidError, match="nesting of types exceeds the limit of 100"):
        decode(bytes(b.data))


def test_decode_component_inline_types_nested_deeper_than_a_hundred_are_refused(build: Any) -> None:
    b = build()
    b.type(b"\x41\x01\x01" * 1000 + b"\x41\0")
    with pytest.raises(InvalidError, match="exceeds the limit of 100"):
        decode(bytes(b.data))


def test_decode_component_types_that_unfold_exponentially_are_refused(build: Any, types: Any) -> None:
    b = build()
    last: Any = "u8"
    for _ in range(40):
        last = b.type(types.list(b.type(types.tuple(last, last))))
    with pytest.raises(InvalidError, match="effective type size exceeds the limit"):
        decode(bytes(b.data))


def test_decode_component_instances_that_unfold_exponentially_are_refused(build: Any) -> None:
    b = build()
    last = b.bag({})
    for _ in range(60):
        last = b.bag({"a": ("instance", last), "b": ("instance", last)})
    with pytest.raises(InvalidError, match="effective type size exceeds the limit"):
        decode(bytes(b.data))


def test_decode_component_many_large_instantiations_use_up_the_work_limit(
    build: Any, types: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subtyping, "MAX_WORK", 1_000_000)
    b = build()
    inner = build()
    record = inner.type(types.record(a="u8"))
    for i in range(400):
        inner.export(f"t{i}", "type", record)
    component = b.component(inner)
    content = b"\0" + bytes([component]) + b"\0"
    count = 60_000
    b.section(5, b"\xe0\xd4\x03" + content * count)
    with pytest.raises(InvalidError, match="takes more than the limit"):
        decode(bytes(b.data))


def test_decode_component_many_instances_of_many_resources_use_up_the_work_limit(
    build: Any, decls: Any
) -> None:
    b = build()
    d = decls()
    for i in range(2000):
        d.export(f"r{i}", "type")
    type = b.type(d.instance())
    for i in range(100):
        b.import_(f"i{i}", "instance", type)
    with pytest.raises(InvalidError, match="takes more than the limit"):
        decode(bytes(b.data))
