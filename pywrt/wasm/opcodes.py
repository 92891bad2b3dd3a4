"""THE table of instructions: decoder, validator, text format, printer, encoder and lowering read it.

A row an instruction: `code` is the opcode byte, or prefix and number (`FC:08`); `immediates` in the
binary format's order, joined by `+` (`castop` is flags, a label and two heap types); `type` is
`params->results`, or the name of a special rule (an address is i32 here: i64 where a memory's are); `fuel`
is wasmtime's schedule; `trap` names what an out-of-range access, a division or a null in it means
(`engine.backtrace`); `feature` is the proposal that brought it. Spec: appendix/index-instructions.html
"""

from dataclasses import dataclass
from functools import cache

from pywrt.wasm.types import VALTYPE_BY_NAME, ValType

_TABLE = """
code  mnemonic                   immediates        type                  fuel trap     feature
00    unreachable                -                 unreachable           0    -        mvp
01    nop                        -                 ->                    0    -        mvp
02    block                      blocktype         block                 0    -        mvp
03    loop                       blocktype         loop                  0    -        mvp
04    if                         blocktype         if                    1    -        mvp
05    else                       -                 else                  0    -        mvp
06    try                        blocktype         try                   1    -        legacy-exceptions
07    catch                      tagidx            catch                 0    -        legacy-exceptions
08    throw                      tagidx            throw                 1    -        exceptions
09    rethrow                    labelidx          rethrow               1    -        legacy-exceptions
0A    throw_ref                  -                 throw_ref             1    -        exceptions
0B    end                        -                 end                   0    -        mvp
0C    br                         labelidx          br                    1    -        mvp
0D    br_if                      labelidx          br_if                 1    -        mvp
0E    br_table                   labelidx*         br_table              1    -        mvp
0F    return                     -                 return                0    -        mvp
10    call                       funcidx           call                  1    -        mvp
11    call_indirect              typeidx+tableidx  call_indirect         1    element  mvp
12    return_call                funcidx           return_call           1    -        tail-call
13    return_call_indirect       typeidx+tableidx  return_call_indirect  1    element  tail-call
14    call_ref                   typeidx           call_ref              1    -        function-references
15    return_call_ref            typeidx           return_call_ref       1    -        function-references
18    delegate                   labelidx          delegate              0    -        legacy-exceptions
19    catch_all                  -                 catch_all             0    -        legacy-exceptions
1A    drop                       -                 drop                  0    -        mvp
1B    select                     -                 select                1    -        mvp
1C    select_t                   valtype*          select_t              1    -        reference-types
1F    try_table                  blocktype+catch*  try_table             1    -        exceptions
20    local.get                  localidx          local.get             1    -        mvp
21    local.set                  localidx          local.set             1    -        mvp
22    local.tee                  localidx          local.tee             1    -        mvp
23    global.get                 globalidx         global.get            1    -        mvp
24    global.set                 globalidx         global.set            1    -        mvp
25    table.get                  tableidx          table.get             1    table    reference-types
26    table.set                  tableidx          table.set             1    table    reference-types
28    i32.load                   memarg            i32->i32              1    memory   mvp
29    i64.load                   memarg            i32->i64              1    memory   mvp
2A    f32.load                   memarg            i32->f32              1    memory   mvp
2B    f64.load                   memarg            i32->f64              1    memory   mvp
2C    i32.load8_s                memarg            i32->i32              1    memory   mvp
2D    i32.load8_u                memarg            i32->i32              1    memory   mvp
2E    i32.load16_s               memarg            i32->i32              1    memory   mvp
2F    i32.load16_u               memarg            i32->i32              1    memory   mvp
30    i64.load8_s                memarg            i32->i64              1    memory   mvp
31    i64.load8_u                memarg            i32->i64              1    memory   mvp
32    i64.load16_s               memarg            i32->i64              1    memory   mvp
33    i64.load16_u               memarg            i32->i64              1    memory   mvp
34    i64.load32_s               memarg            i32->i64              1    memory   mvp
35    i64.load32_u               memarg            i32->i64              1    memory   mvp
36    i32.store                  memarg            i32,i32->             1    memory   mvp
37    i64.store                  memarg            i32,i64->             1    memory   mvp
38    f32.store                  memarg            i32,f32->             1    memory   mvp
39    f64.store                  memarg            i32,f64->             1    memory   mvp
3A    i32.store8                 memarg            i32,i32->             1    memory   mvp
3B    i32.store16                memarg            i32,i32->             1    memory   mvp
3C    i64.store8                 memarg            i32,i64->             1    memory   mvp
3D    i64.store16                memarg            i32,i64->             1    memory   mvp
3E    i64.store32                memarg            i32,i64->             1    memory   mvp
3F    memory.size                memidx            ->i32                 1    -        mvp
40    memory.grow                memidx            i32->i32              1    -        mvp
41    i32.const                  i32               ->i32                 1    -        mvp
42    i64.const                  i64               ->i64                 1    -        mvp
43    f32.const                  f32               ->f32                 1    -        mvp
44    f64.const                  f64               ->f64                 1    -        mvp
45    i32.eqz                    -                 i32->i32              1    -        mvp
46    i32.eq                     -                 i32,i32->i32          1    -        mvp
47    i32.ne                     -                 i32,i32->i32          1    -        mvp
48    i32.lt_s                   -                 i32,i32->i32          1    -        mvp
49    i32.lt_u                   -                 i32,i32->i32          1    -        mvp
4A    i32.gt_s                   -                 i32,i32->i32          1    -        mvp
4B    i32.gt_u                   -                 i32,i32->i32          1    -        mvp
4C    i32.le_s                   -                 i32,i32->i32          1    -        mvp
4D    i32.le_u                   -                 i32,i32->i32          1    -        mvp
4E    i32.ge_s                   -                 i32,i32->i32          1    -        mvp
4F    i32.ge_u                   -                 i32,i32->i32          1    -        mvp
50    i64.eqz                    -                 i64->i32              1    -        mvp
51    i64.eq                     -                 i64,i64->i32          1    -        mvp
52    i64.ne                     -                 i64,i64->i32          1    -        mvp
53    i64.lt_s                   -                 i64,i64->i32          1    -        mvp
54    i64.lt_u                   -                 i64,i64->i32          1    -        mvp
55    i64.gt_s                   -                 i64,i64->i32          1    -        mvp
56    i64.gt_u                   -                 i64,i64->i32          1    -        mvp
57    i64.le_s                   -                 i64,i64->i32          1    -        mvp
58    i64.le_u                   -                 i64,i64->i32          1    -        mvp
59    i64.ge_s                   -                 i64,i64->i32          1    -        mvp
5A    i64.ge_u                   -                 i64,i64->i32          1    -        mvp
5B    f32.eq                     -                 f32,f32->i32          1    -        mvp
5C    f32.ne                     -                 f32,f32->i32          1    -        mvp
5D    f32.lt                     -                 f32,f32->i32          1    -        mvp
5E    f32.gt                     -                 f32,f32->i32          1    -        mvp
5F    f32.le                     -                 f32,f32->i32          1    -        mvp
60    f32.ge                     -                 f32,f32->i32          1    -        mvp
61    f64.eq                     -                 f64,f64->i32          1    -        mvp
62    f64.ne                     -                 f64,f64->i32          1    -        mvp
63    f64.lt                     -                 f64,f64->i32          1    -        mvp
64    f64.gt                     -                 f64,f64->i32          1    -        mvp
65    f64.le                     -                 f64,f64->i32          1    -        mvp
66    f64.ge                     -                 f64,f64->i32          1    -        mvp
67    i32.clz                    -                 i32->i32              1    -        mvp
68    i32.ctz                    -                 i32->i32              1    -        mvp
69    i32.popcnt                 -                 i32->i32              1    -        mvp
6A    i32.add                    -                 i32,i32->i32          1    -        mvp
6B    i32.sub                    -                 i32,i32->i32          1    -        mvp
6C    i32.mul                    -                 i32,i32->i32          1    -        mvp
6D    i32.div_s                  -                 i32,i32->i32          1    divide   mvp
6E    i32.div_u                  -                 i32,i32->i32          1    divide   mvp
6F    i32.rem_s                  -                 i32,i32->i32          1    divide   mvp
70    i32.rem_u                  -                 i32,i32->i32          1    divide   mvp
71    i32.and                    -                 i32,i32->i32          1    -        mvp
72    i32.or                     -                 i32,i32->i32          1    -        mvp
73    i32.xor                    -                 i32,i32->i32          1    -        mvp
74    i32.shl                    -                 i32,i32->i32          1    -        mvp
75    i32.shr_s                  -                 i32,i32->i32          1    -        mvp
76    i32.shr_u                  -                 i32,i32->i32          1    -        mvp
77    i32.rotl                   -                 i32,i32->i32          1    -        mvp
78    i32.rotr                   -                 i32,i32->i32          1    -        mvp
79    i64.clz                    -                 i64->i64              1    -        mvp
7A    i64.ctz                    -                 i64->i64              1    -        mvp
7B    i64.popcnt                 -                 i64->i64              1    -        mvp
7C    i64.add                    -                 i64,i64->i64          1    -        mvp
7D    i64.sub                    -                 i64,i64->i64          1    -        mvp
7E    i64.mul                    -                 i64,i64->i64          1    -        mvp
7F    i64.div_s                  -                 i64,i64->i64          1    divide   mvp
80    i64.div_u                  -                 i64,i64->i64          1    divide   mvp
81    i64.rem_s                  -                 i64,i64->i64          1    divide   mvp
82    i64.rem_u                  -                 i64,i64->i64          1    divide   mvp
83    i64.and                    -                 i64,i64->i64          1    -        mvp
84    i64.or                     -                 i64,i64->i64          1    -        mvp
85    i64.xor                    -                 i64,i64->i64          1    -        mvp
86    i64.shl                    -                 i64,i64->i64          1    -        mvp
87    i64.shr_s                  -                 i64,i64->i64          1    -        mvp
88    i64.shr_u                  -                 i64,i64->i64          1    -        mvp
89    i64.rotl                   -                 i64,i64->i64          1    -        mvp
8A    i64.rotr                   -                 i64,i64->i64          1    -        mvp
8B    f32.abs                    -                 f32->f32              1    -        mvp
8C    f32.neg                    -                 f32->f32              1    -        mvp
8D    f32.ceil                   -                 f32->f32              1    -        mvp
8E    f32.floor                  -                 f32->f32              1    -        mvp
8F    f32.trunc                  -                 f32->f32              1    -        mvp
90    f32.nearest                -                 f32->f32              1    -        mvp
91    f32.sqrt                   -                 f32->f32              1    -        mvp
92    f32.add                    -                 f32,f32->f32          1    -        mvp
93    f32.sub                    -                 f32,f32->f32          1    -        mvp
94    f32.mul                    -                 f32,f32->f32          1    -        mvp
95    f32.div                    -                 f32,f32->f32          1    -        mvp
96    f32.min                    -                 f32,f32->f32          1    -        mvp
97    f32.max                    -                 f32,f32->f32          1    -        mvp
98    f32.copysign               -                 f32,f32->f32          1    -        mvp
99    f64.abs                    -                 f64->f64              1    -        mvp
9A    f64.neg                    -                 f64->f64              1    -        mvp
9B    f64.ceil                   -                 f64->f64              1    -        mvp
9C    f64.floor                  -                 f64->f64              1    -        mvp
9D    f64.trunc                  -                 f64->f64              1    -        mvp
9E    f64.nearest                -                 f64->f64              1    -        mvp
9F    f64.sqrt                   -                 f64->f64              1    -        mvp
A0    f64.add                    -                 f64,f64->f64          1    -        mvp
A1    f64.sub                    -                 f64,f64->f64          1    -        mvp
A2    f64.mul                    -                 f64,f64->f64          1    -        mvp
A3    f64.div                    -                 f64,f64->f64          1    -        mvp
A4    f64.min                    -                 f64,f64->f64          1    -        mvp
A5    f64.max                    -                 f64,f64->f64          1    -        mvp
A6    f64.copysign               -                 f64,f64->f64          1    -        mvp
A7    i32.wrap_i64               -                 i64->i32              1    -        mvp
A8    i32.trunc_f32_s            -                 f32->i32              1    -        mvp
A9    i32.trunc_f32_u            -                 f32->i32              1    -        mvp
AA    i32.trunc_f64_s            -                 f64->i32              1    -        mvp
AB    i32.trunc_f64_u            -                 f64->i32              1    -        mvp
AC    i64.extend_i32_s           -                 i32->i64              1    -        mvp
AD    i64.extend_i32_u           -                 i32->i64              1    -        mvp
AE    i64.trunc_f32_s            -                 f32->i64              1    -        mvp
AF    i64.trunc_f32_u            -                 f32->i64              1    -        mvp
B0    i64.trunc_f64_s            -                 f64->i64              1    -        mvp
B1    i64.trunc_f64_u            -                 f64->i64              1    -        mvp
B2    f32.convert_i32_s          -                 i32->f32              1    -        mvp
B3    f32.convert_i32_u          -                 i32->f32              1    -        mvp
B4    f32.convert_i64_s          -                 i64->f32              1    -        mvp
B5    f32.convert_i64_u          -                 i64->f32              1    -        mvp
B6    f32.demote_f64             -                 f64->f32              1    -        mvp
B7    f64.convert_i32_s          -                 i32->f64              1    -        mvp
B8    f64.convert_i32_u          -                 i32->f64              1    -        mvp
B9    f64.convert_i64_s          -                 i64->f64              1    -        mvp
BA    f64.convert_i64_u          -                 i64->f64              1    -        mvp
BB    f64.promote_f32            -                 f32->f64              1    -        mvp
BC    i32.reinterpret_f32        -                 f32->i32              1    -        mvp
BD    i64.reinterpret_f64        -                 f64->i64              1    -        mvp
BE    f32.reinterpret_i32        -                 i32->f32              1    -        mvp
BF    f64.reinterpret_i64        -                 i64->f64              1    -        mvp
C0    i32.extend8_s              -                 i32->i32              1    -        sign-extension
C1    i32.extend16_s             -                 i32->i32              1    -        sign-extension
C2    i64.extend8_s              -                 i64->i64              1    -        sign-extension
C3    i64.extend16_s             -                 i64->i64              1    -        sign-extension
C4    i64.extend32_s             -                 i64->i64              1    -        sign-extension
D0    ref.null                   heaptype          ref.null              1    -        reference-types
D1    ref.is_null                -                 ref.is_null           1    -        reference-types
D2    ref.func                   funcidx           ref.func              1    -        reference-types
D3    ref.eq                     -                 eqref,eqref->i32      1    -        gc
D4    ref.as_non_null            -                 ref.as_non_null       1    -        function-references
D5    br_on_null                 labelidx          br_on_null            1    -        function-references
D6    br_on_non_null             labelidx          br_on_non_null        1    -        function-references
FB:00 struct.new                 typeidx           struct.new            1    -        gc
FB:01 struct.new_default         typeidx           struct.new_default    1    -        gc
FB:02 struct.get                 typeidx+fieldidx  struct.get            1    struct   gc
FB:03 struct.get_s               typeidx+fieldidx  struct.get_s          1    struct   gc
FB:04 struct.get_u               typeidx+fieldidx  struct.get_u          1    struct   gc
FB:05 struct.set                 typeidx+fieldidx  struct.set            1    struct   gc
FB:06 array.new                  typeidx           array.new             1    -        gc
FB:07 array.new_default          typeidx           array.new_default     1    -        gc
FB:08 array.new_fixed            typeidx+u32       array.new_fixed       1    -        gc
FB:09 array.new_data             typeidx+dataidx   array.new_data        1    -        gc
FB:10 array.new_elem             typeidx+elemidx   array.new_elem        1    -        gc
FB:11 array.get                  typeidx           array.get             1    array    gc
FB:12 array.get_s                typeidx           array.get_s           1    array    gc
FB:13 array.get_u                typeidx           array.get_u           1    array    gc
FB:14 array.set                  typeidx           array.set             1    array    gc
FB:15 array.len                  -                 arrayref->i32         1    array    gc
FB:16 array.fill                 typeidx           array.fill            1    array    gc
FB:17 array.copy                 typeidx+typeidx   array.copy            1    array    gc
FB:18 array.init_data            typeidx+dataidx   array.init_data       1    array    gc
FB:19 array.init_elem            typeidx+elemidx   array.init_elem       1    array    gc
FB:20 ref.test                   heaptype          ref.test              1    -        gc
FB:21 ref.test_null              heaptype          ref.test_null         1    -        gc
FB:22 ref.cast                   heaptype          ref.cast              1    -        gc
FB:23 ref.cast_null              heaptype          ref.cast_null         1    -        gc
FB:24 br_on_cast                 castop            br_on_cast            1    -        gc
FB:25 br_on_cast_fail            castop            br_on_cast_fail       1    -        gc
FB:26 any.convert_extern         -                 any.convert_extern    1    -        gc
FB:27 extern.convert_any         -                 extern.convert_any    1    -        gc
FB:28 ref.i31                    -                 ref.i31               1    -        gc
FB:29 i31.get_s                  -                 i31ref->i32           1    i31      gc
FB:30 i31.get_u                  -                 i31ref->i32           1    i31      gc
FB:32 struct.new_desc            typeidx           struct.new_desc       1    -        custom-descriptors
FB:33 struct.new_default_desc    typeidx           struct.new_default_desc 1    -        custom-descriptors
FB:34 ref.get_desc               typeidx           ref.get_desc          1    ref      custom-descriptors
FB:35 ref.cast_desc_eq           heaptype          ref.cast_desc_eq      1    -        custom-descriptors
FB:36 ref.cast_desc_eq_null      heaptype          ref.cast_desc_eq_null 1    -        custom-descriptors
FB:37 br_on_cast_desc_eq         castop            br_on_cast_desc_eq    1    -        custom-descriptors
FB:38 br_on_cast_desc_eq_fail    castop            br_on_cast_desc_eq_fail 1    -        custom-descriptors
FC:00 i32.trunc_sat_f32_s        -                 f32->i32              1    -        saturating-float-to-int
FC:01 i32.trunc_sat_f32_u        -                 f32->i32              1    -        saturating-float-to-int
FC:02 i32.trunc_sat_f64_s        -                 f64->i32              1    -        saturating-float-to-int
FC:03 i32.trunc_sat_f64_u        -                 f64->i32              1    -        saturating-float-to-int
FC:04 i64.trunc_sat_f32_s        -                 f32->i64              1    -        saturating-float-to-int
FC:05 i64.trunc_sat_f32_u        -                 f32->i64              1    -        saturating-float-to-int
FC:06 i64.trunc_sat_f64_s        -                 f64->i64              1    -        saturating-float-to-int
FC:07 i64.trunc_sat_f64_u        -                 f64->i64              1    -        saturating-float-to-int
FC:08 memory.init                dataidx+memidx    memory.init           1    memory   bulk-memory
FC:09 data.drop                  dataidx           data.drop             1    -        bulk-memory
FC:10 memory.copy                memidx+memidx     memory.copy           1    memory   bulk-memory
FC:11 memory.fill                memidx            memory.fill           1    memory   bulk-memory
FC:12 table.init                 elemidx+tableidx  table.init            1    table    bulk-memory
FC:13 elem.drop                  elemidx           elem.drop             1    -        bulk-memory
FC:14 table.copy                 tableidx+tableidx table.copy            1    table    bulk-memory
FC:15 table.grow                 tableidx          table.grow            1    -        reference-types
FC:16 table.size                 tableidx          ->i32                 1    -        reference-types
FC:17 table.fill                 tableidx          table.fill            1    table    reference-types
FC:19 i64.add128                 -                 i64,i64,i64,i64->i64,i64 1    -        wide-arithmetic
FC:20 i64.sub128                 -                 i64,i64,i64,i64->i64,i64 1    -        wide-arithmetic
FC:21 i64.mul_wide_s             -                 i64,i64->i64,i64      1    -        wide-arithmetic
FC:22 i64.mul_wide_u             -                 i64,i64->i64,i64      1    -        wide-arithmetic
FD:00 v128.load                  memarg            i32->v128             1    memory   simd
FD:01 v128.load8x8_s             memarg            i32->v128             1    memory   simd
FD:02 v128.load8x8_u             memarg            i32->v128             1    memory   simd
FD:03 v128.load16x4_s            memarg            i32->v128             1    memory   simd
FD:04 v128.load16x4_u            memarg            i32->v128             1    memory   simd
FD:05 v128.load32x2_s            memarg            i32->v128             1    memory   simd
FD:06 v128.load32x2_u            memarg            i32->v128             1    memory   simd
FD:07 v128.load8_splat           memarg            i32->v128             1    memory   simd
FD:08 v128.load16_splat          memarg            i32->v128             1    memory   simd
FD:09 v128.load32_splat          memarg            i32->v128             1    memory   simd
FD:10 v128.load64_splat          memarg            i32->v128             1    memory   simd
FD:11 v128.store                 memarg            i32,v128->            1    memory   simd
FD:12 v128.const                 v128              ->v128                1    -        simd
FD:13 i8x16.shuffle              laneidx16         v128,v128->v128       1    -        simd
FD:14 i8x16.swizzle              -                 v128,v128->v128       1    -        simd
FD:15 i8x16.splat                -                 i32->v128             1    -        simd
FD:16 i16x8.splat                -                 i32->v128             1    -        simd
FD:17 i32x4.splat                -                 i32->v128             1    -        simd
FD:18 i64x2.splat                -                 i64->v128             1    -        simd
FD:19 f32x4.splat                -                 f32->v128             1    -        simd
FD:20 f64x2.splat                -                 f64->v128             1    -        simd
FD:21 i8x16.extract_lane_s       laneidx           v128->i32             1    -        simd
FD:22 i8x16.extract_lane_u       laneidx           v128->i32             1    -        simd
FD:23 i8x16.replace_lane         laneidx           v128,i32->v128        1    -        simd
FD:24 i16x8.extract_lane_s       laneidx           v128->i32             1    -        simd
FD:25 i16x8.extract_lane_u       laneidx           v128->i32             1    -        simd
FD:26 i16x8.replace_lane         laneidx           v128,i32->v128        1    -        simd
FD:27 i32x4.extract_lane         laneidx           v128->i32             1    -        simd
FD:28 i32x4.replace_lane         laneidx           v128,i32->v128        1    -        simd
FD:29 i64x2.extract_lane         laneidx           v128->i64             1    -        simd
FD:30 i64x2.replace_lane         laneidx           v128,i64->v128        1    -        simd
FD:31 f32x4.extract_lane         laneidx           v128->f32             1    -        simd
FD:32 f32x4.replace_lane         laneidx           v128,f32->v128        1    -        simd
FD:33 f64x2.extract_lane         laneidx           v128->f64             1    -        simd
FD:34 f64x2.replace_lane         laneidx           v128,f64->v128        1    -        simd
FD:35 i8x16.eq                   -                 v128,v128->v128       1    -        simd
FD:36 i8x16.ne                   -                 v128,v128->v128       1    -        simd
FD:37 i8x16.lt_s                 -                 v128,v128->v128       1    -        simd
FD:38 i8x16.lt_u                 -                 v128,v128->v128       1    -        simd
FD:39 i8x16.gt_s                 -                 v128,v128->v128       1    -        simd
FD:40 i8x16.gt_u                 -                 v128,v128->v128       1    -        simd
FD:41 i8x16.le_s                 -                 v128,v128->v128       1    -        simd
FD:42 i8x16.le_u                 -                 v128,v128->v128       1    -        simd
FD:43 i8x16.ge_s                 -                 v128,v128->v128       1    -        simd
FD:44 i8x16.ge_u                 -                 v128,v128->v128       1    -        simd
FD:45 i16x8.eq                   -                 v128,v128->v128       1    -        simd
FD:46 i16x8.ne                   -                 v128,v128->v128       1    -        simd
FD:47 i16x8.lt_s                 -                 v128,v128->v128       1    -        simd
FD:48 i16x8.lt_u                 -                 v128,v128->v128       1    -        simd
FD:49 i16x8.gt_s                 -                 v128,v128->v128       1    -        simd
FD:50 i16x8.gt_u                 -                 v128,v128->v128       1    -        simd
FD:51 i16x8.le_s                 -                 v128,v128->v128       1    -        simd
FD:52 i16x8.le_u                 -                 v128,v128->v128       1    -        simd
FD:53 i16x8.ge_s                 -                 v128,v128->v128       1    -        simd
FD:54 i16x8.ge_u                 -                 v128,v128->v128       1    -        simd
FD:55 i32x4.eq                   -                 v128,v128->v128       1    -        simd
FD:56 i32x4.ne                   -                 v128,v128->v128       1    -        simd
FD:57 i32x4.lt_s                 -                 v128,v128->v128       1    -        simd
FD:58 i32x4.lt_u                 -                 v128,v128->v128       1    -        simd
FD:59 i32x4.gt_s                 -                 v128,v128->v128       1    -        simd
FD:60 i32x4.gt_u                 -                 v128,v128->v128       1    -        simd
FD:61 i32x4.le_s                 -                 v128,v128->v128       1    -        simd
FD:62 i32x4.le_u                 -                 v128,v128->v128       1    -        simd
FD:63 i32x4.ge_s                 -                 v128,v128->v128       1    -        simd
FD:64 i32x4.ge_u                 -                 v128,v128->v128       1    -        simd
FD:65 f32x4.eq                   -                 v128,v128->v128       1    -        simd
FD:66 f32x4.ne                   -                 v128,v128->v128       1    -        simd
FD:67 f32x4.lt                   -                 v128,v128->v128       1    -        simd
FD:68 f32x4.gt                   -                 v128,v128->v128       1    -        simd
FD:69 f32x4.le                   -                 v128,v128->v128       1    -        simd
FD:70 f32x4.ge                   -                 v128,v128->v128       1    -        simd
FD:71 f64x2.eq                   -                 v128,v128->v128       1    -        simd
FD:72 f64x2.ne                   -                 v128,v128->v128       1    -        simd
FD:73 f64x2.lt                   -                 v128,v128->v128       1    -        simd
FD:74 f64x2.gt                   -                 v128,v128->v128       1    -        simd
FD:75 f64x2.le                   -                 v128,v128->v128       1    -        simd
FD:76 f64x2.ge                   -                 v128,v128->v128       1    -        simd
FD:77 v128.not                   -                 v128->v128            1    -        simd
FD:78 v128.and                   -                 v128,v128->v128       1    -        simd
FD:79 v128.andnot                -                 v128,v128->v128       1    -        simd
FD:80 v128.or                    -                 v128,v128->v128       1    -        simd
FD:81 v128.xor                   -                 v128,v128->v128       1    -        simd
FD:82 v128.bitselect             -                 v128,v128,v128->v128  1    -        simd
FD:83 v128.any_true              -                 v128->i32             1    -        simd
FD:84 v128.load8_lane            memarg+laneidx    i32,v128->v128        1    memory   simd
FD:85 v128.load16_lane           memarg+laneidx    i32,v128->v128        1    memory   simd
FD:86 v128.load32_lane           memarg+laneidx    i32,v128->v128        1    memory   simd
FD:87 v128.load64_lane           memarg+laneidx    i32,v128->v128        1    memory   simd
FD:88 v128.store8_lane           memarg+laneidx    i32,v128->            1    memory   simd
FD:89 v128.store16_lane          memarg+laneidx    i32,v128->            1    memory   simd
FD:90 v128.store32_lane          memarg+laneidx    i32,v128->            1    memory   simd
FD:91 v128.store64_lane          memarg+laneidx    i32,v128->            1    memory   simd
FD:92 v128.load32_zero           memarg            i32->v128             1    memory   simd
FD:93 v128.load64_zero           memarg            i32->v128             1    memory   simd
FD:94 f32x4.demote_f64x2_zero    -                 v128->v128            1    -        simd
FD:95 f64x2.promote_low_f32x4    -                 v128->v128            1    -        simd
FD:96 i8x16.abs                  -                 v128->v128            1    -        simd
FD:97 i8x16.neg                  -                 v128->v128            1    -        simd
FD:98 i8x16.popcnt               -                 v128->v128            1    -        simd
FD:99 i8x16.all_true             -                 v128->i32             1    -        simd
FD:100 i8x16.bitmask              -                 v128->i32             1    -        simd
FD:101 i8x16.narrow_i16x8_s       -                 v128,v128->v128       1    -        simd
FD:102 i8x16.narrow_i16x8_u       -                 v128,v128->v128       1    -        simd
FD:103 f32x4.ceil                 -                 v128->v128            1    -        simd
FD:104 f32x4.floor                -                 v128->v128            1    -        simd
FD:105 f32x4.trunc                -                 v128->v128            1    -        simd
FD:106 f32x4.nearest              -                 v128->v128            1    -        simd
FD:107 i8x16.shl                  -                 v128,i32->v128        1    -        simd
FD:108 i8x16.shr_s                -                 v128,i32->v128        1    -        simd
FD:109 i8x16.shr_u                -                 v128,i32->v128        1    -        simd
FD:110 i8x16.add                  -                 v128,v128->v128       1    -        simd
FD:111 i8x16.add_sat_s            -                 v128,v128->v128       1    -        simd
FD:112 i8x16.add_sat_u            -                 v128,v128->v128       1    -        simd
FD:113 i8x16.sub                  -                 v128,v128->v128       1    -        simd
FD:114 i8x16.sub_sat_s            -                 v128,v128->v128       1    -        simd
FD:115 i8x16.sub_sat_u            -                 v128,v128->v128       1    -        simd
FD:116 f64x2.ceil                 -                 v128->v128            1    -        simd
FD:117 f64x2.floor                -                 v128->v128            1    -        simd
FD:118 i8x16.min_s                -                 v128,v128->v128       1    -        simd
FD:119 i8x16.min_u                -                 v128,v128->v128       1    -        simd
FD:120 i8x16.max_s                -                 v128,v128->v128       1    -        simd
FD:121 i8x16.max_u                -                 v128,v128->v128       1    -        simd
FD:122 f64x2.trunc                -                 v128->v128            1    -        simd
FD:123 i8x16.avgr_u               -                 v128,v128->v128       1    -        simd
FD:124 i16x8.extadd_pairwise_i8x16_s -                 v128->v128            1    -        simd
FD:125 i16x8.extadd_pairwise_i8x16_u -                 v128->v128            1    -        simd
FD:126 i32x4.extadd_pairwise_i16x8_s -                 v128->v128            1    -        simd
FD:127 i32x4.extadd_pairwise_i16x8_u -                 v128->v128            1    -        simd
FD:128 i16x8.abs                  -                 v128->v128            1    -        simd
FD:129 i16x8.neg                  -                 v128->v128            1    -        simd
FD:130 i16x8.q15mulr_sat_s        -                 v128,v128->v128       1    -        simd
FD:131 i16x8.all_true             -                 v128->i32             1    -        simd
FD:132 i16x8.bitmask              -                 v128->i32             1    -        simd
FD:133 i16x8.narrow_i32x4_s       -                 v128,v128->v128       1    -        simd
FD:134 i16x8.narrow_i32x4_u       -                 v128,v128->v128       1    -        simd
FD:135 i16x8.extend_low_i8x16_s   -                 v128->v128            1    -        simd
FD:136 i16x8.extend_high_i8x16_s  -                 v128->v128            1    -        simd
FD:137 i16x8.extend_low_i8x16_u   -                 v128->v128            1    -        simd
FD:138 i16x8.extend_high_i8x16_u  -                 v128->v128            1    -        simd
FD:139 i16x8.shl                  -                 v128,i32->v128        1    -        simd
FD:140 i16x8.shr_s                -                 v128,i32->v128        1    -        simd
FD:141 i16x8.shr_u                -                 v128,i32->v128        1    -        simd
FD:142 i16x8.add                  -                 v128,v128->v128       1    -        simd
FD:143 i16x8.add_sat_s            -                 v128,v128->v128       1    -        simd
FD:144 i16x8.add_sat_u            -                 v128,v128->v128       1    -        simd
FD:145 i16x8.sub                  -                 v128,v128->v128       1    -        simd
FD:146 i16x8.sub_sat_s            -                 v128,v128->v128       1    -        simd
FD:147 i16x8.sub_sat_u            -                 v128,v128->v128       1    -        simd
FD:148 f64x2.nearest              -                 v128->v128            1    -        simd
FD:149 i16x8.mul                  -                 v128,v128->v128       1    -        simd
FD:150 i16x8.min_s                -                 v128,v128->v128       1    -        simd
FD:151 i16x8.min_u                -                 v128,v128->v128       1    -        simd
FD:152 i16x8.max_s                -                 v128,v128->v128       1    -        simd
FD:153 i16x8.max_u                -                 v128,v128->v128       1    -        simd
FD:155 i16x8.avgr_u               -                 v128,v128->v128       1    -        simd
FD:156 i16x8.extmul_low_i8x16_s   -                 v128,v128->v128       1    -        simd
FD:157 i16x8.extmul_high_i8x16_s  -                 v128,v128->v128       1    -        simd
FD:158 i16x8.extmul_low_i8x16_u   -                 v128,v128->v128       1    -        simd
FD:159 i16x8.extmul_high_i8x16_u  -                 v128,v128->v128       1    -        simd
FD:160 i32x4.abs                  -                 v128->v128            1    -        simd
FD:161 i32x4.neg                  -                 v128->v128            1    -        simd
FD:163 i32x4.all_true             -                 v128->i32             1    -        simd
FD:164 i32x4.bitmask              -                 v128->i32             1    -        simd
FD:167 i32x4.extend_low_i16x8_s   -                 v128->v128            1    -        simd
FD:168 i32x4.extend_high_i16x8_s  -                 v128->v128            1    -        simd
FD:169 i32x4.extend_low_i16x8_u   -                 v128->v128            1    -        simd
FD:170 i32x4.extend_high_i16x8_u  -                 v128->v128            1    -        simd
FD:171 i32x4.shl                  -                 v128,i32->v128        1    -        simd
FD:172 i32x4.shr_s                -                 v128,i32->v128        1    -        simd
FD:173 i32x4.shr_u                -                 v128,i32->v128        1    -        simd
FD:174 i32x4.add                  -                 v128,v128->v128       1    -        simd
FD:177 i32x4.sub                  -                 v128,v128->v128       1    -        simd
FD:181 i32x4.mul                  -                 v128,v128->v128       1    -        simd
FD:182 i32x4.min_s                -                 v128,v128->v128       1    -        simd
FD:183 i32x4.min_u                -                 v128,v128->v128       1    -        simd
FD:184 i32x4.max_s                -                 v128,v128->v128       1    -        simd
FD:185 i32x4.max_u                -                 v128,v128->v128       1    -        simd
FD:186 i32x4.dot_i16x8_s          -                 v128,v128->v128       1    -        simd
FD:188 i32x4.extmul_low_i16x8_s   -                 v128,v128->v128       1    -        simd
FD:189 i32x4.extmul_high_i16x8_s  -                 v128,v128->v128       1    -        simd
FD:190 i32x4.extmul_low_i16x8_u   -                 v128,v128->v128       1    -        simd
FD:191 i32x4.extmul_high_i16x8_u  -                 v128,v128->v128       1    -        simd
FD:192 i64x2.abs                  -                 v128->v128            1    -        simd
FD:193 i64x2.neg                  -                 v128->v128            1    -        simd
FD:195 i64x2.all_true             -                 v128->i32             1    -        simd
FD:196 i64x2.bitmask              -                 v128->i32             1    -        simd
FD:199 i64x2.extend_low_i32x4_s   -                 v128->v128            1    -        simd
FD:200 i64x2.extend_high_i32x4_s  -                 v128->v128            1    -        simd
FD:201 i64x2.extend_low_i32x4_u   -                 v128->v128            1    -        simd
FD:202 i64x2.extend_high_i32x4_u  -                 v128->v128            1    -        simd
FD:203 i64x2.shl                  -                 v128,i32->v128        1    -        simd
FD:204 i64x2.shr_s                -                 v128,i32->v128        1    -        simd
FD:205 i64x2.shr_u                -                 v128,i32->v128        1    -        simd
FD:206 i64x2.add                  -                 v128,v128->v128       1    -        simd
FD:209 i64x2.sub                  -                 v128,v128->v128       1    -        simd
FD:213 i64x2.mul                  -                 v128,v128->v128       1    -        simd
FD:214 i64x2.eq                   -                 v128,v128->v128       1    -        simd
FD:215 i64x2.ne                   -                 v128,v128->v128       1    -        simd
FD:216 i64x2.lt_s                 -                 v128,v128->v128       1    -        simd
FD:217 i64x2.gt_s                 -                 v128,v128->v128       1    -        simd
FD:218 i64x2.le_s                 -                 v128,v128->v128       1    -        simd
FD:219 i64x2.ge_s                 -                 v128,v128->v128       1    -        simd
FD:220 i64x2.extmul_low_i32x4_s   -                 v128,v128->v128       1    -        simd
FD:221 i64x2.extmul_high_i32x4_s  -                 v128,v128->v128       1    -        simd
FD:222 i64x2.extmul_low_i32x4_u   -                 v128,v128->v128       1    -        simd
FD:223 i64x2.extmul_high_i32x4_u  -                 v128,v128->v128       1    -        simd
FD:224 f32x4.abs                  -                 v128->v128            1    -        simd
FD:225 f32x4.neg                  -                 v128->v128            1    -        simd
FD:227 f32x4.sqrt                 -                 v128->v128            1    -        simd
FD:228 f32x4.add                  -                 v128,v128->v128       1    -        simd
FD:229 f32x4.sub                  -                 v128,v128->v128       1    -        simd
FD:230 f32x4.mul                  -                 v128,v128->v128       1    -        simd
FD:231 f32x4.div                  -                 v128,v128->v128       1    -        simd
FD:232 f32x4.min                  -                 v128,v128->v128       1    -        simd
FD:233 f32x4.max                  -                 v128,v128->v128       1    -        simd
FD:234 f32x4.pmin                 -                 v128,v128->v128       1    -        simd
FD:235 f32x4.pmax                 -                 v128,v128->v128       1    -        simd
FD:236 f64x2.abs                  -                 v128->v128            1    -        simd
FD:237 f64x2.neg                  -                 v128->v128            1    -        simd
FD:239 f64x2.sqrt                 -                 v128->v128            1    -        simd
FD:240 f64x2.add                  -                 v128,v128->v128       1    -        simd
FD:241 f64x2.sub                  -                 v128,v128->v128       1    -        simd
FD:242 f64x2.mul                  -                 v128,v128->v128       1    -        simd
FD:243 f64x2.div                  -                 v128,v128->v128       1    -        simd
FD:244 f64x2.min                  -                 v128,v128->v128       1    -        simd
FD:245 f64x2.max                  -                 v128,v128->v128       1    -        simd
FD:246 f64x2.pmin                 -                 v128,v128->v128       1    -        simd
FD:247 f64x2.pmax                 -                 v128,v128->v128       1    -        simd
FD:248 i32x4.trunc_sat_f32x4_s    -                 v128->v128            1    -        simd
FD:249 i32x4.trunc_sat_f32x4_u    -                 v128->v128            1    -        simd
FD:250 f32x4.convert_i32x4_s      -                 v128->v128            1    -        simd
FD:251 f32x4.convert_i32x4_u      -                 v128->v128            1    -        simd
FD:252 i32x4.trunc_sat_f64x2_s_zero -                 v128->v128            1    -        simd
FD:253 i32x4.trunc_sat_f64x2_u_zero -                 v128->v128            1    -        simd
FD:254 f64x2.convert_low_i32x4_s  -                 v128->v128            1    -        simd
FD:255 f64x2.convert_low_i32x4_u  -                 v128->v128            1    -        simd
FD:256 i8x16.relaxed_swizzle      -                 v128,v128->v128       1    -        relaxed-simd
FD:257 i32x4.relaxed_trunc_f32x4_s -                 v128->v128            1    -        relaxed-simd
FD:258 i32x4.relaxed_trunc_f32x4_u -                 v128->v128            1    -        relaxed-simd
FD:259 i32x4.relaxed_trunc_f64x2_s_zero -                 v128->v128            1    -        relaxed-simd
FD:260 i32x4.relaxed_trunc_f64x2_u_zero -                 v128->v128            1    -        relaxed-simd
FD:261 f32x4.relaxed_madd         -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:262 f32x4.relaxed_nmadd        -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:263 f64x2.relaxed_madd         -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:264 f64x2.relaxed_nmadd        -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:265 i8x16.relaxed_laneselect   -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:266 i16x8.relaxed_laneselect   -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:267 i32x4.relaxed_laneselect   -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:268 i64x2.relaxed_laneselect   -                 v128,v128,v128->v128  1    -        relaxed-simd
FD:269 f32x4.relaxed_min          -                 v128,v128->v128       1    -        relaxed-simd
FD:270 f32x4.relaxed_max          -                 v128,v128->v128       1    -        relaxed-simd
FD:271 f64x2.relaxed_min          -                 v128,v128->v128       1    -        relaxed-simd
FD:272 f64x2.relaxed_max          -                 v128,v128->v128       1    -        relaxed-simd
FD:273 i16x8.relaxed_q15mulr_s    -                 v128,v128->v128       1    -        relaxed-simd
FD:274 i16x8.relaxed_dot_i8x16_i7x16_s -                 v128,v128->v128       1    -        relaxed-simd
FD:275 i32x4.relaxed_dot_i8x16_i7x16_add_s -                 v128,v128,v128->v128  1    -        relaxed-simd
FE:00 memory.atomic.notify       memarg            i32,i32->i32          1    memory   threads
FE:01 memory.atomic.wait32       memarg            i32,i32,i64->i32      1    memory   threads
FE:02 memory.atomic.wait64       memarg            i32,i64,i64->i32      1    memory   threads
FE:03 atomic.fence               zero              ->                    1    -        threads
FE:16 i32.atomic.load            memarg            i32->i32              1    memory   threads
FE:17 i64.atomic.load            memarg            i32->i64              1    memory   threads
FE:18 i32.atomic.load8_u         memarg            i32->i32              1    memory   threads
FE:19 i32.atomic.load16_u        memarg            i32->i32              1    memory   threads
FE:20 i64.atomic.load8_u         memarg            i32->i64              1    memory   threads
FE:21 i64.atomic.load16_u        memarg            i32->i64              1    memory   threads
FE:22 i64.atomic.load32_u        memarg            i32->i64              1    memory   threads
FE:23 i32.atomic.store           memarg            i32,i32->             1    memory   threads
FE:24 i64.atomic.store           memarg            i32,i64->             1    memory   threads
FE:25 i32.atomic.store8          memarg            i32,i32->             1    memory   threads
FE:26 i32.atomic.store16         memarg            i32,i32->             1    memory   threads
FE:27 i64.atomic.store8          memarg            i32,i64->             1    memory   threads
FE:28 i64.atomic.store16         memarg            i32,i64->             1    memory   threads
FE:29 i64.atomic.store32         memarg            i32,i64->             1    memory   threads
FE:30 i32.atomic.rmw.add         memarg            i32,i32->i32          1    memory   threads
FE:31 i64.atomic.rmw.add         memarg            i32,i64->i64          1    memory   threads
FE:32 i32.atomic.rmw8.add_u      memarg            i32,i32->i32          1    memory   threads
FE:33 i32.atomic.rmw16.add_u     memarg            i32,i32->i32          1    memory   threads
FE:34 i64.atomic.rmw8.add_u      memarg            i32,i64->i64          1    memory   threads
FE:35 i64.atomic.rmw16.add_u     memarg            i32,i64->i64          1    memory   threads
FE:36 i64.atomic.rmw32.add_u     memarg            i32,i64->i64          1    memory   threads
FE:37 i32.atomic.rmw.sub         memarg            i32,i32->i32          1    memory   threads
FE:38 i64.atomic.rmw.sub         memarg            i32,i64->i64          1    memory   threads
FE:39 i32.atomic.rmw8.sub_u      memarg            i32,i32->i32          1    memory   threads
FE:40 i32.atomic.rmw16.sub_u     memarg            i32,i32->i32          1    memory   threads
FE:41 i64.atomic.rmw8.sub_u      memarg            i32,i64->i64          1    memory   threads
FE:42 i64.atomic.rmw16.sub_u     memarg            i32,i64->i64          1    memory   threads
FE:43 i64.atomic.rmw32.sub_u     memarg            i32,i64->i64          1    memory   threads
FE:44 i32.atomic.rmw.and         memarg            i32,i32->i32          1    memory   threads
FE:45 i64.atomic.rmw.and         memarg            i32,i64->i64          1    memory   threads
FE:46 i32.atomic.rmw8.and_u      memarg            i32,i32->i32          1    memory   threads
FE:47 i32.atomic.rmw16.and_u     memarg            i32,i32->i32          1    memory   threads
FE:48 i64.atomic.rmw8.and_u      memarg            i32,i64->i64          1    memory   threads
FE:49 i64.atomic.rmw16.and_u     memarg            i32,i64->i64          1    memory   threads
FE:50 i64.atomic.rmw32.and_u     memarg            i32,i64->i64          1    memory   threads
FE:51 i32.atomic.rmw.or          memarg            i32,i32->i32          1    memory   threads
FE:52 i64.atomic.rmw.or          memarg            i32,i64->i64          1    memory   threads
FE:53 i32.atomic.rmw8.or_u       memarg            i32,i32->i32          1    memory   threads
FE:54 i32.atomic.rmw16.or_u      memarg            i32,i32->i32          1    memory   threads
FE:55 i64.atomic.rmw8.or_u       memarg            i32,i64->i64          1    memory   threads
FE:56 i64.atomic.rmw16.or_u      memarg            i32,i64->i64          1    memory   threads
FE:57 i64.atomic.rmw32.or_u      memarg            i32,i64->i64          1    memory   threads
FE:58 i32.atomic.rmw.xor         memarg            i32,i32->i32          1    memory   threads
FE:59 i64.atomic.rmw.xor         memarg            i32,i64->i64          1    memory   threads
FE:60 i32.atomic.rmw8.xor_u      memarg            i32,i32->i32          1    memory   threads
FE:61 i32.atomic.rmw16.xor_u     memarg            i32,i32->i32          1    memory   threads
FE:62 i64.atomic.rmw8.xor_u      memarg            i32,i64->i64          1    memory   threads
FE:63 i64.atomic.rmw16.xor_u     memarg            i32,i64->i64          1    memory   threads
FE:64 i64.atomic.rmw32.xor_u     memarg            i32,i64->i64          1    memory   threads
FE:65 i32.atomic.rmw.xchg        memarg            i32,i32->i32          1    memory   threads
FE:66 i64.atomic.rmw.xchg        memarg            i32,i64->i64          1    memory   threads
FE:67 i32.atomic.rmw8.xchg_u     memarg            i32,i32->i32          1    memory   threads
FE:68 i32.atomic.rmw16.xchg_u    memarg            i32,i32->i32          1    memory   threads
FE:69 i64.atomic.rmw8.xchg_u     memarg            i32,i64->i64          1    memory   threads
FE:70 i64.atomic.rmw16.xchg_u    memarg            i32,i64->i64          1    memory   threads
FE:71 i64.atomic.rmw32.xchg_u    memarg            i32,i64->i64          1    memory   threads
FE:72 i32.atomic.rmw.cmpxchg     memarg            i32,i32,i32->i32      1    memory   threads
FE:73 i64.atomic.rmw.cmpxchg     memarg            i32,i64,i64->i64      1    memory   threads
FE:74 i32.atomic.rmw8.cmpxchg_u  memarg            i32,i32,i32->i32      1    memory   threads
FE:75 i32.atomic.rmw16.cmpxchg_u memarg            i32,i32,i32->i32      1    memory   threads
FE:76 i64.atomic.rmw8.cmpxchg_u  memarg            i32,i64,i64->i64      1    memory   threads
FE:77 i64.atomic.rmw16.cmpxchg_u memarg            i32,i64,i64->i64      1    memory   threads
FE:78 i64.atomic.rmw32.cmpxchg_u memarg            i32,i64,i64->i64      1    memory   threads
"""

