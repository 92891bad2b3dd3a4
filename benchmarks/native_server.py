"""The native MCP server that `pywrt-mcp` is compared with: `calc`, on the official library's `MCPServer`.

Run by path, with the extra `interop` installed. It does less than the example component's tool.
"""

import ast
import operator

from mcp.server import MCPServer

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}

server = MCPServer("native", version="1.0.0")


def value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.BinOp():
            result: float = OPERATORS[type(node.op)](value(node.left), value(node.right))
            return result
    raise ValueError(f"can't calculate {ast.unparse(node)}")


@server.tool(structured_output=False)
def calc(expression: str) -> str:
    """Evaluates an arithmetic expression."""
    return f"{value(ast.parse(expression, mode='eval').body):.15g}"


if __name__ == "__main__":
    server.run("stdio")
