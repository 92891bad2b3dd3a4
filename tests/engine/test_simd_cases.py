"""Vector instructions without immediates: edge cases worked out by hand, at least one a row."""

import itertools
import re
import struct

import pytest

from pywrt.engine.numeric import f32_from_bits, f64_from_bits
from pywrt.engine.simd import OPERATIONS

# Lanes from the lowest on, repeated until the vector is full. Integer lanes are signed or unsigned, float
# lanes numbers or, with 0x, their bits. `=` stands before a result that is no vector, `#` before an operand
# that is none. An indented line continues the one before.
CASES = """
v128.not                  0 -1 0x0F ; -1 0 0xFFFFFFF0
v128.and                  12 -1 ; 10 7 ; 8 7
v128.andnot               12 -1 ; 10 7 ; 4 -8
v128.or                   12 -1 ; 10 7 ; 14 -1
v128.xor                  12 -1 ; 10 7 ; 6 -8
v128.bitselect            -1 -1 0x0F0F ; 0 0 0xF0F0 ; 0 -1 0x00FF ; 0 -1 0xF00F
v128.any_true             0 ; =0
v128.any_true             0 0 0 0x80000000 ; =1
i8x16.all_true            1 -1 127 -128 ; =1
i8x16.all_true            1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 0 ; =0
i16x8.all_true            256 1 -32768 ; =1
i16x8.all_true            0 1 1 1 ; =0
i32x4.all_true            65536 1 ; =1
i32x4.all_true            1 0 ; =0
i64x2.all_true            0x100000000 -1 ; =1
i64x2.all_true            -1 0 ; =0
i8x16.bitmask             -1 0 127 -128 0 0 0 0 0 0 0 0 -1 0 0 -1 ; =0x9009
i8x16.bitmask             -1 ; =0xFFFF
i16x8.bitmask             -1 0x80 0x7FFF 0 0 0 0 -32768 ; =0x81
i16x8.bitmask             -1 ; =0xFF
i32x4.bitmask             0x7FFFFFFF -1 0 -2147483648 ; =10
i32x4.bitmask             -1 ; =15
i64x2.bitmask             0x7FFFFFFFFFFFFFFF -1 ; =2
i64x2.bitmask             -1 1 ; =1
i8x16.splat               #0x12345678 ; 0x78
i16x8.splat               #0x12345678 ; 0x5678
i32x4.splat               #0xFEDCBA98 ; 0xFEDCBA98
i64x2.splat               #0xFEDCBA9876543210 ; 0xFEDCBA9876543210
f32x4.splat               #-1.5 ; -1.5
f32x4.splat               #0x7FA00001 ; 0x7FA00001
f64x2.splat               #-0.0 ; -0.0
f64x2.splat               #0xFFF0000000000001 ; 0xFFF0000000000001
i8x16.swizzle             100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 ;
    15 0 16 128 255 7 ; 115 100 0 0 0 107

i8x16.popcnt              0 1 -1 127 -128 0x55 ; 0 1 8 7 1 4
i8x16.abs                 1 -1 127 -128 0 ; 1 1 127 -128 0
i16x8.abs                 1 -1 -256 -32768 0 ; 1 1 256 -32768 0
i32x4.abs                 -1 -2147483648 0 2147483647 ; 1 -2147483648 0 2147483647
i64x2.abs                 -4294967296 -9223372036854775808 ; 4294967296 -9223372036854775808
i8x16.neg                 1 -1 127 -128 0 ; -1 1 -127 -128 0
i16x8.neg                 1 -1 -256 -32768 0 ; -1 1 256 -32768 0
i32x4.neg                 -1 -2147483648 0 2147483647 ; 1 -2147483648 0 -2147483647
i64x2.neg                 0 -9223372036854775808 ; 0 -9223372036854775808
i64x2.neg                 1 -1 ; -1 1
i8x16.add                 127 255 -128 1 ; 1 1 -128 -1 ; -128 0 0 0
i16x8.add                 32767 0xFFFF 255 ; 1 1 1 ; -32768 0 256
i32x4.add                 0x7FFFFFFF 0xFFFFFFFF 0xFFFF ; 1 1 1 ; -2147483648 0 0x10000
i64x2.add                 -1 0x7FFFFFFFFFFFFFFF ; 1 1 ; 0 -9223372036854775808
i8x16.sub                 -128 0 1 5 ; 1 1 1 -5 ; 127 -1 0 10
i16x8.sub                 -32768 0 256 ; 1 1 1 ; 32767 -1 255
i32x4.sub                 -2147483648 0 0x10000 ; 1 1 1 ; 2147483647 -1 0xFFFF
i64x2.sub                 0 -9223372036854775808 ; 1 1 ; -1 0x7FFFFFFFFFFFFFFF
i16x8.mul                 -1 256 -32768 3 ; -1 256 -1 -5 ; 1 0 -32768 -15
i32x4.mul                 -1 65536 -2147483648 123456789 ; -1 65536 -1 987654321 ; 1 0 -2147483648 0xFBFF5385
i64x2.mul                 -1 4294967296 ; -1 4294967296 ; 1 0
i64x2.mul                 3 -7 ; -5 -9 ; -15 63
i16x8.q15mulr_sat_s       -32768 16384 32767 -1 ; -32768 16384 32767 16384 ; 32767 8192 32766 0
i8x16.avgr_u              0 255 255 1 ; 0 255 0 2 ; 0 255 128 2
i16x8.avgr_u              0 65535 65535 1 ; 0 65535 0 2 ; 0 65535 32768 2
i8x16.add_sat_s           127 -128 100 -1 -100 ; 1 -1 27 1 100 ; 127 -128 127 0 0
i16x8.add_sat_s           32767 -32768 100 ; 1 -1 27 ; 32767 -32768 127
i8x16.add_sat_u           255 128 100 0 ; 1 128 155 0 ; 255 255 255 0
i16x8.add_sat_u           65535 32768 255 ; 1 32768 1 ; 65535 65535 256
i8x16.sub_sat_s           -128 127 0 -1 ; 1 -1 -128 127 ; -128 127 127 -128
i16x8.sub_sat_s           -32768 32767 0 256 ; 1 -1 -32768 1 ; -32768 32767 32767 255
i8x16.sub_sat_u           0 255 1 128 ; 1 1 2 127 ; 0 254 0 1
i16x8.sub_sat_u           0 65535 1 256 ; 1 1 2 1 ; 0 65534 0 255

i8x16.eq                  0 1 -1 127 ; 0 2 255 -128 ; -1 0 -1 0
i16x8.eq                  0 1 256 ; 0 257 256 ; -1 0 -1
i32x4.eq                  0 1 65536 ; 0 65537 65536 ; -1 0 -1
i64x2.eq                  4294967296 -1 ; 0 -1 ; 0 -1
i8x16.ne                  0 1 -1 127 ; 0 2 255 -128 ; 0 -1 0 -1
i16x8.ne                  0 1 256 ; 0 257 256 ; 0 -1 0
i32x4.ne                  0 1 65536 ; 0 65537 65536 ; 0 -1 0
i64x2.ne                  4294967296 -1 ; 0 -1 ; -1 0
i8x16.lt_s                -128 127 -1 1 ; 127 -128 0 1 ; -1 0 -1 0
i16x8.lt_s                -32768 32767 -1 1 ; 32767 -32768 0 1 ; -1 0 -1 0
i32x4.lt_s                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; -1 0 -1 0
i64x2.lt_s                -9223372036854775808 1 ; 9223372036854775807 1 ; -1 0
i8x16.lt_u                -128 127 -1 1 0 ; 127 -128 0 1 1 ; 0 -1 0 0 -1
i16x8.lt_u                -32768 32767 -1 1 ; 32767 -32768 0 1 ; 0 -1 0 0
i32x4.lt_u                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; 0 -1 0 0
i8x16.gt_s                -128 127 -1 1 ; 127 -128 0 1 ; 0 -1 0 0
i16x8.gt_s                -32768 32767 -1 1 ; 32767 -32768 0 1 ; 0 -1 0 0
i32x4.gt_s                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; 0 -1 0 0
i64x2.gt_s                -9223372036854775808 2 ; 9223372036854775807 1 ; 0 -1
i8x16.gt_u                -128 127 -1 1 0 ; 127 -128 0 1 1 ; -1 0 -1 0 0
i16x8.gt_u                -32768 32767 -1 1 ; 32767 -32768 0 1 ; -1 0 -1 0
i32x4.gt_u                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; -1 0 -1 0
i8x16.le_s                -128 127 -1 1 ; 127 -128 0 1 ; -1 0 -1 -1
i16x8.le_s                -32768 32767 -1 1 ; 32767 -32768 0 1 ; -1 0 -1 -1
i32x4.le_s                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; -1 0 -1 -1
i64x2.le_s                9223372036854775807 1 ; -9223372036854775808 1 ; 0 -1
i8x16.le_u                -128 127 -1 1 ; 127 -128 0 1 ; 0 -1 0 -1
i16x8.le_u                -32768 32767 -1 1 ; 32767 -32768 0 1 ; 0 -1 0 -1
i32x4.le_u                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; 0 -1 0 -1
i8x16.ge_s                -128 127 -1 1 ; 127 -128 0 1 ; 0 -1 0 -1
i16x8.ge_s                -32768 32767 -1 1 ; 32767 -32768 0 1 ; 0 -1 0 -1
i32x4.ge_s                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; 0 -1 0 -1
i64x2.ge_s                -9223372036854775808 1 ; 9223372036854775807 1 ; 0 -1
i8x16.ge_u                -128 127 -1 1 ; 127 -128 0 1 ; -1 0 -1 -1
i16x8.ge_u                -32768 32767 -1 1 ; 32767 -32768 0 1 ; -1 0 -1 -1
i32x4.ge_u                -2147483648 2147483647 -1 1 ; 2147483647 -2147483648 0 1 ; -1 0 -1 -1
i8x16.min_s               -128 127 -1 ; 127 -128 0 ; -128 -128 -1
i16x8.min_s               -32768 32767 -1 ; 32767 -32768 0 ; -32768 -32768 -1
i32x4.min_s               -2147483648 2147483647 -1 ; 2147483647 -2147483648 0 ; -2147483648 -2147483648 -1
i8x16.min_u               -128 127 -1 ; 127 -128 0 ; 127 127 0
i16x8.min_u               -32768 32767 -1 ; 32767 -32768 0 ; 32767 32767 0
i32x4.min_u               -2147483648 2147483647 -1 ; 2147483647 -2147483648 0 ; 2147483647 2147483647 0
i8x16.max_s               -128 127 -1 ; 127 -128 0 ; 127 127 0
i16x8.max_s               -32768 32767 -1 ; 32767 -32768 0 ; 32767 32767 0
i32x4.max_s               -2147483648 2147483647 -1 ; 2147483647 -2147483648 0 ; 2147483647 2147483647 0
i8x16.max_u               -128 127 -1 ; 127 -128 0 ; -128 -128 -1
i16x8.max_u               -32768 32767 -1 ; 32767 -32768 0 ; -32768 -32768 -1
i32x4.max_u               -2147483648 2147483647 -1 ; 2147483647 -2147483648 0 ; -2147483648 -2147483648 -1
i8x16.shl                 -1 1 0x81 ; #1 ; -2 2 2
i8x16.shl                 -1 1 0x81 ; #8 ; -1 1 0x81
i8x16.shl                 -1 1 0x81 ; #0xFFFFFFFF ; -128 -128 -128
i16x8.shl                 -1 1 0x8001 ; #17 ; -2 2 2
i32x4.shl                 -1 1 ; #31 ; -2147483648 -2147483648
i64x2.shl                 -1 1 ; #127 ; -9223372036854775808 -9223372036854775808
i8x16.shr_s               -1 1 0x81 64 ; #1 ; -1 0 -64 32
i8x16.shr_s               -1 1 0x81 64 ; #8 ; -1 1 0x81 64
i8x16.shr_s               -1 1 0x81 64 ; #7 ; -1 0 -1 0
i16x8.shr_s               -1 1 -32768 ; #31 ; -1 0 -1
i32x4.shr_s               -1 1 -2147483648 ; #1 ; -1 0 -1073741824
i64x2.shr_s               -9223372036854775808 1 ; #65 ; -4611686018427387904 0
i8x16.shr_u               -1 1 0x81 64 ; #1 ; 127 0 64 32
i8x16.shr_u               -1 1 0x81 64 ; #8 ; -1 1 0x81 64
i16x8.shr_u               -1 1 -32768 ; #31 ; 1 0 1
i32x4.shr_u               -1 1 -2147483648 ; #1 ; 0x7FFFFFFF 0 0x40000000
i64x2.shr_u               -1 1 ; #65 ; 0x7FFFFFFFFFFFFFFF 0

i16x8.extend_low_i8x16_s  -1 127 -128 1 0 0 0 5 9 9 9 9 9 9 9 9 ; -1 127 -128 1 0 0 0 5
i16x8.extend_low_i8x16_u  -1 127 -128 1 0 0 0 5 9 9 9 9 9 9 9 9 ; 255 127 128 1 0 0 0 5
i16x8.extend_high_i8x16_s 9 9 9 9 9 9 9 9 -1 127 -128 1 0 0 0 5 ; -1 127 -128 1 0 0 0 5
i16x8.extend_high_i8x16_u 9 9 9 9 9 9 9 9 -1 127 -128 1 0 0 0 5 ; 255 127 128 1 0 0 0 5
i32x4.extend_low_i16x8_s  -1 32767 -32768 5 9 9 9 9 ; -1 32767 -32768 5
i32x4.extend_low_i16x8_u  -1 32767 -32768 5 9 9 9 9 ; 65535 32767 32768 5
i32x4.extend_high_i16x8_s 9 9 9 9 -1 32767 -32768 5 ; -1 32767 -32768 5
i32x4.extend_high_i16x8_u 9 9 9 9 -1 32767 -32768 5 ; 65535 32767 32768 5
i64x2.extend_low_i32x4_s  -1 -2147483648 9 9 ; -1 -2147483648
i64x2.extend_low_i32x4_u  -1 -2147483648 9 9 ; 0xFFFFFFFF 0x80000000
i64x2.extend_high_i32x4_s 9 9 -1 -2147483648 ; -1 -2147483648
i64x2.extend_high_i32x4_u 9 9 -1 -2147483648 ; 0xFFFFFFFF 0x80000000
i16x8.extmul_low_i8x16_s  -1 -128 127 2 0 0 0 0 9 9 9 9 9 9 9 9 ; -1 -128 -128 3 ; 1 16384 -16256 6 0 0 0 0
i16x8.extmul_low_i8x16_u  -1 -128 127 2 0 0 0 0 9 9 9 9 9 9 9 9 ; -1 -128 -128 3 ; 65025 16384 16256 6 0 0 0 0
i16x8.extmul_high_i8x16_s 9 9 9 9 9 9 9 9 -1 -128 127 2 0 0 0 0 ; -1 -128 -128 3 ; 1 16384 -16256 6 0 0 0 0
i16x8.extmul_high_i8x16_u 9 9 9 9 9 9 9 9 -1 -128 127 2 0 0 0 0 ; -1 -128 -128 3 ; 65025 16384 16256 6 0 0 0 0
i32x4.extmul_low_i16x8_s  -1 -32768 32767 2 9 9 9 9 ; -1 -32768 -32768 3 ; 1 1073741824 -1073709056 6
i32x4.extmul_low_i16x8_u  -1 -32768 32767 2 9 9 9 9 ; -1 -32768 -32768 3 ; 4294836225 1073741824 1073709056 6
i32x4.extmul_high_i16x8_s 9 9 9 9 -1 -32768 32767 2 ; -1 -32768 -32768 3 ; 1 1073741824 -1073709056 6
i32x4.extmul_high_i16x8_u 9 9 9 9 -1 -32768 32767 2 ; -1 -32768 -32768 3 ; 4294836225 1073741824 1073709056 6
i64x2.extmul_low_i32x4_s  -1 -2147483648 9 9 ; -1 2 9 9 ; 1 -4294967296
i64x2.extmul_low_i32x4_u  -1 -2147483648 9 9 ; -1 2 9 9 ; 0xFFFFFFFE00000001 4294967296
i64x2.extmul_high_i32x4_s 9 9 -1 -2147483648 ; 9 9 -1 2 ; 1 -4294967296
i64x2.extmul_high_i32x4_u 9 9 -1 -2147483648 ; 9 9 -1 2 ; 0xFFFFFFFE00000001 4294967296
i16x8.extadd_pairwise_i8x16_s -128 -128 127 127 -1 1 5 -6 ; -256 254 0 -1
i16x8.extadd_pairwise_i8x16_u -128 -128 127 127 -1 1 -1 -1 ; 256 254 256 510
i32x4.extadd_pairwise_i16x8_s -32768 -32768 32767 32767 -1 1 5 -6 ; -65536 65534 0 -1
i32x4.extadd_pairwise_i16x8_u -32768 -32768 32767 32767 -1 1 -1 -1 ; 65536 65534 65536 131070
i8x16.narrow_i16x8_s      127 128 -128 -129 0 -1 255 -32768 ; 1 2 3 4 5 6 7 8 ;
    127 127 -128 -128 0 -1 127 -128 1 2 3 4 5 6 7 8
i8x16.narrow_i16x8_s      1 -1 ; 127 -128 ; 1 -1 1 -1 1 -1 1 -1 127 -128 127 -128 127 -128 127 -128
i8x16.narrow_i16x8_u      127 128 -128 255 0 256 32767 -32768 ; 1 2 3 4 5 6 7 8 ;
    127 128 0 255 0 255 255 0 1 2 3 4 5 6 7 8
i16x8.narrow_i32x4_s      32767 32768 -32768 -32769 ; 1 -1 2147483647 -2147483648 ;
    32767 32767 -32768 -32768 1 -1 32767 -32768
i16x8.narrow_i32x4_u      65535 65536 -1 0 ; 1 -65536 2147483647 -2147483648 ; 65535 65535 0 0 1 0 65535 0
i32x4.dot_i16x8_s         -32768 -32768 1 2 -1 5 0 0 ; -32768 -32768 3 4 7 -1 9 9 ; -2147483648 11 -12 0

f32x4.eq                  1 0.0 nan inf ; 1 -0.0 nan inf ; -1 -1 0 -1
f32x4.ne                  1 0.0 nan inf ; 1 -0.0 nan inf ; 0 0 -1 0
f32x4.lt                  1 -0.0 nan -inf ; 2 0.0 1 inf ; -1 0 0 -1
f32x4.gt                  1 -0.0 nan inf ; 2 0.0 1 -inf ; 0 0 0 -1
f32x4.le                  1 -0.0 nan -inf ; 2 0.0 1 inf ; -1 -1 0 -1
f32x4.ge                  1 -0.0 nan inf ; 2 0.0 1 -inf ; 0 -1 0 -1
f64x2.eq                  0.0 nan ; -0.0 nan ; -1 0
f64x2.ne                  0.0 nan ; -0.0 nan ; 0 -1
f64x2.lt                  -inf nan ; inf 1 ; -1 0
f64x2.gt                  -inf 2 ; inf 1 ; 0 -1
f64x2.le                  1 nan ; 1 1 ; -1 0
f64x2.ge                  1 nan ; 1 1 ; -1 0
f32x4.abs                 -0.0 -1 0xFF800001 -inf ; 0.0 1 0x7F800001 inf
f32x4.neg                 0.0 -1 0x7F800001 inf ; -0.0 1 0xFF800001 -inf
f64x2.abs                 -0.0 0xFFF0000000000001 ; 0.0 0x7FF0000000000001
f64x2.neg                 -1 0x7FF0000000000001 ; 1 0xFFF0000000000001
f32x4.ceil                -0.5 1.5 0x7F800001 -inf ; -0.0 2 0x7FC00001 -inf
f32x4.floor               -0.0 -1.5 1.5 8388609 ; -0.0 -2 1 8388609
f32x4.trunc               -0.5 1.5 -1.5 inf ; -0.0 1 -1 inf
f32x4.nearest             -0.5 0.5 1.5 2.5 ; -0.0 0.0 2 2
f64x2.ceil                -0.5 0x7FF0000000000001 ; -0.0 0x7FF8000000000001
f64x2.floor               -1.5 4503599627370497 ; -2 4503599627370497
f64x2.trunc               -0.5 1e300 ; -0.0 1e300
f64x2.nearest             -3.5 4.5 ; -4 4
f32x4.sqrt                4 2 -0.0 -1 ; 2 0x3FB504F3 -0.0 0x7FC00000
f64x2.sqrt                2 -inf ; 0x3FF6A09E667F3BCD 0x7FF8000000000000
f32x4.add                 0x7F7FFFFF 1 16777216 0x00000001 ; 0x7F7FFFFF 2 1 0x00000001 ;
    inf 3 16777216 0x00000002
f32x4.sub                 0xFF7FFFFF 1 inf 0.0 ; 0x7F7FFFFF 2 1 0.0 ; -inf -1 inf 0.0
f32x4.mul                 0x7F7FFFFF 3 -1 0x00800000 ; 2 2 0.0 0x3F000000 ; inf 6 -0.0 0x00400000
f32x4.div                 1 1 0.0 0x7F7FFFFF ; 0.0 -0.0 -1 0x3F000000 ; inf -inf -0.0 inf
f64x2.add                 0x7FEFFFFFFFFFFFFF 0.1 ; 0x7FEFFFFFFFFFFFFF 0.2 ; inf 0x3FD3333333333334
f64x2.sub                 -0.0 1 ; 0.0 inf ; -0.0 -inf
f64x2.mul                 1e300 -1 ; 1e300 0.0 ; inf -0.0
f64x2.div                 -1 0.0 ; 0.0 0.0 ; -inf 0x7FF8000000000000
f32x4.min                 0.0 1 -inf -0.0 ; -0.0 2 inf 0.0 ; -0.0 1 -inf -0.0
f32x4.max                 0.0 1 -inf -0.0 ; -0.0 2 inf 0.0 ; 0.0 2 inf 0.0
f32x4.min                 0x7F800001 1 ; 1 0x7FC00005 ; 0x7FC00001 0x7FC00005
f64x2.min                 0.0 1 ; -0.0 2 ; -0.0 1
f64x2.max                 -0.0 0x7FF0000000000001 ; 0.0 2 ; 0.0 0x7FF8000000000001
f32x4.pmin                0.0 1 0x7F800001 1 ; -0.0 2 1 0x7F800001 ; 0.0 1 0x7F800001 1
f32x4.pmax                -0.0 1 0x7F800001 1 ; 0.0 2 1 0x7F800001 ; -0.0 2 0x7F800001 1
f64x2.pmin                0.0 0x7FF0000000000001 ; -0.0 1 ; 0.0 0x7FF0000000000001
f64x2.pmin                3 1 ; 2 0x7FF0000000000001 ; 2 1
f64x2.pmax                -0.0 2 ; 0.0 3 ; -0.0 3
f32x4.demote_f64x2_zero   1e300 0x7FF0000000000001 ; inf 0x7FC00000 0.0 0.0
f32x4.demote_f64x2_zero   0x3FF0000010000001 -0.0 ; 0x3F800001 -0.0 0.0 0.0
f64x2.promote_low_f32x4   0x7FA00000 -0.0 9 9 ; 0x7FFC000000000000 -0.0
f32x4.convert_i32x4_s     -1 -2147483648 16777217 2147483647 ; -1 -2147483648 16777216 2147483648
f32x4.convert_i32x4_u     -1 -2147483648 16777219 1 ; 4294967296 2147483648 16777220 1
f64x2.convert_low_i32x4_s -1 -2147483648 9 9 ; -1 -2147483648
f64x2.convert_low_i32x4_u -1 -2147483648 9 9 ; 4294967295 2147483648
i32x4.trunc_sat_f32x4_s   nan -1.9 2147483648 -inf ; 0 -1 2147483647 -2147483648
i32x4.trunc_sat_f32x4_u   nan -0.9 4294967296 -inf ; 0 0 -1 0
i32x4.trunc_sat_f64x2_s_zero -2147483648.9 2147483647.9 ; -2147483648 2147483647 0 0
i32x4.trunc_sat_f64x2_u_zero 4294967295.9 -1 ; -1 0 0 0

i8x16.relaxed_swizzle     100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 ; 15 0 16 128 ;
    115 100 0 0
i32x4.relaxed_trunc_f32x4_s nan -1.9 2147483648 -inf ; 0 -1 2147483647 -2147483648
i32x4.relaxed_trunc_f32x4_u nan -0.9 4294967296 -inf ; 0 0 -1 0
i32x4.relaxed_trunc_f64x2_s_zero -3e9 inf ; -2147483648 2147483647 0 0
i32x4.relaxed_trunc_f64x2_u_zero 3e9 nan ; 3000000000 0 0 0
f32x4.relaxed_madd        0x7F7FFFFF 0x3F800002 0x3F800001 3 ; 2 0x3F800100 0x3F800001 4 ;
    0xFF7FFFFF 0xBF800102 0xBF800002 -12 ; 0x7F7FFFFF 0x2D000000 0x28800000 0.0
f32x4.relaxed_nmadd       0x7F7FFFFF 0x3F800001 inf 3 ; -2 0xBF800001 -1 4 ; 0xFF7FFFFF 0xBF800002 1 12 ;
    0x7F7FFFFF 0x28800000 inf 0.0
f64x2.relaxed_madd        0x7FEFFFFFFFFFFFFF 0x3FF0000000000001 ; 2 0x3FF0000000000001 ;
    0xFFEFFFFFFFFFFFFF 0xBFF0000000000002 ; 0x7FEFFFFFFFFFFFFF 0x3970000000000000
f64x2.relaxed_nmadd       0x7FEFFFFFFFFFFFFF 1e200 ; 2 1e200 ; 0.0 inf ; -inf inf
i8x16.relaxed_laneselect  -1 -1 0x0F ; 0 0 0xF0 ; 0 -1 0x33 ; 0 -1 0xC3
i16x8.relaxed_laneselect  -1 -1 0x0F ; 0 0 0xF0 ; 0 -1 0x33 ; 0 -1 0xC3
i32x4.relaxed_laneselect  -1 -1 0x0F ; 0 0 0xF0 ; 0 -1 0x33 ; 0 -1 0xC3
i64x2.relaxed_laneselect  0x0F -1 ; 0xF0 0 ; 0x33 -1 ; 0xC3 -1
f32x4.relaxed_min         0.0 1 0x7F800001 -0.0 ; -0.0 2 1 0.0 ; -0.0 1 0x7FC00001 -0.0
f32x4.relaxed_max         0.0 1 0x7F800001 -0.0 ; -0.0 2 1 0.0 ; 0.0 2 0x7FC00001 0.0
f64x2.relaxed_min         0.0 1 ; -0.0 2 ; -0.0 1
f64x2.relaxed_max         0.0 1 ; -0.0 2 ; 0.0 2
i16x8.relaxed_q15mulr_s   -32768 16384 ; -32768 16384 ; 32767 8192
i16x8.relaxed_dot_i8x16_i7x16_s -128 -128 127 127 1 2 -1 5 ; 127 127 127 127 3 4 -1 0 ; -32512 32258 11 1
i16x8.relaxed_dot_i8x16_i7x16_s -128 -128 1 1 ; -128 -128 -128 -1 ; 32767 -129
i32x4.relaxed_dot_i8x16_i7x16_add_s -128 -128 127 127 1 2 -1 5 ; 127 127 127 127 3 4 -1 0 ; 1 2147483647 ;
    -253 -2147483637
"""

