"""Texts that are made to hurt: as `benchmarks.hostile`, for what reads the text format."""

from benchmarks.hostile import MANY, OK, Case

_DIGITS = 100_000


def _func(body: str, head: str = "") -> bytes:
    """A module with one function, which it exports."""
    return f'(module (func (export "f") {head} {body}))'.encode()


def _folded(open: str, inside: str = "", close: str = ")") -> bytes:
    return _func(open * MANY + inside + close * MANY)


_NESTING: dict[str, Case] = {
    "folded blocks": Case(lambda: _folded("(block "), OK),
    "folded loops": Case(lambda: _folded("(loop "), OK),
    "folded ifs": Case(lambda: _folded("(if (i32.const 0) (then ", close="))"), OK),
    "folded ifs in conditions": Case(
        lambda: _func(
            "(if (result i32) " * MANY
            + "(i32.const 0)"
            + "(then (i32.const 0)) (else (i32.const 0)))" * MANY
            + " drop"
        ),
        OK,
    ),
    "folded ifs in else": Case(lambda: _folded("(if (i32.const 0) (then) (else ", close="))"), OK),
    "folded tries": Case(lambda: _folded("(try (do ", close=") (catch_all))"), OK),
    "folded tries in catch_all": Case(lambda: _folded("(try (do) (catch_all ", close="))"), OK),
    "folded try_tables": Case(lambda: _folded("(try_table (catch_all 0) "), OK),
    "folded operations": Case(lambda: _folded("(i32.eqz ", "(i32.const 0)")[:-2] + b" drop))", OK),
    "folded operations of two operands": Case(
        lambda: _func("(i32.add (i32.const 0) " * MANY + "(i32.const 0)" + ")" * MANY + " drop"), OK
    ),
    "folded operations in an initialiser": Case(
        lambda: (
            b"(module (global i32 "
            + b"(i32.add (i32.const 0) " * MANY
            + b"(i32.const 0)"
            + b")" * MANY
            + b"))"
        ),
        OK,
    ),
    "blocks": Case(lambda: _func("block " * MANY + "end " * MANY), OK),
    "blocks of names": Case(
        lambda: _func(
            "".join(f"block $l{i} " for i in range(MANY)) + f"br $l{MANY - 1} br $l0 " + "end " * MANY
        ),
        OK,
    ),
    "blocks of names, a branch to each": Case(
        lambda: _func(
            "".join(f"block $l{i} " for i in range(MANY))
            + "".join(f"br $l{i} " for i in range(MANY))
            + "end " * MANY
        ),
        OK,
    ),
    "blocks of one name, a branch in each": Case(lambda: _func("block $l br $l " * MANY + "end " * MANY), OK),
    "blocks of names that end with the name of another": Case(
        lambda: _func("block $l " * MANY + "end $l " * (MANY - 1) + "end $m"),
        "MalformedError: mismatching label",
    ),
    "opened parentheses": Case(lambda: b"(" * 100_000, "MalformedError: "),
    "opened parentheses in a function": Case(lambda: b"(module (func " + b"(" * 100_000, "MalformedError: "),
    "closed parentheses": Case(lambda: b")" * 100_000, "MalformedError: "),
    "comments": Case(lambda: b"(;" * MANY + b";)" * MANY + b"(module)", OK),
    "comments without end": Case(lambda: b"(;" * MANY, "MalformedError: unclosed comment"),
    "annotations": Case(lambda: b"(module " + b"(@a " * MANY + b")" * MANY + b")", OK),
    "annotations without end": Case(lambda: b"(module " + b"(@a " * MANY, "MalformedError: "),
    "modules": Case(lambda: b"(module " * MANY + b")" * MANY, "MalformedError: "),
    "groups of types": Case(lambda: b"(module " + b"(rec " * MANY + b")" * MANY + b")", "MalformedError: "),
    "types in each other": Case(
        lambda: b"(module (type (func (param " + b"(ref null " * MANY + b")" * MANY + b"))))",
        "MalformedError: ",
    ),
}

