"""State of the store: memories, tables, globals, functions, instances. Nothing here acts on it."""
