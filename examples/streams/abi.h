// The canonical ABI of async functions, by hand: built-ins, events and answers, and memory.
//
// An async export is two functions of the core module: `[async-lift]NAME` begins a call, and
// `[callback][async-lift]NAME` goes on with it after an event. Each answers EXIT, when the call is over, or
// `wait_for(set)`. Between the two the call keeps its state behind the pointer that `context_set` holds for it.
#ifndef ABI_H
#define ABI_H

#include <stddef.h>
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern
#define EXPORT(name) __attribute__((export_name(name)))
#define BEGINS(name) EXPORT("[async-lift]" name) uint32_t
#define GOES_ON(name) EXPORT("[callback][async-lift]" name) uint32_t

typedef struct { char *ptr; size_t len; } string;
typedef struct { uint8_t *ptr; size_t len; } bytes;

// ---- answers and events ---------------------------------------------------------------------------------------------

enum { EXIT, YIELD, WAIT };
static inline uint32_t wait_for(uint32_t set) { return WAIT | set << 4; }

typedef enum { NONE, SUBTASK, STREAM_READ, STREAM_WRITE, FUTURE_READ, FUTURE_WRITE, TASK_CANCELLED } event;

// What a call of an async import answers: its state, and a handle in the upper bits if it has not returned.
enum { STARTING, STARTED, RETURNED, CANCELLED_BEFORE_STARTED, CANCELLED_BEFORE_RETURNED };

// What a read or write answers: BLOCKED, or how it ended, and in the upper bits how many elements were copied.
enum { COMPLETED, DROPPED, CANCELLED };
#define BLOCKED UINT32_MAX

// ---- built-ins ------------------------------------------------------------------------------------------------------

IMPORT("$root", "[waitable-set-new]") uint32_t set_new(void);
IMPORT("$root", "[waitable-set-drop]") void set_drop(uint32_t set);
IMPORT("$root", "[waitable-join]") void join(uint32_t waitable, uint32_t set_or_0);
IMPORT("$root", "[subtask-cancel]") uint32_t subtask_cancel(uint32_t subtask);
IMPORT("$root", "[subtask-drop]") void subtask_drop(uint32_t subtask);
IMPORT("$root", "[context-get-0]") void *context_get(void);
IMPORT("$root", "[context-set-0]") void context_set(void *state);
IMPORT("[export]$root", "[task-cancel]") void task_cancel(void);

#define RETURNS(f, ...) IMPORT("[export]$root", "[task-return]" #f) void f##_return(__VA_ARGS__)

// The built-ins of stream or future number `n` in the type of export `f`.
#define BUILT_IN(prefix, what, n, f) IMPORT("[export]$root", prefix "[" what "-" #n "]" #f)
#define READS_STREAM(f, n) \
  BUILT_IN("[async-lower]", "stream-read", n, f) uint32_t f##_read(uint32_t end, void *to, uint32_t count); \
  BUILT_IN("", "stream-cancel-read", n, f) uint32_t f##_cancel_read(uint32_t end); \
  BUILT_IN("", "stream-drop-readable", n, f) void f##_drop_readable(uint32_t end)
#define WRITES_STREAM(f, n) \
  BUILT_IN("", "stream-new", n, f) uint64_t f##_new(void); \
  BUILT_IN("[async-lower]", "stream-write", n, f) uint32_t f##_write(uint32_t end, void *from, uint32_t count); \
  BUILT_IN("", "stream-drop-writable", n, f) void f##_drop_writable(uint32_t end)
#define READS_FUTURE(f, n) \
  BUILT_IN("[async-lower]", "future-read", n, f) uint32_t f##_read(uint32_t end, void *to); \
  BUILT_IN("", "future-drop-readable", n, f) void f##_drop_readable(uint32_t end)
#define WRITES_FUTURE(f, n) \
  BUILT_IN("", "future-new", n, f) uint64_t f##_new(void); \
  BUILT_IN("[async-lower]", "future-write", n, f) uint32_t f##_write(uint32_t end, void *from); \
  BUILT_IN("", "future-drop-writable", n, f) void f##_drop_writable(uint32_t end)

// ---- memory ---------------------------------------------------------------------------------------------------------

// Aligned to 16 bytes; NULL for none. `size` is the one that it was allocated with.
void *allocate(size_t size);
void release(void *block, size_t size);

#endif
