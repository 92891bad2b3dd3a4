// A JSON reader for arguments that anyone may have sent.
//
// Strategy: recursive descent with a bounded depth over a bounded slice; nothing is read before its offset is compared
// with the end. The first error wins: it is noted with its offset, and every caller gives up on seeing one.
#include "toolbox.h"

enum { MAX_DEPTH = 32 };

typedef struct {
  str text;
  size_t at;
  int depth;
  str problem; // empty: none so far
} reader;

static json *fail(reader *r, str problem) {
  if (r->problem.len == 0) r->problem = problem;
  return NULL;
}

static inline int peek(const reader *r) { return r->at < r->text.len ? (uint8_t)r->text.ptr[r->at] : -1; }

static inline bool take(reader *r, char c) {
  if (peek(r) != (uint8_t)c) return false;
  r->at++;
  return true;
}

static void skip_space(reader *r) {
  for (int c; c = peek(r), c == ' ' || c == '\t' || c == '\n' || c == '\r';) r->at++;
}

// The four hexadecimal digits of \uXXXX; -1 if they are not there.
static int32_t read_hex4(reader *r) {
  int32_t value = 0;
  for (int i = 0; i < 4; i++, r->at++) {
    int c = peek(r), letter = c | 0x20;
    if (c >= '0' && c <= '9') value = value * 16 + c - '0';
    else if (letter >= 'a' && letter <= 'f') value = value * 16 + letter - 'a' + 10;
    else return -1;
  }
  return value;
}

// After the backslash. Half a surrogate pair is refused: it has no form in UTF-8, and a hash of "something like it"
// would be worse than an error.
static bool read_escape(reader *r, buf *out) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  int c = peek(r);
  for (size_t i = 0; i < sizeof from - 1; i++)
    if (c == from[i]) {
      r->at++;
      buf_char(out, to[i]);
      return true;
    }
  if (!take(r, 'u')) return fail(r, STR("unknown escape")), false;
  int32_t unit = read_hex4(r);
  if (unit < 0) return fail(r, STR("\\u wants four hexadecimal digits")), false;
  if (unit >= 0xd800 && unit < 0xe000) {
    int32_t low = unit < 0xdc00 && take(r, '\\') && take(r, 'u') ? read_hex4(r) : -1;
    if (low < 0xdc00 || low >= 0xe000) return fail(r, STR("half a surrogate pair")), false;
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }
  buf_codepoint(out, (uint32_t)unit);
  return true;
}

// Moves on to the next byte that ends a run of plain characters: a quote, a backslash, a control character, the end.
static str read_plain(reader *r) {
  size_t at = r->at;
  for (; at < r->text.len; at++) {
    uint8_t c = (uint8_t)r->text.ptr[at];
    if (c < 0x20 || c == '"' || c == '\\') break;
  }
  str plain = {r->text.ptr + r->at, at - r->at};
  r->at = at;
  return plain;
}

// At the opening quote. A string without escapes, the usual case, stays where it is.
static bool read_string(reader *r, str *out) {
  if (!take(r, '"')) return fail(r, STR("expected a string")), false;
  *out = read_plain(r);
  if (take(r, '"')) return true;
  buf copy = {0};
  for (;;) {
    buf_str(&copy, *out);
    if (take(r, '"')) break;
    if (peek(r) < 0) return fail(r, STR("the string has no end")), false;
    if (!take(r, '\\')) return fail(r, STR("control character in a string")), false;
    if (!read_escape(r, &copy)) return false;
    *out = read_plain(r);
  }
  *out = buf_done(&copy);
  return true;
}

static json *read_number(reader *r, json *node) {
  bool minus = take(r, '-');
  str rest = str_from(r->text, r->at);
  if (rest.len > 1 && rest.ptr[0] == '0' && is_digit(rest.ptr[1])) return fail(r, STR("a number may not start with 0"));
  size_t n = number_read(rest, &node->number);
  if (n == 0) return fail(r, STR("expected a value"));
  r->at += n;
  if (minus) node->number = -node->number;
  node->kind = JSON_NUMBER;
  return node;
}

static json *read_value(reader *r);

static json *read_members(reader *r, json *node, char close) {
  if (++r->depth > MAX_DEPTH) return fail(r, STR("nested too deeply"));
  r->at++;
  skip_space(r);
  for (json **link = &node->first; !take(r, close);) {
    if (node->first) {
      if (!take(r, ',')) return fail(r, close == '}' ? STR("expected ',' or '}'") : STR("expected ',' or ']'"));
      skip_space(r);
    }
    str key = {0};
    if (close == '}') {
      if (!read_string(r, &key)) return NULL;
      skip_space(r);
      if (!take(r, ':')) return fail(r, STR("expected ':'"));
    }
    json *child = read_value(r);
    if (!child) return NULL;
    child->key = key;
    *link = child;
    link = &child->next;
  }
  r->depth--;
  return node;
}

static json *read_word(reader *r, json *node, str word) {
  if (!str_starts(str_from(r->text, r->at), word)) return fail(r, STR("expected a value"));
  r->at += word.len;
  return node;
}

static json *read_value(reader *r) {
  json *node = NEW(json, 1);
  skip_space(r);
  switch (peek(r)) {
    case '{': node->kind = JSON_OBJECT; node = read_members(r, node, '}'); break;
    case '[': node->kind = JSON_ARRAY; node = read_members(r, node, ']'); break;
    case '"': node->kind = JSON_STRING; if (!read_string(r, &node->string)) node = NULL; break;
    case 't': node->kind = JSON_BOOL; node->truth = true; node = read_word(r, node, STR("true")); break;
    case 'f': node->kind = JSON_BOOL; node = read_word(r, node, STR("false")); break;
    case 'n': node->kind = JSON_NULL; node = read_word(r, node, STR("null")); break;
    default: node = read_number(r, node);
  }
  skip_space(r);
  return node;
}

json *json_parse(str text, str *error) {
  reader r = {.text = text};
  // Checked once for the whole: strings are cut at ASCII bytes, so all of them are then valid as well.
  if (!utf8_valid(text)) {
    *error = STR("the arguments are not valid UTF-8");
    return NULL;
  }
  json *value = read_value(&r);
  if (value && r.at < text.len) value = fail(&r, STR("something follows the value"));
  if (!value) {
    buf b = {0};
    buf_str(&b, STR("the arguments are not valid JSON: "));
    buf_str(&b, r.problem);
    buf_str(&b, STR(" at byte "));
    buf_uint(&b, r.at);
    *error = buf_done(&b);
  }
  return value;
}

const json *json_get(const json *object, str key) {
  const json *found = NULL;
  for (const json *m = object->first; m; m = m->next)
    if (str_eq(m->key, key)) found = m;
  return found;
}