_NUMBERS: dict[str, Case] = {
    "an integer": Case(
        lambda: _func(f"(drop (i32.const {'1' * _DIGITS}))"), "MalformedError: constant out of range"
    ),
    "an integer of underscores": Case(
        lambda: _func(f"(drop (i32.const {'1_' * (_DIGITS // 2)}1))"), "MalformedError: constant out of range"
    ),
    "a long zero": Case(lambda: _func(f"(drop (i32.const {'0' * _DIGITS}1))"), OK),
    "a hexadecimal integer": Case(
        lambda: _func(f"(drop (i32.const 0x{'f' * _DIGITS}))"), "MalformedError: constant out of range"
    ),
    "an integer of i64": Case(
        lambda: _func(f"(drop (i64.const -{'9' * _DIGITS}))"), "MalformedError: constant out of range"
    ),
    "an integer in a vector": Case(
        lambda: _func(f"(drop (v128.const i32x4 0 0 0 {'9' * _DIGITS}))"),
        "MalformedError: constant out of range",
    ),
    "a float": Case(
        lambda: _func(f"(drop (f32.const {'1' * _DIGITS}))"), "MalformedError: constant out of range"
    ),
    "a float of a long fraction": Case(lambda: _func(f"(drop (f64.const 1.{'3' * _DIGITS}))"), OK),
    "a hexadecimal float of a long fraction": Case(
        lambda: _func(f"(drop (f32.const 0x1.{'3' * _DIGITS}p1))"), OK
    ),
    "a hexadecimal float of a long mantissa": Case(
        lambda: _func(f"(drop (f64.const 0x{'f' * _DIGITS}p0))"), "MalformedError: constant out of range"
    ),
    "a float of a huge exponent": Case(
        lambda: _func(f"(drop (f64.const 1e{'9' * _DIGITS}))"), "MalformedError: constant out of range"
    ),
    "a float of a huge negative exponent": Case(lambda: _func(f"(drop (f64.const 1e-{'9' * _DIGITS}))"), OK),
    "a hexadecimal float of a huge exponent": Case(
        lambda: _func(f"(drop (f64.const 0x1p{'9' * _DIGITS}))"), "MalformedError: constant out of range"
    ),
    "a hexadecimal float of a huge negative exponent": Case(
        lambda: _func(f"(drop (f64.const 0x1p-{'9' * _DIGITS}))"), OK
    ),
    "a hexadecimal float of an exponent of 2^31": Case(
        lambda: _func("(drop (f64.const 0x1p2147483648))"), "MalformedError: constant out of range"
    ),
    "a NaN's payload": Case(
        lambda: _func(f"(drop (f32.const nan:0x{'1' * _DIGITS}))"), "MalformedError: constant out of range"
    ),
    "an index": Case(lambda: _func(f"(local.get {'1' * _DIGITS})"), "MalformedError: "),
    "an offset": Case(
        lambda: _func(f"(drop (i32.load offset={'1' * _DIGITS} (i32.const 0)))"), "MalformedError: "
    ),
    "an alignment": Case(
        lambda: _func(f"(drop (i32.load align={'8' * _DIGITS} (i32.const 0)))"), "MalformedError: "
    ),
    "an alignment of 2^63": Case(
        lambda: (
            b"(module (memory 1) " + _func("(drop (i32.load align=9223372036854775808 (i32.const 0)))")[8:]
        ),
        "InvalidError: alignment must not be larger than natural",
    ),
    "a memory's size": Case(lambda: f"(module (memory {'1' * _DIGITS}))".encode(), "MalformedError: "),
    "a page size": Case(
        lambda: f"(module (memory 1 (pagesize {'1' * _DIGITS})))".encode(), "MalformedError: "
    ),
    "10,000 floats of 20 digits": Case(
        lambda: _func("f64.const 1.2345678901234567890e-290 drop " * 10_000), OK
    ),
}

