"""What is printed of a component: its text, that it parses to the same component, what it costs."""

import textwrap

import pytest

from pywrt.component.tables import CANONS, MAX_NESTING, PREAMBLE
from pywrt.component.text import parse_component, print_component
from pywrt.errors import LimitError, MalformedError

try:
    import wasmtime
except ImportError:  # the interop extra
    wasmtime = None

#: Texts that are printed as they stand: each kind of definition in its plain form.
PRINTED = {
    "empty": """
        (component)
    """,
    "value types": """
        (component
          (type (;0;) bool)
          (type (;1;) error-context)
          (type (;2;) (record (field "a" u8) (field "b" 0)))
          (type (;3;) (variant (case "a") (case "b" 2)))
          (type (;4;) (list u8))
          (type (;5;) (list 3 4))
          (type (;6;) (tuple u8 0 string))
          (type (;7;) (flags "a" "b"))
          (type (;8;) (enum "a"))
          (type (;9;) (option 3))
          (type (;10;) (result))
          (type (;11;) (result u8))
          (type (;12;) (result (error 0)))
          (type (;13;) (result f32 (error f64)))
          (type (;14;) (resource (rep i32)))
          (type (;15;) (resource (rep i64) (dtor (core func 3))))
          (type (;16;) (own 14))
          (type (;17;) (borrow 14))
          (type (;18;) (stream))
          (type (;19;) (stream u8))
          (type (;20;) (future 0))
          (type (;21;) (map string 0))
          (type (;22;) (func))
          (type (;23;) (func (param "a" char) (param "b" 22) (result s64)))
          (type (;24;) (func async (param "a" 99)))
        )
    """,
    "core types": """
        (component
          (core type (;0;) (func (param i32) (result i64 externref)))
          (core type (;1;) (sub (struct (field (mut i8)) (field (ref null 0)))))
          (core type (;2;) (sub final 1 (struct (field (mut i8)) (field (ref null 0)))))
          (core rec)
          (core rec
            (type (;3;) (array (ref 4)))
            (type (;4;) (func (param (ref 3))))
          )
          (core type (;5;)
            (module)
          )
          (core type (;6;)
            (module
              (type (;0;) (func))
              (alias outer 1 0 (type (;1;)))
              (type (;2;) (sub (func)))
              (rec
                (type (;3;) (struct))
                (type (;4;) (struct))
              )
              (import "m" "f" (func (type 1)))
              (import "m" "t" (table i64 1 2 funcref))
              (import "m" "x" (tag (type 0)))
              (export "m" (memory 1 2 shared))
              (export "g" (global (mut (ref null 3))))
            )
          )
        )
    """,
    "component and instance types": """
        (component
          (type (;0;)
            (instance)
          )
          (type (;1;)
            (component
              (core type (;0;)
                (module)
              )
              (type (;0;) u8)
              (type (;1;)
                (instance
                  (alias outer 1 0 (type (;0;)))
                  (export (;1;) "t" (type (eq 0)))
                  (export (;2;) "r" (type (sub resource)))
                )
              )
              (import "i" (instance (;0;) (type 1)))
              (alias export 0 "t" (type (;2;)))
              (import "a:b/c@1.2.3" (instance (;1;) (type 1)))
              (export (;0;) "m" (core module (type 0)))
              (export (;0;) "c" (component (type 7)))
              (export (;0;) "f" (func (type 3)))
              (export (;0;) "v" (value u8))
              (export (;1;) "w" (value (eq 0)))
            )
          )
        )
    """,
    "imports, exports and aliases": """
        (component
          (import "m" (core module (;0;) (type 0)))
          (import "f" (func (;0;) (type 1)))
          (import "v" (value (;0;) string))
          (import "r" (type (;0;) (sub resource)))
          (import "t" (type (;1;) (eq 0)))
          (import "c" (component (;0;) (type 2)))
          (import "i" (implements "a:b/c") (instance (;0;) (type 3)))
          (import "a:b/c@1" (versionsuffix ".2.3") (external-id "x \\22\\00") (instance (;1;) (type 3)))
          (alias export 0 "f" (func (;1;)))
          (alias export 1 "i" (instance (;2;)))
          (alias core export 0 "m" (core memory (;0;)))
          (alias outer 0 0 (core module (;1;)))
          (alias outer 1 5 (component (;1;)))
          (export (;2;) "f2" (func 1))
          (export (;2;) "t2" (type 1) (type (eq 1)))
          (export (;3;) "i2" (external-id "") (instance 0) (instance (type 3)))
          (export (;1;) "v2" (value 0))
          (export (;2;) "m2" (core module 0))
        )
    """,
    "instances": """
        (component
          (core instance (;0;) (instantiate 0))
          (core instance (;1;) (instantiate 1
              (with "a" (instance 0))
              (with "" (instance 7))
            )
          )
          (core instance (;2;))
          (core instance (;3;)
            (export "f" (func 0))
            (export "x" (tag 1))
          )
          (instance (;0;) (instantiate 3))
          (instance (;1;) (instantiate 3
              (with "f" (func 0))
              (with "m" (core module 1))
            )
          )
          (instance (;2;)
            (export "t" (type 0))
            (export "a:b/c@1" (versionsuffix ".2.3") (instance 0))
          )
        )
    """,
    "start and values": """
        (component
          (value (;0;) string (binary "\\03abc"))
          (value (;1;) 3 (binary ""))
          (start 2)
          (start 1 (value 0) (value 1) (result (value (;2;))) (result (value (;3;))))
        )
    """,
    "custom sections": """
        (component
          (@custom "a" "\\00\\ff")
          (type (;0;) u8)
          (@custom "b" "x")
          (@custom "b" "")
        )
    """,
    "nested": """
        (component
          (core module (;0;))
          (core module (;1;)
            (type (;0;) (func))
            (export "f" (func 0))
            (func (;0;) (type 0)
              block ;; label = @1
                br 0 (;@1;)
              end
            )
            (@custom "c" (after code) "1")
          )
          (component (;0;)
            (component (;0;))
            (core module (;0;)
              (memory (;0;) 1)
              (data (;0;) (i32.const 0) "text of some length, so that it is on a line of its own")
            )
          )
        )
    """,
    "names": """
        (component $C
          (core module $M (;0;)
            (func $f (;0;) (type 9))
          )
          (component $"D d" (;0;)
            (type $t (;0;) u8)
          )
          (type $t (;0;) u8)
          (type $#type1<t> (@name "t") (;1;) (list $t))
          (type (;2;) (tuple $t $#type1<t> 2 3))
          (type (@name "") (;3;) (option $t))
          (type $u (;4;)
            (instance
              (type (;0;) u8)
              (type (;1;) (list 0))
            )
          )
          (import "i" (instance $i (;0;) (type $u)))
          (alias export $i "f" (func $f (;0;)))
          (core func $f (;0;) (canon lower (func $f)))
          (func $#func1<f> (@name "f") (;1;) (type 3) (canon lift (core func $f)))
          (export $e (;1;) "e" (instance $i))
          (value $v (;0;) $t (binary "\\01"))
          (start $f (result (value $w (;1;))))
        )
    """,
    "names that a module or component has for itself": """
        (component (@name "")
          (core module $M (@own_name) (;0;))
          (core module $N (@own_name "other") (;1;)
            (func $f (;0;) (type 0))
          )
          (core module (@own_name "") (;2;))
          (component $C (@own_name) (;0;)
            (component (@own_name "D") (;0;))
          )
          (component $#component1<C> (@name "C") (@own_name "C") (;1;))
          (core instance (;0;) (instantiate $N))
        )
    """,
    "a section of names that is not the last": """
        (component $C
          (@names)
          (type $t (;0;) u8)
          (@custom "producers" "")
        )
    """,
}


