// The world `streams`: see wit/streams.wit.
#include "abi.h"

enum { CHUNK = 65536 }; // bytes of one read

// ---- pipes: relay, flip and double ----------------------------------------------------------------------------------

// A stream in, and a stream out. `change` works on `count` elements of `size` bytes.
typedef struct {
  uint32_t size;
  void (*change)(void *elements, uint32_t count);
  uint64_t (*new)(void);
  void (*returns)(uint32_t end);
  uint32_t (*read)(uint32_t end, void *to, uint32_t count);
  uint32_t (*write)(uint32_t end, void *from, uint32_t count);
  void (*drop_readable)(uint32_t end);
  void (*drop_writable)(uint32_t end);
} pipe_kind;

typedef struct {
  const pipe_kind *kind;
  uint32_t set, in, out;
  uint32_t have, written; // elements in `buffer`, and how many of them went out
  int over;               // whether either end of the pipe is closed
  uint8_t *buffer;
} pipe;

static uint32_t pipe_close(pipe *p) {
  p->kind->drop_readable(p->in);
  p->kind->drop_writable(p->out);
  set_drop(p->set);
  release(p->buffer, CHUNK);
  release(p, sizeof *p);
  return EXIT;
}

static void pipe_was_read(pipe *p, uint32_t result) {
  p->have = result >> 4;
  p->written = 0;
  p->over = (result & 15) == DROPPED;
  p->kind->change(p->buffer, p->have);
}

static void pipe_was_written(pipe *p, uint32_t result) {
  p->written += result >> 4;
  if ((result & 15) == DROPPED) {
    p->written = p->have;
    p->over = 1;
  }
}

// Reads and writes until one of them has to wait.
static uint32_t pipe_run(pipe *p) {
  const pipe_kind *k = p->kind;
  for (;;) {
    uint32_t result;
    if (p->written < p->have) {
      result = k->write(p->out, p->buffer + p->written * k->size, p->have - p->written);
      if (result == BLOCKED) return wait_for(p->set);
      pipe_was_written(p, result);
    } else if (p->over) {
      return pipe_close(p);
    } else {
      result = k->read(p->in, p->buffer, CHUNK / k->size);
      if (result == BLOCKED) return wait_for(p->set);
      pipe_was_read(p, result);
    }
  }
}

static uint32_t pipe_begin(const pipe_kind *kind, uint32_t in) {
  pipe *p = allocate(sizeof *p);
  uint64_t ends = kind->new();
  *p = (pipe){.kind = kind, .set = set_new(), .in = in, .out = (uint32_t)(ends >> 32), .buffer = allocate(CHUNK)};
  join(p->in, p->set);
  join(p->out, p->set);
  context_set(p);
  kind->returns((uint32_t)ends);
  return pipe_run(p);
}

// The call has returned, so it is not cancelled any more.
static uint32_t pipe_go_on(event event, uint32_t result) {
  pipe *p = context_get();
  if (event == STREAM_READ) pipe_was_read(p, result);
  else pipe_was_written(p, result);
  return pipe_run(p);
}

READS_STREAM(relay, 0);
WRITES_STREAM(relay, 1);
RETURNS(relay, uint32_t end);

static void leave(void *elements, uint32_t count) { (void)elements, (void)count; }

static const pipe_kind relay_kind = {
    1, leave, relay_new, relay_return, relay_read, relay_write, relay_drop_readable, relay_drop_writable,
};
BEGINS("relay") relay(uint32_t data) { return pipe_begin(&relay_kind, data); }
GOES_ON("relay") relay_callback(event event, uint32_t end, uint32_t result) {
  (void)end;
  return pipe_go_on(event, result);
}

READS_STREAM(flip, 0);
WRITES_STREAM(flip, 1);
RETURNS(flip, uint32_t end);

static void flip_bits(void *elements, uint32_t count) {
  uint64_t *words = elements; // the buffer's length is a multiple of theirs
  for (uint32_t i = 0; i < (count + 7) / 8; i++) words[i] = ~words[i];
}

static const pipe_kind flip_kind = {
    1, flip_bits, flip_new, flip_return, flip_read, flip_write, flip_drop_readable, flip_drop_writable,
};
BEGINS("flip") flip(uint32_t data) { return pipe_begin(&flip_kind, data); }
GOES_ON("flip") flip_callback(event event, uint32_t end, uint32_t result) {
  (void)end;
  return pipe_go_on(event, result);
}

