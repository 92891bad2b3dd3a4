// Blocks of powers of two. Those that are released are kept for the next of their size.
#include "abi.h"

enum { PAGE = 65536, SMALLEST = 4 };

typedef struct block { struct block *next; } block;

extern char __heap_base; // the linker's: the first byte after the data and the stack
static size_t top;       // the first byte that was never allocated
static block *released[32];

static unsigned exponent(size_t size) {
  unsigned k = SMALLEST;
  while (((size_t)1 << k) < size) k++;
  return k;
}

void *allocate(size_t size) {
  if (size == 0) return NULL;
  if (size > (size_t)1 << 30) __builtin_trap();
  unsigned k = exponent(size);
  block *b = released[k];
  if (b) {
    released[k] = b->next;
    return b;
  }
  if (top == 0) top = ((size_t)&__heap_base + 15) & ~(size_t)15;
  size_t start = top, have = __builtin_wasm_memory_size(0);
  uint64_t end = (uint64_t)start + ((uint64_t)1 << k);
  size_t need = (size_t)((end + PAGE - 1) / PAGE);
  if (need > have && __builtin_wasm_memory_grow(0, need - have) == (size_t)-1) __builtin_trap();
  top = (size_t)end;
  return (void *)start;
}

void release(void *old, size_t size) {
  if (size == 0) return;
  block *b = old;
  unsigned k = exponent(size);
  b->next = released[k];
  released[k] = b;
}

// The canonical ABI's allocator: the host calls it for strings that it gives.
EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)align;
  void *new = allocate(size);
  if (old_size) {
    __builtin_memcpy(new, old, old_size < size ? old_size : size);
    release(old, old_size);
  }
  return new;
}
