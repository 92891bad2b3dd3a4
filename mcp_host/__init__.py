"""mcp_host: serves a WebAssembly component as an MCP server."""
