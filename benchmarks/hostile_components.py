"""Components that are made to hurt: as `benchmarks.hostile`, for what reads components."""

from benchmarks.hostile import OK, Case, section, sized, u, vector
from pywrt.component.tables import PREAMBLE
from pywrt.component.text import parse_component

#: An index that no index space has.
FAR = 1 << 31
#: Sections by their code.
CORE_MODULE, CORE_INSTANCE, CORE_TYPE, COMPONENT, INSTANCE, ALIAS, TYPE, CANON = range(1, 9)
IMPORT, EXPORT = 10, 11


def component(*sections: bytes) -> bytes:
    return PREAMBLE + b"".join(sections)


def _text(*fields: str) -> bytes:
    return parse_component("(component " + "".join(fields) + ")")


def _one(code: int, definition: bytes) -> Case:
    return Case(lambda: component(section(code, b"\1" + definition)), "InvalidError: unknown ")


def _deep_type(constructor: str, depth: int, use: str = "") -> bytes:
    chain = "".join(f"(type $t{i + 1} ({constructor} $t{i}))" for i in range(depth))
    return _text("(type $t0 u8)", chain, use.format(f"$t{depth}"))


def _nested(depth: int) -> bytes:
    inner = component()
    for _ in range(depth):
        inner = component(section(COMPONENT, inner))
    return inner


TOO_DEEP = "InvalidError: nesting of types exceeds the limit of 100"

_TYPES: dict[str, Case] = {
    f"{name}s in each other, 200 deep": Case(lambda name=name: _deep_type(name, 200), TOO_DEEP)  # type: ignore[misc]
    for name in ("list", "option", "tuple", "result", "stream", "future")
}
_TYPES |= {
    "lists in each other, 20,000 deep": Case(lambda: _deep_type("list", 20_000), TOO_DEEP),
    "futures in each other, 90 deep": Case(lambda: _deep_type("future", 90), OK),
    "tuples of twice the one before": Case(
        lambda: _text("(type $t0 u64)", *(f"(type $t{i + 1} (tuple $t{i} $t{i}))" for i in range(60))),
        "InvalidError: effective type size exceeds the limit",
    ),
    "variants of twice the one before": Case(
        lambda: _text(
            "(type $t0 u64)",
            *(f'(type $t{i + 1} (variant (case "a" $t{i}) (case "b" $t{i})))' for i in range(60)),
        ),
        "InvalidError: effective type size exceeds the limit",
    ),
    "a list of 2^31 - 1 elements in place": Case(
        lambda: _text("(type (list u8 0x7fffffff))"), "InvalidError: type exceeds maximum byte size"
    ),
    "a thousand times a thousand times, 20 times": Case(
        lambda: _text("(type $t0 u8)", *(f"(type $t{i + 1} (list $t{i} 1000))" for i in range(20))),
        "InvalidError: type exceeds maximum byte size",
    ),
    "a record of 20,000 fields": Case(
        lambda: _text("(type (record ", *(f'(field "f{i}" u8)' for i in range(20_000)), "))"),
        OK,
    ),
    "20,000 types": Case(lambda: component(section(TYPE, u(20_000) + b"\x70\x7d" * 20_000)), OK),
}

_NESTING: dict[str, Case] = {
    "components in each other, 90 deep": Case(lambda: _nested(90), OK),
    "components in each other, 2,000 deep": Case(
        lambda: _nested(2_000), "InvalidError: nesting of components or types exceeds the limit of 100"
    ),
    "2,000 components": Case(
        lambda: component(section(COMPONENT, component()) * 2_000), "InvalidError: components count exceeds"
    ),
    "1,000 components, each made": Case(
        lambda: component(
            section(COMPONENT, component()) * 999,
            section(INSTANCE, vector(b"\0" + u(i) + b"\0" for i in range(999))),
        ),
        OK,
    ),
    "twice the instances of the one before, 40 times": Case(
        lambda: _text(
            "(component $c0)",
            *(
                f"(component $c{i + 1} (alias outer 1 $c{i} (component $x))"
                " (instance (instantiate $x)) (instance (instantiate $x)))"
                for i in range(40)
            ),
            "(instance (instantiate $c40))",
        ),
        "LimitError: the store's limit of",
    ),
}

_CLAIMS: dict[str, Case] = {
    f"2^31 items of section {code}": Case(
        lambda code=code: component(section(code, u(FAR))), "MalformedError: "
    )  # type: ignore[misc]
    for code in (CORE_INSTANCE, CORE_TYPE, INSTANCE, ALIAS, TYPE, CANON, IMPORT, EXPORT)
}

_INDICES: dict[str, Case] = {
    "core module 2^31": _one(CORE_INSTANCE, b"\0" + u(FAR) + b"\0"),
    "component 2^31": _one(INSTANCE, b"\0" + u(FAR) + b"\0"),
    "instance 2^31": _one(ALIAS, b"\1\0" + u(FAR) + sized(b"x")),
    "core instance 2^31": _one(ALIAS, b"\0\0\1" + u(FAR) + sized(b"x")),
    "type 2^30 of elements": _one(TYPE, b"\x70" + u(FAR >> 1)),
    "resource type 2^31": _one(TYPE, b"\x69" + u(FAR)),
    "core function 2^31": _one(CANON, b"\0\0" + u(FAR) + b"\0" + u(FAR)),
    "function 2^31": _one(CANON, b"\1\0" + u(FAR) + b"\0"),
    "stream type 2^31": _one(CANON, b"\x0e" + u(FAR)),
    "function 2^31 as an export": _one(EXPORT, b"\0\1x\1" + u(FAR) + b"\0"),
    "type 2^31 of an import": _one(IMPORT, b"\0\1x\1" + u(FAR)),
    "component 2^31 levels out": Case(
        lambda: component(section(ALIAS, b"\1\3\2" + u(FAR) + u(FAR))),
        "InvalidError: invalid outer alias count",
    ),
}

#: Components in the binary format by name.
COMPONENTS: dict[str, Case] = {**_TYPES, **_NESTING, **_CLAIMS, **_INDICES}
