"""The function types of WASI 0.2, and checking an import's against them when it is linked.

A component's own types are the truth for names: fields, cases and flags are matched one by one when values
pass. Here is what the host's functions rely on beyond that: how many parameters there are, and which of them
are numbers, strings, lists, records and so on. Spec: WASI 0.2.12, the `.wit` files of each interface.
"""

from collections.abc import Callable
from typing import Any

from pywrt.errors import LinkError, Trap, WasmError
from pywrt.wit import types as wit

#: A row a function, behind its interface's name; records and the like stand for any with that kind.
_TABLE = """
wasi:cli/environment
  get-environment  () -> list<tuple<string, string>>
  get-arguments  () -> list<string>
  initial-cwd  () -> option<string>
wasi:cli/exit
  exit  (result)
  exit-with-code  (u8)
wasi:cli/stdin
  get-stdin  () -> own
wasi:cli/stdout
  get-stdout  () -> own
wasi:cli/stderr
  get-stderr  () -> own
wasi:cli/terminal-stdin
  get-terminal-stdin  () -> option<own>
wasi:cli/terminal-stdout
  get-terminal-stdout  () -> option<own>
wasi:cli/terminal-stderr
  get-terminal-stderr  () -> option<own>
wasi:clocks/monotonic-clock
  now  () -> u64
  resolution  () -> u64
  subscribe-instant  (u64) -> own
  subscribe-duration  (u64) -> own
wasi:clocks/timezone
  display  (record) -> record
  utc-offset  (record) -> s32
wasi:clocks/wall-clock
  now  () -> record
  resolution  () -> record
wasi:filesystem/preopens
  get-directories  () -> list<tuple<own, string>>
wasi:filesystem/types
  [method]descriptor.read-via-stream  (borrow, u64) -> result<own, enum>
  [method]descriptor.write-via-stream  (borrow, u64) -> result<own, enum>
  [method]descriptor.append-via-stream  (borrow) -> result<own, enum>
  [method]descriptor.advise  (borrow, u64, u64, enum) -> result<_, enum>
  [method]descriptor.sync-data  (borrow) -> result<_, enum>
  [method]descriptor.get-flags  (borrow) -> result<flags, enum>
  [method]descriptor.get-type  (borrow) -> result<enum, enum>
  [method]descriptor.set-size  (borrow, u64) -> result<_, enum>
  [method]descriptor.set-times  (borrow, variant, variant) -> result<_, enum>
  [method]descriptor.read  (borrow, u64, u64) -> result<tuple<list<u8>, bool>, enum>
  [method]descriptor.write  (borrow, list<u8>, u64) -> result<u64, enum>
  [method]descriptor.read-directory  (borrow) -> result<own, enum>
  [method]descriptor.sync  (borrow) -> result<_, enum>
  [method]descriptor.create-directory-at  (borrow, string) -> result<_, enum>
  [method]descriptor.stat  (borrow) -> result<record, enum>
  [method]descriptor.stat-at  (borrow, flags, string) -> result<record, enum>
  [method]descriptor.set-times-at  (borrow, flags, string, variant, variant) -> result<_, enum>
  [method]descriptor.link-at  (borrow, flags, string, borrow, string) -> result<_, enum>
  [method]descriptor.open-at  (borrow, flags, string, flags, flags) -> result<own, enum>
  [method]descriptor.readlink-at  (borrow, string) -> result<string, enum>
  [method]descriptor.remove-directory-at  (borrow, string) -> result<_, enum>
  [method]descriptor.rename-at  (borrow, string, borrow, string) -> result<_, enum>
  [method]descriptor.symlink-at  (borrow, string, string) -> result<_, enum>
  [method]descriptor.unlink-file-at  (borrow, string) -> result<_, enum>
  [method]descriptor.is-same-object  (borrow, borrow) -> bool
  [method]descriptor.metadata-hash  (borrow) -> result<record, enum>
  [method]descriptor.metadata-hash-at  (borrow, flags, string) -> result<record, enum>
  [method]directory-entry-stream.read-directory-entry  (borrow) -> result<option<record>, enum>
  filesystem-error-code  (borrow) -> option<enum>
wasi:http/outgoing-handler
  handle  (own, option<own>) -> result<own, variant>
wasi:http/types
  http-error-code  (borrow) -> option<variant>
  [constructor]fields  () -> own
  [static]fields.from-list  (list<tuple<string, list<u8>>>) -> result<own, variant>
  [method]fields.get  (borrow, string) -> list<list<u8>>
  [method]fields.has  (borrow, string) -> bool
  [method]fields.set  (borrow, string, list<list<u8>>) -> result<_, variant>
  [method]fields.delete  (borrow, string) -> result<_, variant>
  [method]fields.append  (borrow, string, list<u8>) -> result<_, variant>
  [method]fields.entries  (borrow) -> list<tuple<string, list<u8>>>
  [method]fields.clone  (borrow) -> own
  [method]incoming-request.method  (borrow) -> variant
  [method]incoming-request.path-with-query  (borrow) -> option<string>
  [method]incoming-request.scheme  (borrow) -> option<variant>
  [method]incoming-request.authority  (borrow) -> option<string>
  [method]incoming-request.headers  (borrow) -> own
  [method]incoming-request.consume  (borrow) -> result<own>
  [constructor]outgoing-request  (own) -> own
  [method]outgoing-request.body  (borrow) -> result<own>
  [method]outgoing-request.method  (borrow) -> variant
  [method]outgoing-request.set-method  (borrow, variant) -> result
  [method]outgoing-request.path-with-query  (borrow) -> option<string>
  [method]outgoing-request.set-path-with-query  (borrow, option<string>) -> result
  [method]outgoing-request.scheme  (borrow) -> option<variant>
  [method]outgoing-request.set-scheme  (borrow, option<variant>) -> result
  [method]outgoing-request.authority  (borrow) -> option<string>
  [method]outgoing-request.set-authority  (borrow, option<string>) -> result
  [method]outgoing-request.headers  (borrow) -> own
  [constructor]request-options  () -> own
  [method]request-options.connect-timeout  (borrow) -> option<u64>
  [method]request-options.set-connect-timeout  (borrow, option<u64>) -> result
  [method]request-options.first-byte-timeout  (borrow) -> option<u64>
  [method]request-options.set-first-byte-timeout  (borrow, option<u64>) -> result
  [method]request-options.between-bytes-timeout  (borrow) -> option<u64>
  [method]request-options.set-between-bytes-timeout  (borrow, option<u64>) -> result
  [method]response-outparam.send-informational  (borrow, u16, own) -> result<_, variant>
  [static]response-outparam.set  (own, result<own, variant>)
  [method]incoming-response.status  (borrow) -> u16
  [method]incoming-response.headers  (borrow) -> own
  [method]incoming-response.consume  (borrow) -> result<own>
  [method]incoming-body.stream  (borrow) -> result<own>
  [static]incoming-body.finish  (own) -> own
  [method]future-trailers.subscribe  (borrow) -> own
  [method]future-trailers.get  (borrow) -> option<result<result<option<own>, variant>>>
  [constructor]outgoing-response  (own) -> own
  [method]outgoing-response.status-code  (borrow) -> u16
  [method]outgoing-response.set-status-code  (borrow, u16) -> result
  [method]outgoing-response.headers  (borrow) -> own
  [method]outgoing-response.body  (borrow) -> result<own>
  [method]outgoing-body.write  (borrow) -> result<own>
  [static]outgoing-body.finish  (own, option<own>) -> result<_, variant>
  [method]future-incoming-response.subscribe  (borrow) -> own
  [method]future-incoming-response.get  (borrow) -> option<result<result<own, variant>>>
wasi:io/error
  [method]error.to-debug-string  (borrow) -> string
wasi:io/poll
  [method]pollable.ready  (borrow) -> bool
  [method]pollable.block  (borrow)
  poll  (list<borrow>) -> list<u32>
wasi:io/streams
  [method]input-stream.read  (borrow, u64) -> result<list<u8>, variant>
  [method]input-stream.blocking-read  (borrow, u64) -> result<list<u8>, variant>
  [method]input-stream.skip  (borrow, u64) -> result<u64, variant>
  [method]input-stream.blocking-skip  (borrow, u64) -> result<u64, variant>
  [method]input-stream.subscribe  (borrow) -> own
  [method]output-stream.check-write  (borrow) -> result<u64, variant>
  [method]output-stream.write  (borrow, list<u8>) -> result<_, variant>
  [method]output-stream.blocking-write-and-flush  (borrow, list<u8>) -> result<_, variant>
  [method]output-stream.flush  (borrow) -> result<_, variant>
  [method]output-stream.blocking-flush  (borrow) -> result<_, variant>
  [method]output-stream.subscribe  (borrow) -> own
  [method]output-stream.write-zeroes  (borrow, u64) -> result<_, variant>
  [method]output-stream.blocking-write-zeroes-and-flush  (borrow, u64) -> result<_, variant>
  [method]output-stream.splice  (borrow, borrow, u64) -> result<u64, variant>
  [method]output-stream.blocking-splice  (borrow, borrow, u64) -> result<u64, variant>
wasi:random/insecure-seed
  insecure-seed  () -> tuple<u64, u64>
wasi:random/insecure
  get-insecure-random-bytes  (u64) -> list<u8>
  get-insecure-random-u64  () -> u64
wasi:random/random
  get-random-bytes  (u64) -> list<u8>
  get-random-u64  () -> u64
wasi:sockets/instance-network
  instance-network  () -> own
wasi:sockets/ip-name-lookup
  resolve-addresses  (borrow, string) -> result<own, enum>
  [method]resolve-address-stream.resolve-next-address  (borrow) -> result<option<variant>, enum>
  [method]resolve-address-stream.subscribe  (borrow) -> own
wasi:sockets/network
  network-error-code  (borrow) -> option<enum>
wasi:sockets/tcp-create-socket
  create-tcp-socket  (enum) -> result<own, enum>
wasi:sockets/tcp
  [method]tcp-socket.start-bind  (borrow, borrow, variant) -> result<_, enum>
  [method]tcp-socket.finish-bind  (borrow) -> result<_, enum>
  [method]tcp-socket.start-connect  (borrow, borrow, variant) -> result<_, enum>
  [method]tcp-socket.finish-connect  (borrow) -> result<tuple<own, own>, enum>
  [method]tcp-socket.start-listen  (borrow) -> result<_, enum>
  [method]tcp-socket.finish-listen  (borrow) -> result<_, enum>
  [method]tcp-socket.accept  (borrow) -> result<tuple<own, own, own>, enum>
  [method]tcp-socket.local-address  (borrow) -> result<variant, enum>
  [method]tcp-socket.remote-address  (borrow) -> result<variant, enum>
  [method]tcp-socket.is-listening  (borrow) -> bool
  [method]tcp-socket.address-family  (borrow) -> enum
  [method]tcp-socket.set-listen-backlog-size  (borrow, u64) -> result<_, enum>
  [method]tcp-socket.keep-alive-enabled  (borrow) -> result<bool, enum>
  [method]tcp-socket.set-keep-alive-enabled  (borrow, bool) -> result<_, enum>
  [method]tcp-socket.keep-alive-idle-time  (borrow) -> result<u64, enum>
  [method]tcp-socket.set-keep-alive-idle-time  (borrow, u64) -> result<_, enum>
  [method]tcp-socket.keep-alive-interval  (borrow) -> result<u64, enum>
  [method]tcp-socket.set-keep-alive-interval  (borrow, u64) -> result<_, enum>
  [method]tcp-socket.keep-alive-count  (borrow) -> result<u32, enum>
  [method]tcp-socket.set-keep-alive-count  (borrow, u32) -> result<_, enum>
  [method]tcp-socket.hop-limit  (borrow) -> result<u8, enum>
  [method]tcp-socket.set-hop-limit  (borrow, u8) -> result<_, enum>
  [method]tcp-socket.receive-buffer-size  (borrow) -> result<u64, enum>
  [method]tcp-socket.set-receive-buffer-size  (borrow, u64) -> result<_, enum>
  [method]tcp-socket.send-buffer-size  (borrow) -> result<u64, enum>
  [method]tcp-socket.set-send-buffer-size  (borrow, u64) -> result<_, enum>
  [method]tcp-socket.subscribe  (borrow) -> own
  [method]tcp-socket.shutdown  (borrow, enum) -> result<_, enum>
wasi:sockets/udp-create-socket
  create-udp-socket  (enum) -> result<own, enum>
wasi:sockets/udp
  [method]udp-socket.start-bind  (borrow, borrow, variant) -> result<_, enum>
  [method]udp-socket.finish-bind  (borrow) -> result<_, enum>
  [method]udp-socket.stream  (borrow, option<variant>) -> result<tuple<own, own>, enum>
  [method]udp-socket.local-address  (borrow) -> result<variant, enum>
  [method]udp-socket.remote-address  (borrow) -> result<variant, enum>
  [method]udp-socket.address-family  (borrow) -> enum
  [method]udp-socket.unicast-hop-limit  (borrow) -> result<u8, enum>
  [method]udp-socket.set-unicast-hop-limit  (borrow, u8) -> result<_, enum>
  [method]udp-socket.receive-buffer-size  (borrow) -> result<u64, enum>
  [method]udp-socket.set-receive-buffer-size  (borrow, u64) -> result<_, enum>
  [method]udp-socket.send-buffer-size  (borrow) -> result<u64, enum>
  [method]udp-socket.set-send-buffer-size  (borrow, u64) -> result<_, enum>
  [method]udp-socket.subscribe  (borrow) -> own
  [method]incoming-datagram-stream.receive  (borrow, u64) -> result<list<record>, enum>
  [method]incoming-datagram-stream.subscribe  (borrow) -> own
  [method]outgoing-datagram-stream.check-send  (borrow) -> result<u64, enum>
  [method]outgoing-datagram-stream.send  (borrow, list<record>) -> result<u64, enum>
  [method]outgoing-datagram-stream.subscribe  (borrow) -> own
"""


