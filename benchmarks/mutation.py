"""Valid modules of every feature, and what becomes of them when their bytes or words are changed.

Strategy: an edit is three numbers, so that anything random can make it. Those of a module change one byte
of the file, or the content of a section or function body, whose size is then put right: else nearly all
that comes of it is a wrong size.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

from benchmarks.hostile import sized, u
from pywrt.wasm.binary import encode_module
from pywrt.wasm.binary.reader import read_unsigned
from pywrt.wasm.binary.sections import CODE_SECTION
from pywrt.wasm.text import parse_module

#: (place, kind, value): where, what, and with what, each reduced to what there is.
Edit = tuple[int, int, int]

#: Texts of valid modules that import nothing that can't be made by its type.
SEEDS: dict[str, str] = {
    "numbers": """(module
      (import "m" "f" (func $h (param i32) (result i32)))
      (memory (export "mem") 1 2) (data $d (i32.const 8) "abc") (data $p "passive")
      (table $t 4 funcref) (elem (i32.const 0) $a $b) (global $g (mut i64) (i64.const -5))
      (type $bin (func (param i32 i32) (result i32)))
      (func $a (export "a") (type $bin) (i32.add (local.get 0) (i32.div_s (local.get 1) (i32.const 3))))
      (func $b (export "b") (param i32) (result i32) (local i64 f64)
        (block $out (result i32) (loop $l (br_if $l (i32.eqz (local.tee 0 (call $h (local.get 0))))))
          (br_table 0 0 $out (i32.const 7) (local.get 0)))
        (call_indirect (type $bin) (i32.const 1) (i32.const 0)))
      (func (export "c") (result f64)
        (memory.init $p (i32.const 0) (i32.const 0) (i32.const 3)) (data.drop $p)
        (global.set $g (i64.rotl (global.get $g) (i64.const 3)))
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 100)) (drop (memory.grow (i32.const 1)))
        (f64.add (f64.load offset=8 (i32.const 0)) (f64.convert_i64_s (global.get $g))))
      (func (export "d") (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1))
        (else (return_call $b (i32.const 2))))))""",
    "exceptions": """(module
      (import "m" "t" (tag $i (param i64))) (tag $e (export "e") (param i32)) (tag $n)
      (func $thrower (param i32)
        (if (local.get 0) (then (throw $e (local.get 0))) (else (throw $i (i64.const 3)))))
      (func (export "a") (result i32) (block $h (result i32) (block $r (result i32 exnref)
        (try_table (catch $e $h) (catch_ref $e $r) (call $thrower (i32.const 1)))
        (return (i32.const 0))) (throw_ref)))
      (func (export "b") (result exnref) (block $r (result exnref) (try_table (result i32) (catch_all_ref $r)
        (call $thrower (i32.const 0)) (throw $n)) (unreachable)))
      (func (export "c") (result i32) (try (result i32) (do (call $thrower (i32.const 1)) (i32.const 0))
        (catch $e (drop) (i32.const 5)) (catch_all (rethrow 0))))
      (func (export "d") (try (do (try (do (call $thrower (i32.const 1))) (delegate 0))) (catch_all))))""",
    "references": """(module
      (rec (type $f (func (param (ref null $f)) (result i32))) (type $g (sub (func (result (ref null $f))))))
      (type $h (sub final $g (func (result (ref $f)))))
      (table $t 3 (ref null $f)) (table $u 2 3 externref) (global $x (ref null $f) (ref.func $one))
      (elem $s (ref null $f) (ref.func $one) (ref.null $f)) (elem declare func $two)
      (func $one (type $f) (i32.const 1)) (func $two (type $h) (ref.func $one))
      (func (export "a") (result i32) (call_ref $f (ref.null $f) (block $n (result (ref $f))
        (br_on_non_null $n (global.get $x)) (unreachable))))
      (func (export "b") (table.init $t $s (i32.const 0) (i32.const 0) (i32.const 2)) (elem.drop $s)
        (table.set $t (i32.const 1) (ref.func $one))
        (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))
        (drop (table.grow $u (ref.null extern) (i32.const 1)))
        (table.fill $u (i32.const 0) (ref.null extern) (i32.const 1)))
      (func (export "c") (result (ref null $f)) (local (ref $f)) (local.set 0 (ref.func $one))
        (ref.as_non_null (br_on_null 0 (local.get 0) (local.get 0))) (drop)
        (return_call_ref $h (ref.cast (ref $h) (ref.func $two)))))""",
    "aggregates": """(module
      (rec (type $list (sub (struct (field $head (mut i32)) (field $tail (mut (ref null $list))))))
           (type $named (sub $list (struct (field (mut i32)) (field (mut (ref null $list))) (field i16)))))
      (type $bytes (array (mut i8))) (type $refs (array (mut anyref))) (type $longs (array i64))
      (data $d "some bytes") (elem $e anyref (ref.i31 (i32.const 3)) (struct.new_default $named))
      (global $k (ref $longs) (array.new_fixed $longs 2 (i64.const 1) (i64.const 2)))
      (func $cons (param i32 (ref null $list)) (result (ref $list))
        (struct.new $list (local.get 0) (local.get 1)))
      (func (export "a") (result i32) (local $l (ref null $list)) (local $i i32)
        (loop $go (local.set $l (call $cons (local.get $i) (local.get $l)))
          (br_if $go (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
        (struct.set $list $head (local.get $l) (i32.const 9)) (struct.get $list $head (local.get $l)))
      (func (export "b") (result i32) (local $b (ref $bytes))
        (local.set $b (array.new_data $bytes $d (i32.const 1) (i32.const 5)))
        (array.set $bytes (local.get $b) (i32.const 0) (i32.const 255))
        (array.fill $bytes (local.get $b) (i32.const 1) (i32.const 7) (i32.const 2))
        (array.copy $bytes $bytes (local.get $b) (i32.const 0) (local.get $b) (i32.const 2) (i32.const 2))
        (array.init_data $bytes $d (local.get $b) (i32.const 0) (i32.const 0) (i32.const 2))
        (i32.add (array.len (local.get $b)) (array.get_s $bytes (local.get $b) (i32.const 4))))
      (func (export "c") (result anyref) (local $r (ref $refs))
        (local.set $r (array.new_elem $refs $e (i32.const 0) (i32.const 2)))
        (array.init_elem $refs $e (local.get $r) (i32.const 0) (i32.const 1) (i32.const 1))
        (block $cast (result anyref)
          (br_on_cast $cast anyref (ref $named) (array.get $refs (local.get $r) (i32.const 0)))
          (drop) (any.convert_extern (extern.convert_any (local.get $r)))))
      (func (export "d") (result i32) (i32.or
        (ref.test (ref $list) (array.new $refs (ref.null any) (i32.const 3)))
        (i32.add (i31.get_s (ref.i31 (i32.const -4))) (ref.eq (ref.null eq) (struct.new_default $list)))))
      (func (export "e") (result i64) (array.get $longs (global.get $k) (i32.const 1))))""",
    "vectors": """(module (memory 1)
      (func (export "a") (result i32) (local v128) (local.set 0 (v128.const i32x4 1 2 3 4))
        (i32x4.extract_lane 2 (i32x4.add (local.get 0) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31
          (local.get 0) (f32x4.splat (f32.const 1.5))))))
      (func (export "b") (result v128) (v128.store offset=3 (i32.const 1) (i16x8.splat (i32.const 77)))
        (v128.load8_lane 3 (i32.const 2) (v128.load32x2_s (i32.const 0))))
      (func (export "c") (result i32) (i8x16.bitmask (i8x16.relaxed_swizzle (v128.load (i32.const 0))
        (f64x2.relaxed_madd (f64x2.splat (f64.const 1)) (f64x2.splat (f64.const 2))
          (v128.not (v128.const i64x2 0 1)))))))""",
    "memory64": """(module
      (memory $m i64 1 3) (memory $s 1 2 shared) (memory $o 10 20 (pagesize 1)) (table $t i64 3 funcref)
      (data (memory $m) (i64.const 3) "xyz") (elem (table $t) (i64.const 1) func $f)
      (func $f (export "f") (result i64) (i64.add (i64.load $m (i64.const 0)) (memory.grow $m (i64.const 1))))
      (func (export "g") (result i32) (i32.atomic.rmw.add $s (i32.const 4) (i32.const 5)) (drop)
        (memory.atomic.notify $s (i32.const 0) (i32.const 1)) (drop) (atomic.fence)
        (i32.atomic.rmw16.cmpxchg_u $s offset=2 (i32.const 4) (i32.const 5) (i32.const 6)))
      (func (export "h") (result i64 i64) (memory.copy $m $o (i64.const 1) (i32.const 0) (i32.const 4))
        (i64.mul_wide_u (i64.add128 (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4))))
      (func (export "i") (call_indirect $t (result i64) (i64.const 1)) (drop) (drop (table.size $t))))""",
    "descriptors": """(module
      (rec (type $a (sub (descriptor $b) (struct (field i32))))
           (type $b (sub (describes $a) (struct (field i64)))))
      (global $d (ref (exact $b)) (struct.new $b (i64.const 1)))
      (func $make (export "make") (result (ref (exact $a)))
        (struct.new_desc $a (i32.const 5) (global.get $d)))
      (func (export "get") (result i64) (struct.get $b 0 (ref.get_desc $a (call $make))))
      (func (export "cast") (result i32) (struct.get $a 0
        (ref.cast_desc_eq (ref (exact $a)) (call $make) (global.get $d)))))""",
    "names": """(module $name
      (func $f (param $x i32) (local $y i64) (block $label (br $label))) (export "f" (func $f))
      (@custom "note" (after code) "bytes") (type $t (struct (field $z i32))) (memory $mem 1)
      (global $g i32 (i32.const 1))
      (func $hinted (export "g")
        (@metadata.code.branch_hint "\\01") (if (i32.const 1) (then (call $f (global.get $g))))))""",
}


@cache
def seed(name: str) -> bytes:
    """A module of SEEDS in the binary format."""
    return encode_module(parse_module(SEEDS[name]))


#: Numbers where limits are, as the binary format has them.
_NUMBERS = tuple(
    u(value) for value in (0, 1, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 48, (1 << 64) - 1)
)


def _at(data: bytes, place: int) -> int:
    return place % (len(data) + 1)


#: fn(data, place in it, value) -> changed data
_CHANGES: tuple[Callable[[bytes, int, int], bytes], ...] = (
    lambda data, at, value: data[:at] + bytes((value & 0xFF,)) + data[at + 1 :],  # another byte
    lambda data, at, value: data[:at] + bytes((value & 0xFF,)) + data[at:],  # one more
    lambda data, at, value: data[:at] + data[at + 1 + value % 8 :],  # fewer
    lambda data, at, value: data[:at] + _NUMBERS[value % len(_NUMBERS)] + data[at + 1 :],
    lambda data, at, value: data[: at + value % 16] + data[at:],  # some bytes twice
    lambda data, at, value: (
        data[:at] + data[value % (len(data) + 1) :][:12] + data[at:]
    ),  # some from elsewhere
    lambda data, at, value: (
        data[:at] + bytes((data[at] ^ 1 << value % 8,)) + data[at + 1 :] if at < len(data) else data
    ),
)


def _change(data: bytes, edit: Edit) -> bytes:
    place, kind, value = edit
    return _CHANGES[kind % len(_CHANGES)](data, _at(data, place), value)


def _sections(data: bytes) -> list[tuple[int, bytes]]:
    """The (id, content) of each section of a module that is well-formed."""
    pos, found = 8, []
    while pos < len(data):
        id = data[pos]
        size, pos = read_unsigned(data, pos + 1, len(data), 32)
        found.append((id, data[pos : pos + size]))
        pos += size
    return found


def _bodies(content: bytes) -> list[bytes]:
    """The function bodies in the content of a code section."""
    count, pos = read_unsigned(content, 0, len(content), 32)
    bodies = []
    for _ in range(count):
        size, pos = read_unsigned(content, pos, len(content), 32)
        bodies.append(content[pos : pos + size])
        pos += size
    return bodies


def changed(data: bytes, edits: Sequence[Edit]) -> bytes:
    """A valid module after some edits, each of one section's content or one function body."""
    sections = _sections(data)
    parts = [[content] if id != CODE_SECTION else _bodies(content) for id, content in sections]
    places = [(part, i) for part in parts for i in range(len(part))]
    for place, kind, value in edits:
        part, i = places[place % len(places)]
        part[i] = _change(part[i], (place // len(places), kind, value))
    contents = [
        part[0] if id != CODE_SECTION else u(len(part)) + b"".join(map(sized, part))
        for (id, _), part in zip(sections, parts, strict=True)
    ]
    return data[:8] + b"".join(
        bytes((id,)) + sized(content) for (id, _), content in zip(sections, contents, strict=True)
    )


def ends_of_sections(data: bytes) -> set[int]:
    """Where a module may be cut so that its sections stay whole."""
    ends, pos = {8}, 8
    while pos < len(data):
        size, pos = read_unsigned(data, pos + 1, len(data), 32)
        pos += size
        ends.add(pos)
    return ends


def changed_anywhere(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Bytes after some edits."""
    for edit in edits:
        data = _change(data, edit)
    return data


#: What texts are made of: strings, parentheses, words, space.
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+|\s+')
#: Words that mean something somewhere.
_WORDS = (
    *("(", ")", "(;", ";)", "(;x;)", "(@a)", "$l", '"x"', "i32", "0", "-1", "4294967295", "nan:0x1", "inf"),
    *("block", "else", "end", "try", "catch", "delegate", "(then)", "(type 0)", "(param)", "(result i32)"),
    *("(local i64)", "(ref null 0)", "ref.null", "v128.const", "0x1p5", "offset=1", "align=3", "func"),
    *("rec", "sub", "final", "exact"),
)


def changed_words(text: str, edits: Sequence[Edit]) -> str:
    """A text after some edits, each of a word or of a character in it."""
    words = _WORD.findall(text)
    for place, kind, value in edits:
        if not words:
            break
        at = place % len(words)
        other = words[value % len(words)]
        word = _WORDS[value % len(_WORDS)]
        match kind % 6:
            case 0:
                del words[at]
            case 1:
                words.insert(at, word)
            case 2:
                words[at] = word
            case 3:
                words[at] = other
            case 4:
                words[at:at] = words[at : at + value % 10]
            case _:
                raw = _change(words[at].encode(errors="surrogateescape"), (value, kind // 6, place))
                words[at] = raw.decode(errors="surrogateescape")
    return "".join(words)
