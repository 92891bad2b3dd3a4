"""Core WebAssembly as data: types, opcodes, syntax, binary and text formats, validation. It executes nothing."""
