// What the parts of the toolbox share: memory, text, numbers, JSON, and the work behind the two tools.
#ifndef TOOLBOX_H
#define TOOLBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- base.c: memory and text ----------------------------------------------------------------------------------------

// A piece of UTF-8 text or bytes, not NUL-terminated. On wasm32 this is also the canonical ABI's form of `string` and
// `list<u8>`: a pointer and a length.
typedef struct {
  const char *ptr;
  size_t len;
} str;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})

bool str_eq(str a, str b);
bool str_starts(str text, str prefix);
str str_from(str text, size_t at);
bool utf8_valid(str text);

// One arena holds everything a call needs: what the host passes in, what the handler makes of it, and the result. It is
// given back in one step when the call is over, so that a server may run for ever. Allocation never fails: memory.grow
// refused is a trap, since without memory not even the error could be written.
void *arena_alloc(size_t size, size_t align);
size_t arena_mark(void);
void arena_release(size_t mark);
void arena_reset(void);

#define NEW(type, count) ((type *)arena_zeroed(sizeof(type), (count), _Alignof(type)))
void *arena_zeroed(size_t size, size_t count, size_t align);

// Text that grows in the arena. The numbers and the escapes are the ones that JSON wants.
typedef struct {
  char *ptr;
  size_t len, cap;
} buf;

void buf_str(buf *b, str text);
void buf_char(buf *b, char c);
void buf_uint(buf *b, uint64_t value);
void buf_hex(buf *b, const uint8_t *bytes, size_t count);
void buf_codepoint(buf *b, uint32_t c);
void buf_json_string(buf *b, str text);
str buf_done(const buf *b);

// ---- number.c: doubles as decimal text ------------------------------------------------------------------------------

// Reads digits[.digits][e[+-]digits] at the start of `text`: returns the length read (0: no number) and sets *value,
// correctly rounded for up to 19 significant digits (later ones count as zeros), infinite when too large.
size_t number_read(str text, double *value);

// Writes the shortest decimal that reads back as the same double, laid out as Python's repr does, less the ".0".
void number_write(buf *b, double value);

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// ---- json.c ---------------------------------------------------------------------------------------------------------

typedef enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

typedef struct json {
  json_kind kind;
  bool truth;
  double number;
  str string;               // decoded, valid UTF-8
  str key;                  // the member's name, when the parent is an object
  struct json *first, *next; // the children of an array or object, as a list
} json;

// Parses a whole document. On failure returns NULL and describes what is wrong, and where, in *error.
json *json_parse(str text, str *error);

// The member `key` of an object (the last, if there are several), or NULL.
const json *json_get(const json *object, str key);

// ---- hash.c ---------------------------------------------------------------------------------------------------------

typedef struct {
  str name;
  size_t digest_size;
  uint32_t report_every; // rounds between two progress reports
  void (*digest)(const uint8_t *data, size_t len, uint8_t *out);
} hash_algorithm;

enum { HASH_MAX_DIGEST = 32 };

const hash_algorithm *hash_find(str name);

// ---- calc.c ---------------------------------------------------------------------------------------------------------

typedef struct {
  double value;
  str problem; // empty if all went well, else a message ...
  size_t at;   // ... about the byte at this offset of the expression
} calc_result;

// Evaluates an expression. `variables` is a JSON object of numbers, or NULL.
calc_result calc_evaluate(str expression, const json *variables);

#endif
