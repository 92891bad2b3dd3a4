"""THE table of instructions: decoder, validator, text format, printer, encoder and lowering read it.

A row an instruction: `code` is the opcode byte, or prefix and number (`FC:08`); `immediates` in the
binary format's order, joined by `+`; `type` is `params->results`, or the name of a special rule; `fuel`
is wasmtime's schedule; `trap` names what an out-of-range access or a division in it means
(`TRAP_MESSAGES`); `feature` is the proposal that brought it. Spec: appendix/index-instructions.html
"""

from dataclasses import dataclass

from pywrt.wasm.types import VALTYPE_BY_NAME, ValType

_TABLE = """
code   mnemonic              immediates         type                  fuel  trap     feature
00     unreachable           -                  unreachable           0     -        mvp
01     nop                   -                  ->                    0     -        mvp
02     block                 blocktype          block                 0     -        mvp
03     loop                  blocktype          loop                  0     -        mvp
04     if                    blocktype          if                    1     -        mvp
05     else                  -                  else                  0     -        mvp
0B     end                   -                  end                   0     -        mvp
0C     br                    labelidx           br                    1     -        mvp
0D     br_if                 labelidx           br_if                 1     -        mvp
0E     br_table              labelidx*          br_table              1     -        mvp
0F     return                -                  return                0     -        mvp
10     call                  funcidx            call                  1     -        mvp
11     call_indirect         typeidx+tableidx   call_indirect         1     element  mvp
12     return_call           funcidx            return_call           1     -        tail-call
13     return_call_indirect  typeidx+tableidx   return_call_indirect  1     element  tail-call
1A     drop                  -                  drop                  0     -        mvp
1B     select                -                  select                1     -        mvp
1C     select_t              valtype*           select_t              1     -        reference-types
20     local.get             localidx           local.get             1     -        mvp
21     local.set             localidx           local.set             1     -        mvp
22     local.tee             localidx           local.tee             1     -        mvp
23     global.get            globalidx          global.get            1     -        mvp
24     global.set            globalidx          global.set            1     -        mvp
25     table.get             tableidx           table.get             1     table    reference-types
26     table.set             tableidx           table.set             1     table    reference-types
28     i32.load              memarg             i32->i32              1     memory   mvp
29     i64.load              memarg             i32->i64              1     memory   mvp
2A     f32.load              memarg             i32->f32              1     memory   mvp
2B     f64.load              memarg             i32->f64              1     memory   mvp
2C     i32.load8_s           memarg             i32->i32              1     memory   mvp
2D     i32.load8_u           memarg             i32->i32              1     memory   mvp
2E     i32.load16_s          memarg             i32->i32              1     memory   mvp
2F     i32.load16_u          memarg             i32->i32              1     memory   mvp
30     i64.load8_s           memarg             i32->i64              1     memory   mvp
31     i64.load8_u           memarg             i32->i64              1     memory   mvp
32     i64.load16_s          memarg             i32->i64              1     memory   mvp
33     i64.load16_u          memarg             i32->i64              1     memory   mvp
34     i64.load32_s          memarg             i32->i64              1     memory   mvp
35     i64.load32_u          memarg             i32->i64              1     memory   mvp
36     i32.store             memarg             i32,i32->             1     memory   mvp
37     i64.store             memarg             i32,i64->             1     memory   mvp
38     f32.store             memarg             i32,f32->             1     memory   mvp
39     f64.store             memarg             i32,f64->             1     memory   mvp
3A     i32.store8            memarg             i32,i32->             1     memory   mvp
3B     i32.store16           memarg             i32,i32->             1     memory   mvp
3C     i64.store8            memarg             i32,i64->             1     memory   mvp
3D     i64.store16           memarg             i32,i64->             1     memory   mvp
3E     i64.store32           memarg             i32,i64->             1     memory   mvp
3F     memory.size           memidx             ->i32                 1     -        mvp
40     memory.grow           memidx             i32->i32              1     -        mvp
41     i32.const             i32                ->i32                 1     -        mvp
42     i64.const             i64                ->i64                 1     -        mvp
43     f32.const             f32                ->f32                 1     -        mvp
44     f64.const             f64                ->f64                 1     -        mvp
45     i32.eqz               -                  i32->i32              1     -        mvp
46     i32.eq                -                  i32,i32->i32          1     -        mvp
47     i32.ne                -                  i32,i32->i32          1     -        mvp
48     i32.lt_s              -                  i32,i32->i32          1     -        mvp
49     i32.lt_u              -                  i32,i32->i32          1     -        mvp
4A     i32.gt_s              -                  i32,i32->i32          1     -        mvp
4B     i32.gt_u              -                  i32,i32->i32          1     -        mvp
4C     i32.le_s              -                  i32,i32->i32          1     -        mvp
4D     i32.le_u              -                  i32,i32->i32          1     -        mvp
4E     i32.ge_s              -                  i32,i32->i32          1     -        mvp
4F     i32.ge_u              -                  i32,i32->i32          1     -        mvp
50     i64.eqz               -                  i64->i32              1     -        mvp
51     i64.eq                -                  i64,i64->i32          1     -        mvp
52     i64.ne                -                  i64,i64->i32          1     -        mvp
53     i64.lt_s              -                  i64,i64->i32          1     -        mvp
54     i64.lt_u              -                  i64,i64->i32          1     -        mvp
55     i64.gt_s              -                  i64,i64->i32          1     -        mvp
56     i64.gt_u              -                  i64,i64->i32          1     -        mvp
57     i64.le_s              -                  i64,i64->i32          1     -        mvp
58     i64.le_u              -                  i64,i64->i32          1     -        mvp
59     i64.ge_s              -                  i64,i64->i32          1     -        mvp
5A     i64.ge_u              -                  i64,i64->i32          1     -        mvp
5B     f32.eq                -                  f32,f32->i32          1     -        mvp
5C     f32.ne                -                  f32,f32->i32          1     -        mvp
5D     f32.lt                -                  f32,f32->i32          1     -        mvp
5E     f32.gt                -                  f32,f32->i32          1     -        mvp
5F     f32.le                -                  f32,f32->i32          1     -        mvp
60     f32.ge                -                  f32,f32->i32          1     -        mvp
61     f64.eq                -                  f64,f64->i32          1     -        mvp
62     f64.ne                -                  f64,f64->i32          1     -        mvp
63     f64.lt                -                  f64,f64->i32          1     -        mvp
64     f64.gt                -                  f64,f64->i32          1     -        mvp
65     f64.le                -                  f64,f64->i32          1     -        mvp
66     f64.ge                -                  f64,f64->i32          1     -        mvp
67     i32.clz               -                  i32->i32              1     -        mvp
68     i32.ctz               -                  i32->i32              1     -        mvp
69     i32.popcnt            -                  i32->i32              1     -        mvp
6A     i32.add               -                  i32,i32->i32          1     -        mvp
6B     i32.sub               -                  i32,i32->i32          1     -        mvp
6C     i32.mul               -                  i32,i32->i32          1     -        mvp
6D     i32.div_s             -                  i32,i32->i32          1     divide   mvp
6E     i32.div_u             -                  i32,i32->i32          1     divide   mvp
6F     i32.rem_s             -                  i32,i32->i32          1     divide   mvp
70     i32.rem_u             -                  i32,i32->i32          1     divide   mvp
71     i32.and               -                  i32,i32->i32          1     -        mvp
72     i32.or                -                  i32,i32->i32          1     -        mvp
73     i32.xor               -                  i32,i32->i32          1     -        mvp
74     i32.shl               -                  i32,i32->i32          1     -        mvp
75     i32.shr_s             -                  i32,i32->i32          1     -        mvp
76     i32.shr_u             -                  i32,i32->i32          1     -        mvp
77     i32.rotl              -                  i32,i32->i32          1     -        mvp
78     i32.rotr              -                  i32,i32->i32          1     -        mvp
79     i64.clz               -                  i64->i64              1     -        mvp
7A     i64.ctz               -                  i64->i64              1     -        mvp
7B     i64.popcnt            -                  i64->i64              1     -        mvp
7C     i64.add               -                  i64,i64->i64          1     -        mvp
7D     i64.sub               -                  i64,i64->i64          1     -        mvp
7E     i64.mul               -                  i64,i64->i64          1     -        mvp
7F     i64.div_s             -                  i64,i64->i64          1     divide   mvp
80     i64.div_u             -                  i64,i64->i64          1     divide   mvp
81     i64.rem_s             -                  i64,i64->i64          1     divide   mvp
82     i64.rem_u             -                  i64,i64->i64          1     divide   mvp
83     i64.and               -                  i64,i64->i64          1     -        mvp
84     i64.or                -                  i64,i64->i64          1     -        mvp
85     i64.xor               -                  i64,i64->i64          1     -        mvp
86     i64.shl               -                  i64,i64->i64          1     -        mvp
87     i64.shr_s             -                  i64,i64->i64          1     -        mvp
88     i64.shr_u             -                  i64,i64->i64          1     -        mvp
89     i64.rotl              -                  i64,i64->i64          1     -        mvp
8A     i64.rotr              -                  i64,i64->i64          1     -        mvp
8B     f32.abs               -                  f32->f32              1     -        mvp
8C     f32.neg               -                  f32->f32              1     -        mvp
8D     f32.ceil              -                  f32->f32              1     -        mvp
8E     f32.floor             -                  f32->f32              1     -        mvp
8F     f32.trunc             -                  f32->f32              1     -        mvp
90     f32.nearest           -                  f32->f32              1     -        mvp
91     f32.sqrt              -                  f32->f32              1     -        mvp
92     f32.add               -                  f32,f32->f32          1     -        mvp
93     f32.sub               -                  f32,f32->f32          1     -        mvp
94     f32.mul               -                  f32,f32->f32          1     -        mvp
95     f32.div               -                  f32,f32->f32          1     -        mvp
96     f32.min               -                  f32,f32->f32          1     -        mvp
97     f32.max               -                  f32,f32->f32          1     -        mvp
98     f32.copysign          -                  f32,f32->f32          1     -        mvp
99     f64.abs               -                  f64->f64              1     -        mvp
9A     f64.neg               -                  f64->f64              1     -        mvp
9B     f64.ceil              -                  f64->f64              1     -        mvp
9C     f64.floor             -                  f64->f64              1     -        mvp
9D     f64.trunc             -                  f64->f64              1     -        mvp
9E     f64.nearest           -                  f64->f64              1     -        mvp
9F     f64.sqrt              -                  f64->f64              1     -        mvp
A0     f64.add               -                  f64,f64->f64          1     -        mvp
A1     f64.sub               -                  f64,f64->f64          1     -        mvp
A2     f64.mul               -                  f64,f64->f64          1     -        mvp
A3     f64.div               -                  f64,f64->f64          1     -        mvp
A4     f64.min               -                  f64,f64->f64          1     -        mvp
A5     f64.max               -                  f64,f64->f64          1     -        mvp
A6     f64.copysign          -                  f64,f64->f64          1     -        mvp
A7     i32.wrap_i64          -                  i64->i32              1     -        mvp
A8     i32.trunc_f32_s       -                  f32->i32              1     -        mvp
A9     i32.trunc_f32_u       -                  f32->i32              1     -        mvp
AA     i32.trunc_f64_s       -                  f64->i32              1     -        mvp
AB     i32.trunc_f64_u       -                  f64->i32              1     -        mvp
AC     i64.extend_i32_s      -                  i32->i64              1     -        mvp
AD     i64.extend_i32_u      -                  i32->i64              1     -        mvp
AE     i64.trunc_f32_s       -                  f32->i64              1     -        mvp
AF     i64.trunc_f32_u       -                  f32->i64              1     -        mvp
B0     i64.trunc_f64_s       -                  f64->i64              1     -        mvp
B1     i64.trunc_f64_u       -                  f64->i64              1     -        mvp
B2     f32.convert_i32_s     -                  i32->f32              1     -        mvp
B3     f32.convert_i32_u     -                  i32->f32              1     -        mvp
B4     f32.convert_i64_s     -                  i64->f32              1     -        mvp
B5     f32.convert_i64_u     -                  i64->f32              1     -        mvp
B6     f32.demote_f64        -                  f64->f32              1     -        mvp
B7     f64.convert_i32_s     -                  i32->f64              1     -        mvp
B8     f64.convert_i32_u     -                  i32->f64              1     -        mvp
B9     f64.convert_i64_s     -                  i64->f64              1     -        mvp
BA     f64.convert_i64_u     -                  i64->f64              1     -        mvp
BB     f64.promote_f32       -                  f32->f64              1     -        mvp
BC     i32.reinterpret_f32   -                  f32->i32              1     -        mvp
BD     i64.reinterpret_f64   -                  f64->i64              1     -        mvp
BE     f32.reinterpret_i32   -                  i32->f32              1     -        mvp
BF     f64.reinterpret_i64   -                  i64->f64              1     -        mvp
C0     i32.extend8_s         -                  i32->i32              1     -        sign-extension
C1     i32.extend16_s        -                  i32->i32              1     -        sign-extension
C2     i64.extend8_s         -                  i64->i64              1     -        sign-extension
C3     i64.extend16_s        -                  i64->i64              1     -        sign-extension
C4     i64.extend32_s        -                  i64->i64              1     -        sign-extension
D0     ref.null              heaptype           ref.null              1     -        reference-types
D1     ref.is_null           -                  ref.is_null           1     -        reference-types
D2     ref.func              funcidx            ref.func              1     -        reference-types
FC:00  i32.trunc_sat_f32_s   -                  f32->i32              1     -        saturating-float-to-int
FC:01  i32.trunc_sat_f32_u   -                  f32->i32              1     -        saturating-float-to-int
FC:02  i32.trunc_sat_f64_s   -                  f64->i32              1     -        saturating-float-to-int
FC:03  i32.trunc_sat_f64_u   -                  f64->i32              1     -        saturating-float-to-int
FC:04  i64.trunc_sat_f32_s   -                  f32->i64              1     -        saturating-float-to-int
FC:05  i64.trunc_sat_f32_u   -                  f32->i64              1     -        saturating-float-to-int
FC:06  i64.trunc_sat_f64_s   -                  f64->i64              1     -        saturating-float-to-int
FC:07  i64.trunc_sat_f64_u   -                  f64->i64              1     -        saturating-float-to-int
FC:08  memory.init           dataidx+memidx     memory.init           1     memory   bulk-memory
FC:09  data.drop             dataidx            data.drop             1     -        bulk-memory
FC:10  memory.copy           memidx+memidx      memory.copy           1     memory   bulk-memory
FC:11  memory.fill           memidx             memory.fill           1     memory   bulk-memory
FC:12  table.init            elemidx+tableidx   table.init            1     table    bulk-memory
FC:13  elem.drop             elemidx            elem.drop             1     -        bulk-memory
FC:14  table.copy            tableidx+tableidx  table.copy            1     table    bulk-memory
FC:15  table.grow            tableidx           table.grow            1     -        reference-types
FC:16  table.size            tableidx           ->i32                 1     -        reference-types
FC:17  table.fill            tableidx           table.fill            1     table    reference-types
"""

