"""MCP as a state machine without I/O: lines in, events out; results in, lines out.

Nothing is re-exported here, so that `registry` (which uses `schema` and `uri_template`) and `session` (which
uses `registry`) import in any order. What a host needs:

    from mcp_host.protocol.events import CallTool, Cancelled
    from mcp_host.protocol.session import ServerSession
    from mcp_host.registry import Registry, Tool

    registry = Registry()
    registry.tools.add([Tool.parse("add", "Add two numbers", b'{"type": "object"}')])
    session = ServerSession(registry)

    while (line := await transport.read()) is not None:
        for event in session.receive(line):
            if isinstance(event, CallTool):
                content = [{"type": "text", "text": await run_guest(event.name, event.arguments)}]
                session.respond_tool(event, content)
            elif isinstance(event, Cancelled):
                stop_guest(event.request)
        await transport.write(session.outgoing())

What the registry alone can answer (initialize, ping, every list, logging/setLevel) never becomes an event.
An event that is a `Request` stays in flight until one of the `respond_*` methods is called with it, or the
client cancels it; responding to a request which is no longer in flight does nothing, so a host need not
guard against that race.

| file | holds |
|---|---|
| jsonrpc.py | a line <-> JSON-RPC messages |
| revisions.py | what each revision of MCP knows: fields, content blocks, batches |
| errors.py | kinds of errors and their codes, by revision |
| events.py | what a session tells its host |
| session.py | the server's side of a session |
| schema.py, pattern.py | JSON Schema 2020-12, and its `pattern` in linear time |
| uri_template.py | RFC 6570: checking a template, and which one serves a URI |
"""
