"""Attacks in a sandbox that has a gateway: on the host through it, and on the host's memory and time by way of it."""

from __future__ import annotations

from tests.sandbox.attacks.kit import Attack, Scene, fails, never, says

_MOST_KIB = 200 << 10
"""The harness may hold 64 MiB of bodies, and Python's own of them for a moment."""
_CONNECT = """
import json, socket
def connect():
    return socket.create_connection(("127.0.0.1", 8377), 5)
def answer(connection):
    connection.settimeout(5)
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except OSError:
        pass
    return data
def ask(data):
    with connect() as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass
        return answer(connection)
BODY = b'{"model": "m"}'
REQUEST = b"POST /v1/messages HTTP/1.1\\r\\nhost: a\\r\\ncontent-length: %d\\r\\n\\r\\n%b" % (len(BODY), BODY)
LAST = REQUEST.replace(b"1.1\\r\\n", b"1.1\\r\\nconnection: close\\r\\n")
"""


def _small(scene: Scene) -> None:
    assert scene.box.memory() < _MOST_KIB, scene.result


def _attack(name: str, script: str, *words: str) -> Attack:
    """An attack in Python that prints `words` where the gateway held; whatever it did, the harness has stayed small."""

    def contained(scene: Scene) -> None:
        says(*words)(scene)
        never("REACHED")(scene)
        _small(scene)

    return Attack(name, _CONNECT + script.strip("\n"), contained, python=True, gateway=True)


ATTACKS = (
    Attack(
        "tcp to the host's loopback, with a gateway",
        "exec 7<>/dev/tcp/127.0.0.1/@TCP@ && echo REACHED",
        never("REACHED"),
        gateway=True,
    ),
    Attack(
        "an outside address, with a gateway",
        "timeout 2 bash -c ': </dev/tcp/192.0.2.1/80' && echo REACHED",
        never("REACHED"),
        gateway=True,
    ),
    Attack("looking up a name, with a gateway", "timeout 5 getent hosts example.com", fails, gateway=True),
    _attack(
        "looking for other ports",
        """
for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet"):
    for line in open(f"/proc/net/{kind}").readlines()[1:]:
        print("open", kind, line.split()[1:4])
with connect() as one:
    print("from", one.getpeername())
""",
        "open tcp ['0100007F:20B9', '00000000:0000', '0A']\nfrom ('127.0.0.1', 8377)",
    ),
    _attack(
        "taking over the gateway's port",
        """
for kind in ("SO_REUSEADDR", "SO_REUSEPORT"):
    for address in ("127.0.0.1", "0.0.0.0"):
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, getattr(socket, kind), 1)
            try:
                one.bind((address, 8377))
                one.listen()
                print("REACHED")
            except OSError as error:
                print(error.errno)
print("end", ask(LAST)[:12])
""",
        "98\n98\n98\n98",
        "end b'HTTP/1.1 200",
    ),
    _attack(
        "the gateway as a proxy",
        """
for line in ("GET http://127.0.0.1:@TCP@/ HTTP/1.1", "CONNECT 127.0.0.1:@TCP@ HTTP/1.1", "GET //127.0.0.1:@TCP@/ HTTP/1.1",
             "GET /@127.0.0.1:@TCP@/ HTTP/1.1", "POST /v1/../latest/meta-data HTTP/1.1", "GET /v1/files HTTP/1.1"):
    print(ask(f"{line}\\r\\nhost: 127.0.0.1:@TCP@\\r\\nconnection: close\\r\\n\\r\\n".encode())[:12])
""",
        "b'HTTP/1.1 403'\n" * 6,
    ),
    _attack(
        "a provider that is to reach out for it",
        """
for more in ({"tools": [{"type": "mcp", "server_url": "http://x"}]}, {"mcp_servers": [{}]}, {"tools": [{"type": "web_fetch_20250910"}]}):
    body = json.dumps({"model": "m", **more}).encode()
    print(ask(b"POST /v1/messages HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\ncontent-length: %d\\r\\n\\r\\n%b" % (len(body), body))[:12])
""",
        "b'HTTP/1.1 403'\n" * 3,
    ),
    _attack(
        "connections without end, all kept open",
        """
held = []
for _ in range(100):
    try:
        held.append(connect())
    except OSError:
        break
served = 0
for one in held:
    one.settimeout(0.02)
    try:
        one.sendall(REQUEST)
        served += bool(one.recv(1))
    except OSError:
        pass
print("served at most 32:", served <= 32)
for one in held:
    one.close()
print("end")
""",
        "served at most 32: True",
        "end",
    ),
    _attack(
        "connections that begin a request and wait",
        """
held = [connect() for _ in range(32)]
for one in held:
    one.sendall(b"POST /v1/messages HTTP/1.1\\r\\nhost: a\\r\\ncontent-length: 10000000\\r\\n\\r\\n" + bytes(50_000))
print("end")
""",
        "end",
    ),
    _attack(
        "bodies that are large all at once",
        """
held = [connect() for _ in range(30)]
for one in held:
    one.settimeout(0.5)
    one.sendall(b"POST /v1/messages HTTP/1.1\\r\\nhost: a\\r\\ncontent-length: 15000000\\r\\n\\r\\n")
refused = 0
for one in held:
    try:
        for _ in range(120):
            one.sendall(bytes(100_000))
    except OSError:
        refused += 1
print("some were refused:", refused > 0)
""",
        "some were refused: True",
    ),
    _attack(
        "a head without an end",
        """
with connect() as one:
    sent = 0
    try:
        for _ in range(4000):
            sent += one.send(b"a: " + b"x" * 9_990 + b"\\r\\n")
    except OSError:
        pass
    print("stopped:", sent < 20_000_000)
""",
        "stopped: True",
    ),
    _attack(
        "a body without an end",
        """
for head in (b"content-length: 99999999999", b"transfer-encoding: chunked"):
    with connect() as one:
        one.sendall(b"POST /v1/messages HTTP/1.1\\r\\nhost: a\\r\\n" + head + b"\\r\\n\\r\\n")
        sent = 0
        try:
            for _ in range(4000):
                one.sendall(b"%x\\r\\n%b\\r\\n" % (10_000, bytes(10_000)))
                sent += 10_000
        except OSError:
            pass
        print("stopped:", sent < 39_000_000)
""",
        "stopped: True\nstopped: True",
    ),
    _attack(
        "requests whose answers are never read",
        """
with connect() as one:
    one.settimeout(0.5)
    sent = 0
    try:
        for _ in range(1900):
            one.sendall(REQUEST)
            sent += 1
    except OSError:
        pass
    print("end")
""",
        "end",
    ),
    _attack(
        "requests without end",
        """
answers = 0
try:
    for _ in range(3000):
        with connect() as one:
            one.sendall(b"GET / HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n")
            answers += answer(one).startswith(b"HTTP/1.1 403")
except OSError:
    pass
print("bounded:", 1000 < answers <= 2000)
""",
        "bounded: True",
    ),
    _attack(
        "nonsense in place of HTTP",
        """
import os
for data in (os.urandom(10_000), b"\\0" * 10_000, b"\\r\\n" * 10_000, b"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03", b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n"):
    with connect() as one:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        answer(one)
body = b'{"a": ' + b"[" * 200_000
print(ask(b"POST /v1/messages HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\ncontent-length: %d\\r\\n\\r\\n%b" % (len(body), body))[:12])
print("end", ask(LAST)[:12])
""",
        "b'HTTP/1.1 400'",
        "end b'HTTP/1.1 200",
    ),
)