#: Opcodes of proposals that have no rows yet; a row of the table above wins. Numbers as in it.
_UNBUILT = """
first   last    feature
06      0A      exceptions
14      15      function-references
18      19      exceptions
1F      1F      exceptions
D3      D3      gc
D4      D6      function-references
FB:00   FB:30   gc
FC:18   FC:18   memory-control
FC:19   FC:22   wide-arithmetic
FD:00   FD:255  simd
FD:256  FD:275  relaxed-simd
FE:00   FE:78   threads
"""

#: What Python's own bounds and division checks mean in an instruction, by its `trap` column.
TRAP_MESSAGES = {
    "memory": "out of bounds memory access",
    "table": "out of bounds table access",
    "element": "undefined element",
    "divide": "integer divide by zero",
}


@dataclass(frozen=True, slots=True)
class Opcode:
    """One row. `params` and `results` are None where `rule` names a special typing rule."""

    prefix: int  # 0, or the prefix byte
    number: int
    mnemonic: str
    immediates: tuple[str, ...]
    rule: str
    params: tuple[ValType, ...] | None
    results: tuple[ValType, ...] | None
    fuel: int
    trap: str | None
    feature: str


def _types(names: str) -> tuple[ValType, ...]:
    return tuple(VALTYPE_BY_NAME[name] for name in names.split(",") if name)