def _parse(table: str) -> dict[str, dict[str, str]]:
    interfaces: dict[str, dict[str, str]] = {}
    functions: dict[str, str] = {}
    for line in table.strip().splitlines():
        if line.startswith(" "):
            name, shape = line.split(maxsplit=1)
            functions[name] = shape
        else:
            functions = interfaces[line] = {}
    return interfaces


#: Interface -> function -> shape.
SHAPES = _parse(_TABLE)

_KINDS: dict[type[Any], str] = {
    wit.Record: "record",
    wit.Variant: "variant",
    wit.Enum: "enum",
    wit.Flags: "flags",
    wit.Own: "own",
    wit.Borrow: "borrow",
}


def shape_of(functype: wit.FuncType) -> str:
    """A function type as the table writes it: `(u32, list<u8>) -> result<_, enum>`."""
    result = "" if functype.result is None else f" -> {_shape(functype.result)}"
    return f"({', '.join(_shape(param.type) for param in functype.params)}){result}"


def _shape(t: wit.WitType | None) -> str:
    match t:
        case None:
            return "_"
        case wit.Primitive(name):
            return name
        case wit.List(element, None):
            return f"list<{_shape(element)}>"
        case wit.List(element, length):
            return f"list<{_shape(element)}, {length}>"
        case wit.Tuple(types):
            return f"tuple<{', '.join(map(_shape, types))}>"
        case wit.Option(inner):
            return f"option<{_shape(inner)}>"
        case wit.Result(None, None):
            return "result"
        case wit.Result(ok, None):
            return f"result<{_shape(ok)}>"
        case wit.Result(ok, err):
            return f"result<{_shape(ok)}, {_shape(err)}>"
    return _KINDS[type(t)]


def bound(interface: str, name: str, fn: Callable[..., Any]) -> Callable[[wit.FuncType], Callable[..., Any]]:
    """For `LinkerInstance.add_typed_func`: `fn`, once the import's type has the shape it must have.

    LinkError naming both types if it hasn't. What a value within a matching shape does to `fn` in spite of
    that (a record without the field it reads) is a trap, not a Python error.
    """
    where = f"{interface}#{name}"
    wanted = SHAPES[interface][name]

    def call(*args: Any) -> Any:
        try:
            return fn(*args)
        except WasmError:
            raise
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
            raise Trap(f"{where}: a value that this host can't use: {error}", "host") from error

    def make(functype: wit.FuncType) -> Callable[..., Any]:
        if shape_of(functype) != wanted:
            raise LinkError(
                f"incompatible import type for `{where}`: the component wants {functype}, "
                f"the host has a function of the shape {wanted}"
            )
        return call

    return make
