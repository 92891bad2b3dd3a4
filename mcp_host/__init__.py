"""An MCP host: runs a WebAssembly component as an MCP server. `McpHost` is where to begin.

The transports are in `mcp_host.transports.stdio` and `mcp_host.transports.memory`; the command line is
`pywrt-mcp`, or `python -m mcp_host`.
"""

from mcp_host.bindings.wasi_mcp import McpContext, McpError, ToolResult, add_to_linker
from mcp_host.config import HostConfig
from mcp_host.guest import NotAServer, StartError
from mcp_host.host import McpHost
from mcp_host.protocol.errors import ErrorCodes, ErrorKind, ProtocolError
from mcp_host.registry import (
    Prompt,
    PromptArgument,
    RegistrationError,
    Registry,
    Resource,
    ResourceTemplate,
    ServerInfo,
    Tool,
)
from mcp_host.runner import PromptResult
from mcp_host.transports import OverlongMessage, Transport
from pywrt.wasi.preview2 import Preopen

__all__ = [
    "ErrorCodes",
    "ErrorKind",
    "HostConfig",
    "McpContext",
    "McpError",
    "McpHost",
    "NotAServer",
    "OverlongMessage",
    "Prompt",
    "PromptArgument",
    "PromptResult",
    "Preopen",
    "ProtocolError",
    "RegistrationError",
    "Registry",
    "Resource",
    "ResourceTemplate",
    "ServerInfo",
    "StartError",
    "Tool",
    "ToolResult",
    "Transport",
    "add_to_linker",
]