_MANY: dict[str, Case] = {
    "1,000,000 locals": Case(
        lambda: _func("", f"(local {'i32 ' * 1_000_000})"), "InvalidError: too many locals"
    ),
    "50,000 locals of names": Case(
        lambda: _func("(drop (local.get $l49999))", "".join(f"(local $l{i} i32)" for i in range(MANY))), OK
    ),
    "a local of a name given before": Case(
        lambda: _func("", "".join(f"(local $l{i % (MANY - 1)} i32)" for i in range(MANY))),
        "MalformedError: duplicate local",
    ),
    "a br_table of 1,000,000 labels": Case(lambda: _func(f"(br_table {'0 ' * 1_000_000} (i32.const 0))"), OK),
    "types of a select": Case(
        lambda: _func(f"(select {'(result i32)' * 20_000} (i32.const 0) (i32.const 0) (i32.const 0))"),
        "InvalidError: invalid result arity",
    ),
    "catch clauses": Case(lambda: _func(f"(try_table {'(catch_all 0)' * MANY})"), OK),
    "functions, each of a type of its own": Case(
        lambda: (
            "(module " + "".join(f"(func (param {' '.join(_bits(i))}))" for i in range(4_000)) + ")"
        ).encode(),
        OK,
    ),
    "blocks, each of a type of its own": Case(
        lambda: _func(
            "unreachable "
            + "".join(f"(block (param {' '.join(_bits(i))}) unreachable)" for i in range(4_000))
        ),
        OK,
    ),
    "function types that refer to each other": Case(
        lambda: (
            "(module "
            + "".join(f"(type $t{i} (func (param (ref $t{max(0, i - 1)}))))" for i in range(10_000))
            + ")"
        ).encode(),
        OK,
    ),
    "a group of types that refer to each other": Case(
        lambda: (
            "(module (rec "
            + "".join(
                f"(type $t{i} (struct (field $x (ref null $t{(i + 1) % 10_000}))))" for i in range(10_000)
            )
            + "))"
        ).encode(),
        OK,
    ),
    "exports of one function": Case(
        lambda: ("(module (func $f " + "".join(f'(export "{i}")' for i in range(20_000)) + "))").encode(), OK
    ),
    "imports behind each other": Case(
        lambda: (
            "(module " + "".join(f'(import "" "{i}" (global i32))' for i in range(10_000)) + ")"
        ).encode(),
        OK,
    ),
    "custom annotations": Case(lambda: b"(module " + b'(@custom "x" "y")' * 10_000 + b")", OK),
    "custom annotations in front of each other": Case(
        lambda: (
            b"(module " + b'(@custom "x" (before code) "y") (@custom "x" (after type) "y")' * 5_000 + b")"
        ),
        OK,
    ),
    "branch hints": Case(
        lambda: _func('(@metadata.code.branch_hint "\\00") (if (i32.const 0) (then)) ' * 10_000), OK
    ),
    "branch hints of one instruction": Case(
        lambda: _func('(@metadata.code.branch_hint "\\00")' * 10_000 + " (if (i32.const 0) (then))"),
        "MalformedError: ",
    ),
    "names by annotation": Case(
        lambda: ("(module " + "".join(f'(func (@name "{i}"))' for i in range(10_000)) + ")").encode(), OK
    ),
    "data in pieces": Case(lambda: b"(module (data " + b'"a" ' * MANY + b"))", OK),
    "data of escapes": Case(lambda: b'(module (data "' + b"\\00" * 100_000 + b'"))', OK),
    "data of long escapes": Case(lambda: b'(module (data "' + b"\\u{10ffff}" * 10_000 + b'"))', OK),
    "a long escape": Case(lambda: b'(module (data "\\u{' + b"1" * _DIGITS + b'}"))', "MalformedError: "),
    "elements": Case(lambda: b"(module (func $f) (elem func " + b"$f " * MANY + b"))", OK),
    "a string without end": Case(lambda: b'(module (data "' + b"x" * _DIGITS, "MalformedError: "),
    "a long identifier": Case(lambda: b"(module (func $" + b"x" * _DIGITS + b"))", OK),
    "a long word": Case(lambda: b"(module " + b"x" * _DIGITS + b")", "MalformedError: "),
    "a line without end": Case(
        lambda: b"(module " + b"(func) " * 15_000 + b"(func (x)))", "MalformedError: "
    ),
    "empty lines": Case(lambda: b"\n" * _DIGITS + b"(module (x))", "MalformedError: "),
    "line comments": Case(lambda: b";;\n" * 40_000 + b"(module)", OK),
    "quotation marks": Case(lambda: b'"' * _DIGITS, "MalformedError: "),
    "semicolons": Case(lambda: b";" * _DIGITS, OK),
    "semicolons, one on each line": Case(lambda: b"; " * MANY, "MalformedError: "),
    "at signs": Case(lambda: b"(module (@" + b"@" * _DIGITS + b"))", OK),
    "bytes that are not UTF-8": Case(
        lambda: b"(module (; " + b"\xff" * _DIGITS + b";))", "MalformedError: malformed UTF-8"
    ),
    "zeros": Case(lambda: bytes(_DIGITS), "MalformedError: "),
    "nothing": Case(lambda: b"", OK),
}


def _bits(number: int) -> list[str]:
    """Types that differ for each number."""
    return ["i32" if number >> bit & 1 else "i64" for bit in range(12)]


#: Texts by name.
TEXTS: dict[str, Case] = {
    **{f"nested {name}": case for name, case in _NESTING.items()},
    **{f"numbers: {name}": case for name, case in _NUMBERS.items()},
    **{f"many: {name}": case for name, case in _MANY.items()},
}