#: Opcodes of proposals that are not built, so that an error can name them. Numbers as in the table.
_UNBUILT = """
first   last    feature
FC:18   FC:18   memory-control
"""


@dataclass(slots=True, eq=False)
class Opcode:
    """One row. `params` and `results` are None where `rule` names a special typing rule.

    Nobody changes one. It isn't frozen, since that makes 600 of them take four times as long.
    """

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
    return tuple([VALTYPE_BY_NAME[name] for name in names.split(",") if name])


def _code(text: str) -> tuple[int, int]:
    prefix, _, number = text.rpartition(":")
    return (int(prefix, 16), int(number)) if prefix else (0, int(number, 16))


@cache
def _signature(rule: str) -> tuple[tuple[ValType, ...] | None, tuple[ValType, ...] | None]:
    """What a row's type says of parameters and results."""
    before, arrow, after = rule.partition("->")
    return (_types(before), _types(after)) if arrow else (None, None)


@cache
def _immediates(names: str) -> tuple[str, ...]:
    return () if names == "-" else tuple(names.split("+"))


def _parse(table: str) -> list[Opcode]:
    rows = []
    for line in table.strip().splitlines()[1:]:
        code, mnemonic, names, rule, fuel, trap, feature = line.split()
        prefix, number = _code(code)
        params, results = _signature(rule)
        trapping = None if trap == "-" else trap
        kinds = _immediates(names)
        rows.append(
            Opcode(prefix, number, mnemonic, kinds, rule, params, results, int(fuel), trapping, feature)
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
    """The bytes of memory that an instruction with a memarg touches."""
    kind, *parts = op.mnemonic.split(".")
    access = parts[-2] if "rmw" in op.mnemonic else parts[-1]  # i64.atomic.rmw32.add_u
    counts = [int(digits) for digits in _numbers(access)]
    if not counts:
        return 4 if access == "notify" else int(kind[1:]) // 8
    return counts[0] * (counts[1] if "x" in access else 1) // 8  # load8x8_s: 8 lanes of 8 bits


def _numbers(text: str) -> list[str]:
    return "".join([c if c.isdecimal() else " " for c in text]).split()