def _code(text: str) -> tuple[int, int]:
    prefix, _, number = text.rpartition(":")
    return (int(prefix, 16), int(number)) if prefix else (0, int(number, 16))


def _parse(table: str) -> list[Opcode]:
    rows = []
    for line in table.strip().splitlines()[1:]:
        code, mnemonic, immediates, rule, fuel, trap, feature = line.split()
        prefix, number = _code(code)
        params = results = None
        if "->" in rule:
            before, after = rule.split("->")
            params, results = _types(before), _types(after)
        rows.append(
            Opcode(
                prefix=prefix,
                number=number,
                mnemonic=mnemonic,
                immediates=() if immediates == "-" else tuple(immediates.split("+")),
                rule=rule,
                params=params,
                results=results,
                fuel=int(fuel),
                trap=None if trap == "-" else trap,
                feature=feature,
            )
        )
    return rows


OPCODES: tuple[Opcode, ...] = tuple(_parse(_TABLE))
BY_MNEMONIC: dict[str, Opcode] = {op.mnemonic: op for op in OPCODES}
#: Indexed by prefix (0 for none), then by number.
BY_CODE: dict[int, dict[int, Opcode]] = {}
for _op in OPCODES:
    BY_CODE.setdefault(_op.prefix, {})[_op.number] = _op
#: The bytes that are followed by a number.
PREFIXES = frozenset({0xFB, 0xFC, 0xFD, 0xFE})
_UNBUILT_RANGES = [
    (_code(first), _code(last), feature)
    for first, last, feature in (line.split() for line in _UNBUILT.strip().splitlines()[1:])
]


def unbuilt_feature(prefix: int, number: int) -> str | None:
    """The proposal that an opcode without a row belongs to; None for an illegal opcode."""
    for first, last, feature in _UNBUILT_RANGES:
        if first <= (prefix, number) <= last:
            return feature
    return None


def access_size(op: Opcode) -> int:
    """The bytes of memory that a load or store instruction (one with a memarg) touches."""
    kind, _, access = op.mnemonic.partition(".")
    width = "".join(filter(str.isdigit, access.partition("_")[0]))
    return int(width or kind[1:]) // 8
