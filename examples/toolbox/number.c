// Doubles from and to decimal text, exactly.
//
// Strategy: what occurs daily (integers, a few decimals) takes a short path of one or two operations which are exact.
// Everything else is done on big integers. Reading divides the decimal mantissa by the power of ten, bit after bit, and
// rounds on the remainder. Writing is the algorithm of Steele and White, known as Dragon4: digits of the value until
// they tell it apart from both of its neighbours.
#include "toolbox.h"

// ---- big integers ---------------------------------------------------------------------------------------------------

// The largest that occur are near 10^345 (1147 bits), and 2^1076 times a few digits.
enum { WORDS = 40 };

typedef struct {
  uint32_t word[WORDS]; // little-endian; only the first `count` are set, the last of them isn't 0
  int count;
} big;

static void big_set(big *a, uint64_t value) {
  a->count = 0;
  for (; value; value >>= 32) a->word[a->count++] = (uint32_t)value;
}

// Cheaper than the assignment of all 40 words.
static inline void big_copy(big *to, const big *from) {
  to->count = from->count;
  for (int i = 0; i < from->count; i++) to->word[i] = from->word[i];
}

static inline void big_mul(big *a, uint32_t factor) {
  uint64_t carry = 0;
  for (int i = 0; i < a->count; i++) {
    carry += (uint64_t)a->word[i] * factor;
    a->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry) a->word[a->count++] = (uint32_t)carry;
}

static void big_mul_pow10(big *a, int exponent) {
  for (; exponent >= 9; exponent -= 9) big_mul(a, 1000000000);
  for (; exponent > 0; exponent--) big_mul(a, 10);
}

static void big_shift_left(big *a, int bits) {
  if (a->count == 0) return;
  int words = bits / 32;
  bits %= 32;
  if (words) {
    for (int i = a->count; i-- > 0;) a->word[i + words] = a->word[i];
    for (int i = 0; i < words; i++) a->word[i] = 0;
    a->count += words;
  }
  if (bits) big_mul(a, (uint32_t)1 << bits);
}

static int big_bits(const big *a) {
  return a->count ? 32 * a->count - __builtin_clz(a->word[a->count - 1]) : 0;
}

static inline int big_compare(const big *a, const big *b) {
  if (a->count != b->count) return a->count < b->count ? -1 : 1;
  for (int i = a->count; i-- > 0;)
    if (a->word[i] != b->word[i]) return a->word[i] < b->word[i] ? -1 : 1;
  return 0;
}

