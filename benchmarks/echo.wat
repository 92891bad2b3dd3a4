;; A guest that returns its argument: a bump allocator, and one function for every type whose argument is
;; flattened to a pointer and a length. benchmarks/echo.py lifts it.
(module
  (memory (export "memory") 64)
  (global $heap (mut i32) (i32.const 1024))

  ;; (old pointer, old size, alignment, new size) -> pointer. The host asks for new memory only.
  (func (export "realloc") (param i32 i32 i32 i32) (result i32)
    (local $pointer i32)
    (local.set $pointer
      (i32.and
        (i32.add (global.get $heap) (i32.sub (local.get 2) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get 2))))
    (global.set $heap (i32.add (local.get $pointer) (local.get 3)))
    (if (i32.gt_u (global.get $heap) (i32.shl (memory.size) (i32.const 16)))
      (then (unreachable)))
    (local.get $pointer))

  ;; The pair comes back through memory, as a list or string result does.
  (func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0))
    (i32.store (i32.const 20) (local.get 1))
    (i32.const 16))

  ;; Everything is free once the host has read the result.
  (func (export "post-return") (param i32)
    (global.set $heap (i32.const 1024))))
