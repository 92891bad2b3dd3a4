"""Words of the text format: which are keywords, and which proposal an unbuilt one belongs to.

The official lexer calls a word that is no keyword an "unknown operator", and a keyword in the wrong
place an "unexpected token". Instructions come from the opcode table; the rest stands here.
"""

import re

from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import ABSTRACT_HEAP_TYPES, VALTYPE_BY_NAME

_STRUCTURE = """
module type func table memory global import export start elem data tag rec sub final struct array field
mut param result local item offset declare do then ref null exact describes descriptor shared pagesize
catch_ref catch_all_ref i8 i16 i8x16 i16x8 i32x4 i64x2 f32x4 f64x2
definition instance binary quote register invoke get script input output either
assert_return assert_trap assert_exhaustion assert_exception assert_malformed assert_invalid
assert_malformed_custom assert_invalid_custom assert_unlinkable
ref.any ref.struct ref.array ref.exn ref.extern ref.host nan:canonical nan:arithmetic
"""
#: Rows of the opcode table whose mnemonic is the table's own: the text says them by their immediates.
UNWRITTEN = frozenset(("select_t", "ref.test_null", "ref.cast_null", "ref.cast_desc_eq_null"))
_KEYWORDS = (
    frozenset(_STRUCTURE.split())
    | (BY_MNEMONIC.keys() - UNWRITTEN)
    | VALTYPE_BY_NAME.keys()
    | ABSTRACT_HEAP_TYPES.keys()
)
_MEMARG = re.compile(r"(?:offset|align)=(?:[0-9]+(?:_[0-9]+)*|0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)")

#: Words of what is read elsewhere, to name what a text needs.
_UNBUILT = (
    ("component-model", "component bool.const u8.const s8.const u16.const s16.const u32.const s32.const"),
    ("component-model", "u64.const s64.const char.const str.const list.const record.const tuple.const"),
    (
        "component-model",
        "variant.const enum.const option.some option.none result.ok result.err flags.const map.const",
    ),
)
_FEATURE_BY_WORD = {word: feature for feature, words in _UNBUILT for word in words.split()}


def feature_of(word: str) -> str | None:
    """The proposal that a keyword belongs to which no module has."""
    return _FEATURE_BY_WORD.get(word)


def is_keyword(word: str) -> bool:
    """Whether a word is known to the lexical grammar."""
    return word in _KEYWORDS or _MEMARG.fullmatch(word) is not None
