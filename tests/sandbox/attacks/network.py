"""Attacks that want to talk to somebody. The host's listeners must not have been called."""

from __future__ import annotations

from tests.sandbox.attacks.kit import Attack, Scene, fails, never, says


def _only_loopback(scene: Scene) -> None:
    names = [line.split(":")[0].strip() for line in scene.result.stdout.splitlines() if ":" in line]
    assert names == ["lo"], scene.result


ATTACKS = (
    Attack(
        "tcp to the host's loopback", "exec 7<>/dev/tcp/127.0.0.1/@TCP@ && echo REACHED", never("REACHED")
    ),
    Attack(
        "udp to the host's loopback",
        "for i in 1 2 3; do echo x >/dev/udp/127.0.0.1/@UDP@; done",
        lambda scene: None,
    ),
    Attack(
        "tcp to an outside address",
        "timeout 2 bash -c ': </dev/tcp/192.0.2.1/80' && echo REACHED",
        never("REACHED"),
    ),
    Attack(
        "udp to an outside address",
        "timeout 2 bash -c 'echo x >/dev/udp/192.0.2.1/53' && echo REACHED",
        never("REACHED"),
    ),
    Attack(
        "ipv6 to an outside address",
        "timeout 2 bash -c ': </dev/tcp/2001:db8::1/80' && echo REACHED",
        never("REACHED"),
    ),
    Attack("looking up a name", "timeout 5 getent hosts example.com", fails),
    Attack(
        "abstract unix socket of the host",
        """
import socket
socket.socket(socket.AF_UNIX).connect("\\0@ABSTRACT@")
print("REACHED")
""",
        never("REACHED"),
        python=True,
    ),
    Attack(
        "unix socket of the host by its path",
        """
import socket
socket.socket(socket.AF_UNIX).connect("@FOLDER@/socket")
print("REACHED")
""",
        never("REACHED"),
        python=True,
    ),
    Attack(
        "sockets that no network namespace holds back",
        """
import socket
for name, family in {"vsock": 40, "packet": 17, "alg": 38, "can": 29, "bluetooth": 31, "tipc": 30, "xdp": 44}.items():
    try:
        socket.socket(family, socket.SOCK_STREAM if family == 40 else socket.SOCK_RAW)
        print("OPENED", name)
    except OSError as error:
        print(name, error.errno)
""",
        lambda scene: (says("vsock 97", "packet 97", "alg 97")(scene), never("OPENED")(scene)),
        python=True,
    ),
    Attack("interfaces other than loopback", "cat /proc/net/dev | tail -n +3", _only_loopback),
    Attack(
        "making an interface",
        """
import fcntl, socket, struct
with socket.socket() as s:
    fcntl.ioctl(s, 0x8916, struct.pack("16sH2s4s8s", b"lo", 2, b"", socket.inet_aton("10.1.2.3"), b""))
print("MADE")
""",
        never("MADE"),
        python=True,
    ),
    Attack(
        "raw packets",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\nprint('OPENED')",
        never("OPENED"),
        python=True,
    ),
)
