"""Ports that listen inside a sandbox and are served outside."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pytest_odcv.sandbox.protocol import Limits
from tests.sandbox.attacks.kit import LIMITS
from tests.sandbox.box import Box, Python
from tests.sandbox.test_opening import _code

ASK = r"exec 7<>/dev/tcp/127.0.0.1/8377 && printf 'HEAD /v1/models HTTP/1.0\r\n\r\n' >&7 && head -n 1 <&7"


def test_what_calls_the_port_inside_is_answered_outside(box: Box, folders: tuple[Path, Path]) -> None:
    box.open(*folders, LIMITS, gateway=True)
    try:
        assert box.run(ASK).stdout == "HTTP/1.1 204 No Content\r\n"
        assert box.run("exit").restarted
        assert box.run(ASK).stdout == "HTTP/1.1 204 No Content\r\n"
    finally:
        box.close()
    assert box.processes() == []


def test_the_port_is_not_on_the_host(box: Box, folders: tuple[Path, Path]) -> None:
    box.open(*folders, LIMITS, gateway=True)
    try:
        with socket.socket() as one:
            assert one.connect_ex(("127.0.0.1", 8377)) != 0
    finally:
        box.close()


def test_without_it_there_is_no_port(box: Box, folders: tuple[Path, Path]) -> None:
    box.open(*folders, LIMITS)
    try:
        assert box.run(ASK).exit_code == 1
    finally:
        box.close()


def test_a_sandbox_reaches_its_own_port_and_not_anothers(
    bubblewrap: None, python: Python, folders: tuple[Path, Path]
) -> None:
    code = """
import socket
async def main():
    boxes = [await BubblewrapProvider().open(SPEC) for _ in range(3)]
    ports = [await box.listen(port) for box, port in zip(boxes, (8377, 8377, 8378))]
    call = 'for port in 8377 8378; do (: </dev/tcp/127.0.0.1/$port) 2>/dev/null && echo $port; done'
    print([(await box.run(call)).stdout.split() for box in boxes])
    for box, port in zip(boxes, ports):
        port.close()
    print([(await box.run(call)).stdout.split() for box in boxes])
    for box in boxes:
        await box.close()
asyncio.run(main())
"""
    assert python.prints(_code(folders, code)) == "[['8377'], ['8377'], ['8378']]\n[[], [], []]\n"


def test_a_port_that_is_taken_inside_or_needs_root_or_a_lost_sandbox_is_an_error(
    bubblewrap: None, python: Python, folders: tuple[Path, Path]
) -> None:
    code = """
import os
from pytest_odcv.errors import SandboxError
async def main():
    box = await BubblewrapProvider().open(SPEC)
    before = len(os.listdir('/proc/self/fd'))
    (await box.listen(8377)).close()
    async def refused(port):
        try:
            await box.listen(port)
        except SandboxError as error:
            print(error)
    held = await box.listen(8377)
    await refused(8377)
    await refused(70000)
    held.close()
    assert len(os.listdir('/proc/self/fd')) == before
    await box.close()
    await refused(8377)
asyncio.run(main())
"""
    lines = python.prints(_code(folders, code)).splitlines()
    assert "8377 could not be opened in the sandbox: OSError: [Errno 98] Address already in use" in lines[0]
    assert "70000 could not be opened" in lines[1] and "was closed" in lines[2]


def test_a_port_that_nobody_waits_for_any_more_is_closed(
    bubblewrap: None, python: Python, folders: tuple[Path, Path]
) -> None:
    code = """
import os
async def main():
    box = await BubblewrapProvider().open(SPEC)
    before = len(os.listdir('/proc/self/fd'))
    for steps in range(6):
        opening = asyncio.create_task(box.listen(8377))
        await asyncio.sleep(steps / 100)
        opening.cancel()
        try:
            (await opening).close()
        except asyncio.CancelledError:
            pass
        for _ in range(1000):
            if len(os.listdir('/proc/self/fd')) == before:
                break
            await asyncio.sleep(0.01)
    print(len(os.listdir('/proc/self/fd')) - before)
    (await box.listen(8377)).close()
    await box.close()
asyncio.run(main())
"""
    assert python.prints(_code(folders, code)) == "0\n"


def test_no_process_of_the_host_is_seen_inside_while_a_port_is_opened(
    bubblewrap: None, python: Python, folders: tuple[Path, Path]
) -> None:
    code = """
async def main():
    box = await BubblewrapProvider().open(SPEC)
    watching = asyncio.create_task(box.run('for i in $(seq 60); do cat /proc/[0-9]*/comm; sleep 0.005; done | sort -u'))
    await asyncio.sleep(0.05)
    for port in range(9000, 9004):
        (await box.listen(port)).close()
    print((await watching).stdout)
    await box.close()
asyncio.run(main())
"""
    names = set(python.prints(_code(folders, code)).split())
    assert "sort" in names and names <= {"init", "sort", "seq", "sleep", "cat"}


def test_many_connections_count_for_the_sandbox_that_makes_them(box: Box, folders: tuple[Path, Path]) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("needs /usr/bin/python3 on the host")
    script = "import socket,time\nheld=[socket.create_connection(('127.0.0.1',8377)) for _ in range(30)]\nprint(open('/proc/net/sockstat').readline())"
    box.open(*folders, Limits(), gateway=True)
    try:
        used = int(box.run(f'/usr/bin/python3 -c "{script}"').stdout.split()[2])
    finally:
        box.close()
    assert used >= 60