READS_STREAM(double, 0);
WRITES_STREAM(double, 1);
RETURNS(double, uint32_t end);

static void double_numbers(void *elements, uint32_t count) {
  uint32_t *numbers = elements;
  for (uint32_t i = 0; i < count; i++) {
    if (numbers[i] > UINT32_MAX / 2) __builtin_trap();
    numbers[i] *= 2;
  }
}

static const pipe_kind double_kind = {
    4,           double_numbers, double_new,           double_return,
    double_read, double_write,   double_drop_readable, double_drop_writable,
};
BEGINS("double") double_(uint32_t numbers) { return pipe_begin(&double_kind, numbers); }
GOES_ON("double") double_callback(event event, uint32_t end, uint32_t result) {
  (void)end;
  return pipe_go_on(event, result);
}

// ---- sinks: total and head ------------------------------------------------------------------------------------------

READS_STREAM(total, 0);
RETURNS(total, uint64_t sum);

typedef struct {
  uint32_t set, in;
  uint64_t sum;
  uint32_t *numbers;
} total;

static uint32_t total_close(total *t) {
  total_drop_readable(t->in);
  set_drop(t->set);
  release(t->numbers, CHUNK);
  release(t, sizeof *t);
  return EXIT;
}

static void total_add(total *t, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) t->sum += t->numbers[i];
}

// Goes on with what the last read gave.
static uint32_t total_run(total *t, uint32_t result) {
  while (result != BLOCKED) {
    total_add(t, result >> 4);
    if ((result & 15) == DROPPED) {
      total_return(t->sum);
      return total_close(t);
    }
    result = total_read(t->in, t->numbers, CHUNK / sizeof *t->numbers);
  }
  return wait_for(t->set);
}

BEGINS("total") total_begin(uint32_t numbers) {
  total *t = allocate(sizeof *t);
  *t = (total){.set = set_new(), .in = numbers, .numbers = allocate(CHUNK)};
  join(t->in, t->set);
  context_set(t);
  return total_run(t, COMPLETED);
}

GOES_ON("total") total_callback(event event, uint32_t end, uint32_t result) {
  total *t = context_get();
  if (event != TASK_CANCELLED) return total_run(t, result);
  join(end = t->in, 0);
  total_cancel_read(end);
  task_cancel();
  return total_close(t);
}

READS_STREAM(head, 0);
RETURNS(head, uint8_t *data, size_t length);

typedef struct {
  uint32_t set, in;
  uint32_t have, count;
  uint8_t *data;
} head;

static uint32_t head_close(head *h) {
  head_drop_readable(h->in);
  set_drop(h->set);
  release(h->data, h->count);
  release(h, sizeof *h);
  return EXIT;
}

static uint32_t head_run(head *h, uint32_t result) {
  while (result != BLOCKED) {
    h->have += result >> 4;
    if (h->have == h->count || (result & 15) == DROPPED) {
      head_return(h->data, h->have);
      return head_close(h);
    }
    result = head_read(h->in, h->data + h->have, h->count - h->have);
  }
  return wait_for(h->set);
}

BEGINS("head") head_begin(uint32_t data, uint32_t count) {
  head *h = allocate(sizeof *h);
  *h = (head){.set = set_new(), .in = data, .count = count, .data = allocate(count)};
  join(h->in, h->set);
  context_set(h);
  return head_run(h, COMPLETED);
}

GOES_ON("head") head_callback(event event, uint32_t end, uint32_t result) {
  head *h = context_get();
  if (event != TASK_CANCELLED) return head_run(h, result);
  join(end = h->in, 0);
  head_cancel_read(end);
  task_cancel();
  return head_close(h);
}

// ---- futures: greet -------------------------------------------------------------------------------------------------

READS_FUTURE(greet, 0);
WRITES_FUTURE(greet, 1);
RETURNS(greet, uint32_t end);

typedef struct {
  uint32_t set, in, out;
  string name, text;
} greeting;

static const char HELLO[] = "hello, ";
enum { HELLO_LENGTH = sizeof HELLO - 1 };

