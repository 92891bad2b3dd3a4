// Memory and text, as little as a server without a C library needs.
#include "toolbox.h"

// ---- the arena ------------------------------------------------------------------------------------------------------

enum { PAGE = 65536 };
extern char __heap_base; // the linker's: the first byte after the data and the stack
static size_t top;       // the first free byte; 0 before the first allocation

static size_t base(void) { return (size_t)&__heap_base; }

void *arena_alloc(size_t size, size_t align) {
  if (top == 0) top = base();
  uint64_t start = ((uint64_t)top + align - 1) & ~(uint64_t)(align - 1);
  uint64_t end = start + size; // in 64 bits: neither sum can wrap
  if (end > UINT32_MAX) __builtin_trap();
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end > have) {
    size_t pages = (size_t)((end - have + PAGE - 1) / PAGE);
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) __builtin_trap();
  }
  top = (size_t)end;
  return (void *)(size_t)start;
}

void *arena_zeroed(size_t size, size_t count, size_t align) {
  uint64_t total = (uint64_t)size * count;
  if (total > UINT32_MAX) __builtin_trap();
  void *p = arena_alloc((size_t)total, align);
  __builtin_memset(p, 0, (size_t)total);
  return p;
}

size_t arena_mark(void) { return top; }
void arena_release(size_t mark) { top = mark; }
void arena_reset(void) { top = base(); }

// Grows the newest allocation in place; any other is copied, and the old one stays until the arena is reset.
static void *arena_resize(void *old, size_t old_size, size_t align, size_t new_size) {
  if (old_size == 0) return arena_alloc(new_size, align);
  if ((size_t)old + old_size == top && new_size >= old_size) {
    arena_alloc(new_size - old_size, 1);
    return old;
  }
  void *p = arena_alloc(new_size, align);
  __builtin_memcpy(p, old, old_size < new_size ? old_size : new_size);
  return p;
}

// The canonical ABI's allocator: the host calls it for the arguments of exports and the results of imports.
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size) {
  return arena_resize(old, old_size, align, new_size);
}

// ---- text -----------------------------------------------------------------------------------------------------------

bool str_eq(str a, str b) { return a.len == b.len && str_starts(a, b); }

bool str_starts(str text, str prefix) {
  if (text.len < prefix.len) return false;
  for (size_t i = 0; i < prefix.len; i++)
    if (text.ptr[i] != prefix.ptr[i]) return false;
  return true;
}

str str_from(str text, size_t at) { return (str){text.ptr + at, text.len - at}; }

// The length of the multibyte UTF-8 sequence at the start of `p`, which has `left` > 0 bytes; 0 if there is none.
static size_t utf8_length(const uint8_t *p, size_t left) {
  uint8_t c = p[0];
  size_t n = c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
  if (n == 0 || n > left) return 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  // The second byte rules out overlong forms, surrogates, and what lies above U+10FFFF.
  if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) return 0;
  if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) return 0;
  return n;
}

bool utf8_valid(str text) {
  for (size_t i = 0; i < text.len;) {
    if ((uint8_t)text.ptr[i] < 0x80) { // the usual case, without a call
      i++;
      continue;
    }
    size_t n = utf8_length((const uint8_t *)text.ptr + i, text.len - i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

// ---- growing text ---------------------------------------------------------------------------------------------------

static inline char *buf_room(buf *b, size_t more) {
  if (b->cap - b->len < more) {
    size_t cap = b->cap * 2 + more + 32;
    b->ptr = arena_resize(b->ptr, b->cap, 1, cap);
    b->cap = cap;
  }
  char *at = b->ptr + b->len;
  b->len += more;
  return at;
}

void buf_str(buf *b, str text) {
  if (text.len) __builtin_memcpy(buf_room(b, text.len), text.ptr, text.len);
}

void buf_char(buf *b, char c) { *buf_room(b, 1) = c; }

str buf_done(const buf *b) { return (str){b->ptr, b->len}; }

void buf_uint(buf *b, uint64_t value) {
  char digits[20];
  size_t n = 0;
  do digits[sizeof digits - ++n] = (char)('0' + value % 10);
  while (value /= 10);
  buf_str(b, (str){digits + sizeof digits - n, n});
}

void buf_hex(buf *b, const uint8_t *bytes, size_t count) {
  char *out = buf_room(b, 2 * count);
  for (size_t i = 0; i < count; i++) {
    out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
}

void buf_codepoint(buf *b, uint32_t c) {
  if (c < 0x80) {
    buf_char(b, (char)c);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  buf_char(b, (char)(lead[more] | c >> (6 * more)));
  while (more--) buf_char(b, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

void buf_json_string(buf *b, str text) {
  buf_char(b, '"');
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = (uint8_t)text.ptr[i];
    if (c == '"' || c == '\\') {
      buf_char(b, '\\');
      buf_char(b, (char)c);
    } else if (c < 0x20) {
      buf_str(b, STR("\\u00"));
      buf_hex(b, &c, 1);
    } else {
      buf_char(b, (char)c);
    }
  }
  buf_char(b, '"');
}