def lines(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n").rstrip(" ")


@pytest.mark.parametrize("text", PRINTED.values(), ids=PRINTED)
def test_text_in_plain_form_is_printed_as_it_stands(text: str) -> None:
    assert print_component(parse_component(text)) == lines(text)


@pytest.mark.parametrize("code", CANONS)
def test_canonical_definitions_are_printed_with_all_their_immediates(code: int) -> None:
    canon = CANONS[code]
    immediates = {
        "zero_lift": ("", b"\0"),
        "zero_lower": ("", b"\0"),
        "core_func": (" (core func 1)", b"\1"),
        "func": (" (func 2)", b"\2"),
        "type": (" 3", b"\3"),
        "stream": (" 3", b"\3"),
        "future": (" 3", b"\3"),
        "core_type": (" 4", b"\4"),
        "core_table": (" (core table 5)", b"\5"),
        "core_memory": (" (memory 6)", b"\6"),
        "opts": (
            " string-encoding=latin1+utf16 async (memory 7) (realloc 200) (post-return 9) (callback 0)",
            b"\6\2\6\3\7\4\xc8\1\5\x09\7\0",
        ),
        "results": (" (result u8)", b"\0\x7d"),
        "async": (" async", b"\1"),
        "cancellable": (" cancellable", b"\1"),
        "shared": (" shared", b"\1"),
        "core_valtype": (" i64", b"\x7e"),
        "slot": (" 300", b"\xac\2"),
    }
    words, encoded = f"canon {canon.name}", bytes([1, code])
    for immediate in canon.immediates:
        encoded += immediates[immediate][1]
        if canon.name != "lift" or immediate != "type":
            words += immediates[immediate][0]
    sort = "func (;0;) (type 3)" if canon.name == "lift" else "core func (;0;)"
    binary = PREAMBLE + bytes([8, len(encoded)]) + encoded
    assert print_component(binary) == f"(component\n  ({sort} ({words}))\n)\n"
    assert parse_component(print_component(binary)) == binary


def test_flags_and_results_that_are_not_there_are_left_out() -> None:
    text = lines("""
        (component
          (core func (;0;) (canon task.return))
          (core func (;1;) (canon subtask.cancel))
          (core func (;2;) (canon waitable-set.poll (memory 0)))
        )
    """)
    assert print_component(parse_component(text)) == text


# Sections of names


def section(id: int, content: bytes) -> bytes:
    assert len(content) < 0x80
    return bytes([id, len(content)]) + content


def names(*subsections: bytes) -> bytes:
    """A section of names."""
    return section(0, b"\x0ecomponent-name" + b"".join(subsections))


TYPE = b"\x07\2\1\x7d"
IRREGULAR = {
    "empty": TYPE + names(),
    "of an index that there is not": TYPE + names(b"\1\5\3\1\1\1t"),
    "of a sort without definitions": TYPE + names(b"\1\5\1\1\0\1f"),
    "in another order": TYPE + names(b"\1\5\3\1\0\1t", b"\0\2\1c"),
    "twice the same sort": TYPE + names(b"\1\5\3\1\0\1t", b"\1\5\3\1\0\1t"),
    "of an unknown kind": TYPE + names(b"\1\5\3\1\0\1t", b"\2\1x"),
    "cut off": TYPE + names(b"\1\5\3\1\0\1t", b"\0\2\1"),
    "no UTF-8": TYPE + names(b"\1\5\3\1\0\1\xff"),
    "two sections": TYPE + names(b"\0\2\1c") + names(b"\1\5\3\1\0\1t"),
    "two equal sections": TYPE + names(b"\1\5\3\1\0\1t") + names(b"\1\5\3\1\0\1t"),
    "of a nested component": section(4, PREAMBLE + TYPE + names(b"\1\5\3\1\1\1t")) + names(b"\0\2\1c"),
}


@pytest.mark.parametrize("sections", IRREGULAR.values(), ids=IRREGULAR)
def test_section_of_names_that_identifiers_cannot_say_is_a_custom_section(sections: bytes) -> None:
    text = print_component(PREAMBLE + sections)
    assert '(@custom "component-name"' in text
    assert parse_component(text) == PREAMBLE + sections


def test_names_that_are_written_as_a_custom_section_are_identifiers_all_the_same() -> None:
    text = print_component(PREAMBLE + IRREGULAR["of an unknown kind"])
    assert "  (type $t (;0;) u8)\n" in text


def test_long_name_is_written_once() -> None:
    text = f'(component (type $"{"t" * 1001}" u8) (type (list 0)) (type (list 0)))'
    printed = print_component(parse_component(text))
    assert printed.count("t" * 1001) == 1
    assert parse_component(printed) == parse_component(text)


def test_module_with_names_that_its_text_cannot_say_keeps_its_section() -> None:
    module = b"\0asm\1\0\0\0" + b"\0\x0b\4name\0\2\1m\x7f\0"  # an unknown subsection would be lost
    binary = PREAMBLE + bytes([1, len(module)]) + module
    assert parse_component(print_component(binary)) == binary


# What does not print


@pytest.mark.parametrize(
    ("sections", "message", "offset"),
    [
        (b"\7", "unexpected end of section or function", 9),
        (b"\7\5\1\x7d", "unexpected end of section or function", 12),
        (section(13, b""), "malformed section id: 13", 8),
        (section(7, bytes.fromhex("01 62")), "invalid leading byte (0x62) for component defined type", 11),
        (section(7, bytes.fromhex("01 70 62")), "invalid leading byte (0x62) for value type", 12),
        (section(7, bytes.fromhex("01 7d 00")), "unexpected content in a section: section size mismatch", 12),
        (section(7, bytes.fromhex("01 72 ff ff 03")), "unexpected end of section or function", 15),
        (
            section(7, bytes.fromhex("01 42 01 03")),
            "invalid leading byte (0x3) for component or instance type",
            13,
        ),
        (section(6, bytes.fromhex("01 03 03")), "invalid leading byte (0x3) for alias", 12),
        (
            section(6, bytes.fromhex("01 01 02 00 00")),
            "invalid leading byte (0x1) for component outer alias kind",
            11,
        ),
        (section(8, bytes.fromhex("01 07")), "invalid leading byte (0x7) for canonical function", 11),
        (section(8, bytes.fromhex("01 1c 01 08")), "invalid leading byte (0x8) for canonical option", 13),
        (section(10, bytes.fromhex("01 03")), "invalid leading byte (0x3) for component name", 11),
        (section(12, bytes.fromhex("01 7d 02 00")), "unexpected end of section or function", 14),
        (section(9, bytes.fromhex("00 00 65")), "a start function has at most 100 results", 12),
        (section(1, b"\0asm\1\0\0\0\x20"), "malformed section id 32", 18),
        (section(4, b"\0asm\1\0\0\0"), "expected a version header for a component", 14),
    ],
)
def test_malformed_component_has_no_text_but_an_error_with_the_offset(
    sections: bytes, message: str, offset: int
) -> None:
    with pytest.raises(MalformedError) as caught:
        print_component(PREAMBLE + sections)
    assert caught.value.message.startswith(message)
    assert caught.value.offset == offset


def nested(levels: int) -> bytes:
    """A component with others in it, `levels` of them in all."""
    binary = PREAMBLE
    for _ in range(levels - 1):
        size = len(binary)
        binary = PREAMBLE + b"\4" + bytes([size & 0x7F | 0x80, size >> 7]) + binary
    return binary


def test_components_print_as_deep_as_they_may_be_nested() -> None:
    text = print_component(nested(MAX_NESTING))
    assert parse_component(text) == parse_component(print_component(parse_component(text)))
    with pytest.raises(LimitError, match="nesting of components or types exceeds the limit of 100"):
        print_component(nested(MAX_NESTING + 1))


def test_types_print_as_deep_as_they_may_be_nested() -> None:
    def binary(levels: int) -> bytes:
        content = bytes([1]) + b"\x42\1\1" * (levels - 1) + b"\x42\0"
        return PREAMBLE + b"\7" + bytes([len(content) & 0x7F | 0x80, len(content) >> 7]) + content

    assert print_component(binary(MAX_NESTING - 1)).count("(instance") == MAX_NESTING - 1
    with pytest.raises(LimitError):
        print_component(binary(5_000))


def test_locals_of_all_modules_together_are_limited() -> None:
    body = b"\1\xa0\xc2\x1e\x7f\x0b"  # 500,000 locals
    module = b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\x08\1\6" + body
    one = bytes([1, len(module)]) + module
    assert len(print_component(PREAMBLE + one * 2)) > 2_000_000
    with pytest.raises(LimitError, match="too many locals: more than 1000000"):
        print_component(PREAMBLE + one * 3)


def test_component_that_is_cut_off_is_malformed_wherever() -> None:
    binary = parse_component(PRINTED["component and instance types"])
    assert binary[8] == 7
    for end in range(len(binary)):
        if end == len(PREAMBLE):  # before its only section
            continue
        with pytest.raises(MalformedError) as caught:
            print_component(binary[:end])
        assert caught.value.offset is not None
        assert caught.value.offset <= end


# Other assemblers and real components


@pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed (the interop extra)")
def test_what_is_printed_is_text_for_wasmtime() -> None:
    refused = {}
    for name, text in PRINTED.items():
        try:
            wasmtime.wat2wasm(print_component(parse_component(text)))
        except wasmtime.WasmtimeError as error:
            refused[name] = str(error).splitlines()[0]
    # It has no value definitions, and no bound of a value by another.
    assert refused.keys() == {"component and instance types", "names", "start and values"}
    assert "expected valid component field" in refused["start and values"]
