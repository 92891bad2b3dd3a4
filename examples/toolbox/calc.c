// Arithmetic on doubles, with error messages that point at the place.
//
//   sum     = product (('+' | '-') product)*
//   product = signed (('*' | '/' | '%') signed)*
//   signed  = ('+' | '-') signed | power
//   power   = atom (('^' | '**') signed)?           2^-1 works, -2^2 is -4, 2^3^2 is 2^9
//   atom    = NUMBER | '(' sum ')' | NAME | NAME '(' sum (',' sum)* ')'
//
// Strategy: one function a rule, each of which returns the value. The first error wins: it is noted with its offset,
// and from then on the text counts as read, so that all rules end at once. Depth is bounded, since the stack is.
#include "toolbox.h"

enum { MAX_DEPTH = 64 };

typedef struct {
  str text;
  size_t at;
  int depth;
  const json *variables;
  str problem;
  size_t problem_at;
} parser;

static double fail(parser *p, size_t at, str problem) {
  if (p->problem.len == 0) {
    p->problem = problem;
    p->problem_at = at;
  }
  p->at = p->text.len;
  return 0;
}

static inline char peek(parser *p) {
  while (p->at < p->text.len && (p->text.ptr[p->at] == ' ' || p->text.ptr[p->at] == '\t' || p->text.ptr[p->at] == '\n'))
    p->at++;
  return p->at < p->text.len ? p->text.ptr[p->at] : 0;
}

static inline bool take(parser *p, char c) {
  if (peek(p) != c) return false;
  p->at++;
  return true;
}

// Every result passes here: the first one that isn't finite is an error at its operator.
static inline double checked(parser *p, size_t at, double value) {
  if (value - value != 0) return fail(p, at, STR("the result is too large"));
  return value;
}

// ---- operators and functions ----------------------------------------------------------------------------------------

static double modulo(parser *p, size_t at, double a, double b) {
  const double limit = 9007199254740992.0; // 2^53: up to here doubles are exact integers
  if (__builtin_trunc(a) != a || __builtin_trunc(b) != b || __builtin_fabs(a) > limit || __builtin_fabs(b) > limit)
    return fail(p, at, STR("% wants whole numbers up to 2^53"));
  if (b == 0) return fail(p, at, STR("division by zero"));
  int64_t x = (int64_t)a, y = (int64_t)b, r = x % y;
  if (r != 0 && (r < 0) != (y < 0)) r += y; // the sign of the divisor, as in mathematics
  return (double)r;
}

static double power(parser *p, size_t at, double base, double exponent) {
  if (__builtin_trunc(exponent) != exponent || __builtin_fabs(exponent) > 1e6)
    return fail(p, at, STR("the exponent must be a whole number (for roots there is sqrt)"));
  if (base == 0 && exponent < 0) return fail(p, at, STR("division by zero"));
  double result = 1;
  for (uint32_t n = (uint32_t)__builtin_fabs(exponent); n; n >>= 1, base *= base)
    if (n & 1) result *= base;
  return exponent < 0 ? 1 / result : result;
}

// All that any of the functions needs of its arguments, so that they need no room each on the stack.
typedef struct {
  double first, sum, low, high;
  size_t count;
} arguments;

static double call(parser *p, size_t at, str name, const arguments *args) {
  if (str_eq(name, STR("min"))) return args->low;
  if (str_eq(name, STR("max"))) return args->high;
  if (str_eq(name, STR("sum"))) return args->sum;
  if (str_eq(name, STR("avg"))) return args->sum / (double)args->count;
  enum { ABS, FLOOR, CEIL, ROUND, SQRT };
  static const str with_one[] = {[ABS] = {"abs", 3}, {"floor", 5}, {"ceil", 4}, {"round", 5}, {"sqrt", 4}};
  size_t which = 0;
  while (which <= SQRT && !str_eq(name, with_one[which])) which++;
  if (which > SQRT)
    return fail(p, at, STR("there is no such function (there are abs, avg, ceil, floor, max, min, round, sqrt, sum)"));
  if (args->count > 1) return fail(p, at, STR("this function takes one argument"));
  double a = args->first;
  switch (which) {
    case ABS: return __builtin_fabs(a);
    case FLOOR: return __builtin_floor(a);
    case CEIL: return __builtin_ceil(a);
    case ROUND: return __builtin_rint(a);
    default: return a < 0 ? fail(p, at, STR("square root of a negative number")) : __builtin_sqrt(a);
  }
}

