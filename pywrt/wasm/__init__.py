"""Core WebAssembly as data: types, opcodes, syntax, both formats, validation. It executes nothing."""