_SHAPE = re.compile(r"([if])(8|16|32|64)x\d+")
_LETTERS = {("i", 8): "B", ("i", 16): "H", ("i", 32): "I", ("i", 64): "Q", ("f", 32): "I", ("f", 64): "Q"}
FLOAT_COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")


def shapes(mnemonic):
    """Of the operands and of the result: (kind, width)."""
    found = [(kind, int(width)) for kind, width in _SHAPE.findall(mnemonic)] or [("i", 32)]
    result = ("i", found[0][1]) if mnemonic.split(".")[1] in FLOAT_COMPARISONS else found[0]
    return found[-1], result


def bits_of(token, kind, width):
    if kind == "i" or token.startswith("0x"):
        return int(token, 0) & (1 << width) - 1
    letters = {32: "<fI", 64: "<dQ"}[width]
    return struct.unpack("<" + letters[2], struct.pack(letters[:2], float(token)))[0]


def value_of(text, shape):
    kind, width = shape
    tokens = text.split()
    if tokens[0].startswith("="):
        return int(tokens[0][1:], 0)
    if tokens[0].startswith("#"):
        bits = bits_of(tokens[0][1:], kind, width)
        if kind == "i":
            return int(tokens[0][1:], 0)
        return f32_from_bits(bits) if width == 32 else f64_from_bits(bits)
    lanes = itertools.islice(itertools.cycle(tokens), 128 // width)
    packed = struct.pack(
        f"<{128 // width}{_LETTERS[shape]}", *[bits_of(token, kind, width) for token in lanes]
    )
    return int.from_bytes(packed, "little")


def parse_case(line):
    mnemonic, _, rest = line.partition(" ")
    *operands, result = rest.split(";")
    operand_shape, result_shape = shapes(mnemonic)
    values = [value_of(text, operand_shape) for text in operands]
    if "_add_s" in mnemonic:  # the accumulator is as wide as the result
        values[2] = value_of(operands[2], result_shape)
    return mnemonic, values, value_of(result, result_shape)


PARSED = [parse_case(line) for line in CASES.replace("\n   ", "").splitlines() if line]


@pytest.mark.parametrize(
    ("mnemonic", "operands", "expected"), PARSED, ids=[f"{i}-{case[0]}" for i, case in enumerate(PARSED)]
)
def test_operation_gives_expected_bits(mnemonic, operands, expected):
    result = OPERATIONS[mnemonic](*operands)
    assert hex(result) == hex(expected)


def test_every_operation_has_a_case():
    assert {mnemonic for mnemonic, _, _ in PARSED} == set(OPERATIONS)