static inline void big_add(big *a, const big *b) {
  uint64_t carry = 0;
  for (int i = 0; i < b->count || carry; i++) {
    if (i == a->count) a->word[a->count++] = 0;
    carry += (uint64_t)a->word[i] + (i < b->count ? b->word[i] : 0);
    a->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
}

// a -= b, where a >= b.
static inline void big_sub(big *a, const big *b) {
  int64_t borrow = 0;
  for (int i = 0; i < a->count && (i < b->count || borrow); i++) {
    borrow += (int64_t)a->word[i] - (i < b->count ? b->word[i] : 0);
    a->word[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
  while (a->count && a->word[a->count - 1] == 0) a->count--;
}

// ---- reading --------------------------------------------------------------------------------------------------------

static double from_bits(uint64_t bits) {
  double value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// mantissa * 10^exponent, rounded to the nearest double.
static double scale_exactly(uint64_t mantissa, int exponent) {
  if (mantissa == 0 || exponent < -345) return 0;
  if (exponent > 310) return __builtin_inf();
  big num, den;
  big_set(&num, mantissa);
  big_set(&den, 1);
  big_mul_pow10(exponent < 0 ? &den : &num, exponent < 0 ? -exponent : exponent);

  // Scale the fraction to 1 <= num/den < 2, so that the value is num/den * 2^power.
  int power = big_bits(&num) - big_bits(&den);
  if (power < 0) big_shift_left(&num, -power);
  else big_shift_left(&den, power);
  if (big_compare(&num, &den) < 0) {
    big_shift_left(&num, 1);
    power--;
  }
  if (power > 1023) return __builtin_inf();
  int bits = power < -1022 ? 53 - (-1022 - power) : 53; // subnormals have fewer
  if (bits < 0) return 0;

  uint64_t quotient = 0;
  for (int i = 0; i < bits; i++) {
    quotient <<= 1;
    if (big_compare(&num, &den) >= 0) {
      big_sub(&num, &den);
      quotient |= 1;
    }
    big_shift_left(&num, 1);
  }
  // num/den is now twice the rest: above 1 is more than half a unit, 1 is a tie and goes to even.
  int rest = big_compare(&num, &den);
  if (rest > 0 || (rest == 0 && (quotient & 1))) quotient++;
  // A quotient that was rounded up to 2^53 carries into the exponent, which is right.
  if (bits < 53) return from_bits(quotient);
  return from_bits(((uint64_t)(power + 1022) << 52) + quotient);
}

size_t number_read(str text, double *value) {
  size_t at = 0;
  uint64_t mantissa = 0;
  int digits = 0, exponent = 0;
  for (bool fraction = false;; at++) {
    char c = at < text.len ? text.ptr[at] : 0;
    if (c == '.' && !fraction && at > 0 && at + 1 < text.len && is_digit(text.ptr[at + 1])) {
      fraction = true;
      continue;
    }
    if (!is_digit(c)) break;
    if (digits < 19) {
      mantissa = mantissa * 10 + (uint64_t)(c - '0');
      digits += mantissa != 0;
      exponent -= fraction;
    } else {
      exponent += !fraction;
    }
  }
  if (at == 0) return 0;

  if (at < text.len && (text.ptr[at] | 0x20) == 'e') {
    size_t from = at + 1;
    bool minus = from < text.len && text.ptr[from] == '-';
    if (from < text.len && (minus || text.ptr[from] == '+')) from++;
    int written = 0;
    size_t end = from;
    for (; end < text.len && is_digit(text.ptr[end]); end++)
      if (written < 100000) written = written * 10 + text.ptr[end] - '0';
    if (end > from) {
      at = end;
      exponent += minus ? -written : written;
    }
  }

  // Both factors are exact doubles, so one operation rounds once, which is correct.
  static const double pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (mantissa >> 53 == 0 && exponent >= -22 && exponent <= 22)
    *value = exponent < 0 ? (double)mantissa / pow10[-exponent] : (double)mantissa * pow10[exponent];
  else
    *value = scale_exactly(mantissa, exponent);
  return at;
}

// ---- writing --------------------------------------------------------------------------------------------------------

typedef struct {
  char digit[20];
  int count;
  int point; // the value is 0.DIGITS * 10^point
} decimal;

// The value is mantissa * 2^power, above 0. The gap to the neighbour below is half as wide if `narrow_below`.
static decimal shortest_digits(uint64_t mantissa, int power, bool narrow_below) {
  // The number is value/scale; above and below are half the gaps to its neighbours, on the same scale.
  big value, scale, above, sum, own_below;
  big *below = narrow_below ? &own_below : &above; // usually there is but one gap, and nothing to do twice
  int up = power > 0 ? power : 0, down = power < 0 ? -power : 0;
  int extra = narrow_below ? 2 : 1; // bits that make the half gaps whole numbers
  big_set(&value, mantissa);
  big_set(&scale, 1);
  big_set(&above, 1);
  big_shift_left(&value, extra + up);
  big_shift_left(&scale, extra + down);
  if (narrow_below) {
    big_copy(below, &above);
    big_shift_left(below, up);
  }
  big_shift_left(&above, extra - 1 + up);

  // The estimate of the decimal exponent is right or one too small.
  int bits = 64 - __builtin_clzll(mantissa) + power - 1;
  int point = (int)__builtin_ceil(bits * 0.30102999566398120 - 1e-9);
  if (point > 0) {
    big_mul_pow10(&scale, point);
  } else {
    big_mul_pow10(&value, -point);
    big_mul_pow10(&above, -point);
    if (narrow_below) big_mul_pow10(below, -point);
  }

  // Reading rounds ties to even, so an even mantissa owns the borders of its interval.
  int own = mantissa % 2 == 0 ? 0 : 1;
  big_copy(&sum, &value);
  big_add(&sum, &above);
  if (big_compare(&sum, &scale) >= own) point++;
  else {
    big_mul(&value, 10);
    big_mul(&above, 10);
    if (narrow_below) big_mul(below, 10);
  }

  decimal out = {.point = point};
  for (;;) {
    char digit = '0';
    for (; big_compare(&value, &scale) >= 0; digit++) big_sub(&value, &scale);
    big_copy(&sum, &value);
    big_add(&sum, &above);
    bool low = big_compare(below, &value) >= own; // this digit is near enough
    bool high = big_compare(&sum, &scale) >= own; // the next digit is
    if (high && low) {
      big_shift_left(&value, 1); // both are: the nearer one, and of two as near the even one
      high = big_compare(&value, &scale) >= 1 - (digit & 1);
    }
    out.digit[out.count++] = (char)(digit + high);
    if (low || high) return out;
    big_mul(&value, 10);
    big_mul(&above, 10);
    if (narrow_below) big_mul(below, 10);
  }
}

static void write_decimal(buf *b, const decimal *d) {
  str digits = {d->digit, (size_t)d->count};
  int point = d->point;
  if (point > 16 || point < -3) {
    buf_char(b, d->digit[0]);
    if (d->count > 1) buf_char(b, '.');
    buf_str(b, str_from(digits, 1));
    buf_str(b, point > 0 ? STR("e+") : STR("e-"));
    int exponent = point > 0 ? point - 1 : 1 - point;
    if (exponent < 10) buf_char(b, '0');
    buf_uint(b, (uint64_t)exponent);
  } else if (point <= 0) {
    buf_str(b, STR("0."));
    for (; point < 0; point++) buf_char(b, '0');
    buf_str(b, digits);
  } else if (point >= d->count) {
    buf_str(b, digits);
    for (; point > d->count; point--) buf_char(b, '0');
  } else {
    buf_str(b, (str){d->digit, (size_t)point});
    buf_char(b, '.');
    buf_str(b, str_from(digits, (size_t)point));
  }
}

void number_write(buf *b, double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (bits >> 63) buf_char(b, '-');
  bits &= UINT64_MAX >> 1;
  int biased = (int)(bits >> 52);
  uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
  double size = from_bits(bits);
  if (biased == 2047) {
    buf_str(b, fraction ? STR("nan") : STR("inf"));
  } else if (size < 9007199254740992.0 && (double)(uint64_t)size == size) {
    buf_uint(b, (uint64_t)size);
  } else {
    uint64_t mantissa = biased ? fraction | (uint64_t)1 << 52 : fraction;
    decimal d = shortest_digits(mantissa, (biased ? biased : 1) - 1075, fraction == 0 && biased > 1);
    write_decimal(b, &d);
  }
}