static double named_value(parser *p, size_t at, str name) {
  const json *variable = p->variables ? json_get(p->variables, name) : NULL;
  if (variable) return checked(p, at, variable->number);
  if (str_eq(name, STR("pi"))) return 3.141592653589793;
  if (str_eq(name, STR("e"))) return 2.718281828459045;
  return fail(p, at, STR("there is no such variable"));
}

// ---- the grammar ----------------------------------------------------------------------------------------------------

static double parse_sum(parser *p);

static inline bool is_letter(char c) { return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_'; }

static double parse_call(parser *p, size_t at, str name) {
  arguments args = {0};
  do {
    double value = parse_sum(p);
    if (args.count++ == 0) args.first = args.low = args.high = value;
    if (value < args.low) args.low = value;
    if (value > args.high) args.high = value;
    args.sum += value;
  } while (take(p, ','));
  if (!take(p, ')')) return fail(p, p->at, STR("expected ',' or ')'"));
  return checked(p, at, call(p, at, name, &args));
}

static double parse_atom(parser *p) {
  char c = peek(p);
  size_t at = p->at;
  if (is_digit(c)) {
    double value;
    p->at += number_read(str_from(p->text, at), &value);
    return checked(p, at, value);
  }
  if (is_letter(c)) {
    while (p->at < p->text.len && (is_letter(p->text.ptr[p->at]) || is_digit(p->text.ptr[p->at]))) p->at++;
    str name = {p->text.ptr + at, p->at - at};
    return take(p, '(') ? parse_call(p, at, name) : named_value(p, at, name);
  }
  if (take(p, '(')) {
    double value = parse_sum(p);
    if (!take(p, ')')) return fail(p, p->at, STR("expected ')'"));
    return value;
  }
  return fail(p, at, STR("expected a number, a name or '('"));
}

static double parse_signed(parser *p) {
  // Every loop of the grammar passes here, so this is where depth is counted.
  if (p->depth == MAX_DEPTH) return fail(p, p->at, STR("nested too deeply"));
  p->depth++;
  double value;
  if (take(p, '-')) value = -parse_signed(p);
  else if (take(p, '+')) value = parse_signed(p);
  else {
    value = parse_atom(p);
    char c = peek(p);
    size_t at = p->at;
    bool stars = c == '*' && at + 1 < p->text.len && p->text.ptr[at + 1] == '*';
    if (c == '^' || stars) {
      p->at += stars ? 2 : 1;
      value = checked(p, at, power(p, at, value, parse_signed(p)));
    }
  }
  p->depth--;
  return value;
}

static double parse_product(parser *p) {
  double value = parse_signed(p);
  for (;;) {
    char op = peek(p);
    size_t at = p->at;
    if (op != '*' && op != '/' && op != '%') return value;
    p->at++;
    double right = parse_signed(p);
    if (op == '/' && right == 0 && p->problem.len == 0) return fail(p, at, STR("division by zero"));
    value = checked(p, at, op == '*' ? value * right : op == '/' ? value / right : modulo(p, at, value, right));
  }
}

static double parse_sum(parser *p) {
  double value = parse_product(p);
  for (;;) {
    char op = peek(p);
    size_t at = p->at;
    if (op != '+' && op != '-') return value;
    p->at++;
    double right = parse_product(p);
    value = checked(p, at, op == '+' ? value + right : value - right);
  }
}

calc_result calc_evaluate(str expression, const json *variables) {
  parser p = {.text = expression, .variables = variables};
  double value = parse_sum(&p);
  peek(&p); // skips the space at the end
  if (p.at < expression.len) fail(&p, p.at, STR("expected an operator"));
  return (calc_result){value, p.problem, p.problem_at};
}
