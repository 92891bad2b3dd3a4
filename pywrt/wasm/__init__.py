"""Core WebAssembly as data: types, the opcode table, syntax, binary and text formats, validation. Executes nothing."""
