"""Components and MCP: one file for each set of interfaces by which a component can be an MCP server."""