static uint32_t greet_was_written(greeting *g) {
  greet_drop_writable(g->out);
  set_drop(g->set);
  release(g->text.ptr, g->text.len);
  release(g, sizeof *g);
  return EXIT;
}

static uint32_t greet_was_read(greeting *g) {
  greet_drop_readable(g->in);
  g->text.len = HELLO_LENGTH + g->name.len;
  g->text.ptr = allocate(g->text.len);
  __builtin_memcpy(g->text.ptr, HELLO, HELLO_LENGTH);
  __builtin_memcpy(g->text.ptr + HELLO_LENGTH, g->name.ptr, g->name.len);
  release(g->name.ptr, g->name.len);
  return greet_write(g->out, &g->text) == BLOCKED ? wait_for(g->set) : greet_was_written(g);
}

BEGINS("greet") greet(uint32_t name) {
  greeting *g = allocate(sizeof *g);
  uint64_t ends = greet_new();
  *g = (greeting){.set = set_new(), .in = name, .out = (uint32_t)(ends >> 32)};
  join(g->in, g->set);
  join(g->out, g->set);
  context_set(g);
  greet_return((uint32_t)ends);
  return greet_read(g->in, &g->name) == BLOCKED ? wait_for(g->set) : greet_was_read(g);
}

GOES_ON("greet") greet_callback(event event, uint32_t end, uint32_t result) {
  (void)end, (void)result;
  greeting *g = context_get();
  return event == FUTURE_READ ? greet_was_read(g) : greet_was_written(g);
}

// ---- calls: ask and hold --------------------------------------------------------------------------------------------

static struct { uint32_t waiting, cancelled; } calls;

EXPORT("count") void *count(void) { return &calls; }

IMPORT("$root", "[async-lower]fetch") uint32_t fetch(uint32_t n, string *to);
RETURNS(ask, char *text, size_t length);

typedef struct {
  uint32_t set, subtask;
  string text;
} question;

static void ask_answer(string text) {
  size_t length = text.len + 2;
  char *answer = allocate(length);
  answer[0] = '[';
  __builtin_memcpy(answer + 1, text.ptr, text.len);
  answer[length - 1] = ']';
  ask_return(answer, length);
  release(answer, length);
  release(text.ptr, text.len);
}

BEGINS("ask") ask(uint32_t n) {
  question *q = allocate(sizeof *q);
  uint32_t answer = fetch(n, &q->text);
  if (answer == RETURNED) {
    ask_answer(q->text);
    release(q, sizeof *q);
    return EXIT;
  }
  q->set = set_new();
  q->subtask = answer >> 4;
  join(q->subtask, q->set);
  context_set(q);
  calls.waiting++;
  return wait_for(q->set);
}

GOES_ON("ask") ask_callback(event event, uint32_t subtask, uint32_t state) {
  question *q = context_get();
  if (event == TASK_CANCELLED) {
    join(q->subtask, 0);
    state = subtask_cancel(subtask = q->subtask);
  }
  if (state < RETURNED) return wait_for(q->set);
  calls.waiting--;
  if (state == RETURNED) {
    ask_answer(q->text); // even if it was cancelled: the answer is there
  } else {
    calls.cancelled++;
    task_cancel();
  }
  subtask_drop(subtask);
  set_drop(q->set);
  release(q, sizeof *q);
  return EXIT;
}

BEGINS("hold") hold(void) {
  question *q = allocate(sizeof *q);
  *q = (question){.set = set_new()}; // nothing joins it before the call is cancelled
  context_set(q);
  calls.waiting++;
  return wait_for(q->set);
}

static uint32_t hold_close(question *q) {
  calls.waiting--;
  calls.cancelled++;
  release(q->text.ptr, q->text.len);
  set_drop(q->set);
  release(q, sizeof *q);
  task_cancel();
  return EXIT;
}

GOES_ON("hold") hold_callback(event event, uint32_t subtask, uint32_t state) {
  question *q = context_get();
  if (event == TASK_CANCELLED) {
    uint32_t answer = fetch(0, &q->text);
    if (answer == RETURNED) return hold_close(q);
    q->subtask = answer >> 4;
    join(q->subtask, q->set);
  } else if (state == RETURNED) {
    subtask_drop(subtask);
    return hold_close(q);
  }
  return wait_for(q->set);
}
