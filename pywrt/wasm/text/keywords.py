"""Words of the text format: which are keywords, and which proposal an unbuilt one belongs to.

The official lexer calls a word that is no keyword an "unknown operator", and a keyword in the wrong
place an "unexpected token". Instructions come from the opcode table; the rest stands here.
"""

import re

from pywrt.wasm.opcodes import BY_MNEMONIC
from pywrt.wasm.types import VALTYPE_BY_NAME

_STRUCTURE = """
module type func table memory global import export start elem data tag rec sub final struct
array field param result local mut item offset declare then ref null select definition
instance binary quote register invoke get script input output extern any eq i31 none nofunc
noextern exn noexn nan:canonical nan:arithmetic assert_return assert_trap assert_exhaustion
assert_malformed assert_invalid assert_unlinkable assert_exception either ref.extern
ref.host ref.null ref.func shared unshared
"""

#: Words of proposals, to name what a text needs; a row whose feature has opcode rows no longer matters
#: for instructions, since the table is asked first.
_FEATURES = (
    ("gc", "anyref eqref i31ref structref arrayref nullref nullfuncref nullexternref rec sub struct array"),
    ("gc", "any eq i31 none nofunc noextern ref.eq ref.test ref.cast ref.i31 br_on_cast br_on_cast_fail"),
    ("gc", "any.convert_extern extern.convert_any i31.get_s i31.get_u ref.host ref.array ref.struct"),
    ("gc", "struct.new struct.new_default struct.get struct.get_s struct.get_u struct.set"),
    ("gc", "array.new array.new_default array.new_fixed array.new_data array.new_elem array.get array.get_s"),
    ("gc", "array.get_u array.set array.len array.fill array.copy array.init_data array.init_elem"),
    ("function-references", "ref call_ref return_call_ref ref.as_non_null br_on_null br_on_non_null"),
    ("exceptions", "tag exn noexn exnref nullexnref throw throw_ref try_table assert_exception"),
    ("legacy-exceptions", "try catch catch_all delegate rethrow do"),
    ("threads", "shared atomic.fence thread wait"),
    ("custom-page-sizes", "pagesize"),
    ("wide-arithmetic", "i64.add128 i64.sub128 i64.mul_wide_s i64.mul_wide_u"),
    ("custom-descriptors", "exact describes descriptor struct.new_desc struct.new_default_desc ref.get_desc"),
    ("custom-descriptors", "ref.cast_desc_eq br_on_cast_desc_eq br_on_cast_desc_eq_fail"),
    ("annotations", "assert_malformed_custom assert_invalid_custom"),
    ("simd", "v128"),
    ("component-model", "component bool.const u8.const s8.const u16.const s16.const u32.const s32.const"),
    ("component-model", "u64.const s64.const char.const str.const list.const record.const tuple.const"),
    (
        "component-model",
        "variant.const enum.const option.some option.none result.ok result.err flags.const map.const",
    ),
)
#: `select_t` is the table's name of `select` with types; no text has it.
_KEYWORDS = frozenset(_STRUCTURE.split()) | (set(BY_MNEMONIC) - {"select_t"}) | set(VALTYPE_BY_NAME)
_FEATURE_BY_WORD: dict[str, str] = {}
for _feature, _words in _FEATURES:
    for _word in _words.split():
        _FEATURE_BY_WORD.setdefault(_word, _feature)
_RELAXED = re.compile(r"(?:i8x16|i16x8|i32x4|i64x2|f32x4|f64x2)\.relaxed_[a-z0-9_]+")
_SIMD = re.compile(r"(?:v128|i8x16|i16x8|i32x4|i64x2|f32x4|f64x2)\.[a-z][a-z0-9_]*")
_ATOMIC = re.compile(r"(?:memory|i32|i64)\.atomic\.[a-z0-9_.]+")
_MEMARG = re.compile(r"(?:offset|align)=(?:[0-9]+(?:_[0-9]+)*|0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)")


def feature_of(word: str) -> str | None:
    """The proposal that an instruction or keyword belongs to which this format does not read yet."""
    if word in _FEATURE_BY_WORD:
        return _FEATURE_BY_WORD[word]
    if _RELAXED.fullmatch(word):
        return "relaxed-simd"
    if _SIMD.fullmatch(word):
        return "simd"
    if _ATOMIC.fullmatch(word):
        return "threads"
    return None


def is_keyword(word: str) -> bool:
    """Whether a word is known to the lexical grammar, of any proposal."""
    return word in _KEYWORDS or _MEMARG.fullmatch(word) is not None or feature_of(word) is not None
