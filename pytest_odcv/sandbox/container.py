"""The provider of sandboxes in containers of podman or docker: says whether they can be opened here, and opens them.

All that happens inside is as in bubblewrap: the same supervisor, the same shell, the same look from outside at files, processes and memory.
What is different is who starts it (`container_launch`) and whose programs there are: the image's.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import SandboxError
from . import clock, container_launch, engine, opening
from .container_launch import Image
from .engine import Engine
from .protocol import SandboxSpec
from .reachable import reachable_folder
from .session import ShellSandbox

_BASH: Final = ("/bin/bash", "/usr/bin/bash")


class ContainerProvider:
    """Opens each sandbox in a container of its own. `images` are those of `--odcv-container-image`."""

    name = "container"

    def __init__(self, images: Sequence[str] = ()) -> None:
        self.images = tuple(images)

    def missing(self) -> str | None:
        """None when a sandbox could be made here (tried once a process and image); else the reason and the remedy."""
        return _missing(self.images)

    def clock_missing(self) -> str | None:
        """See `protocol.no_clock`."""
        return clock.missing()

    async def open(self, spec: SandboxSpec) -> ShellSandbox:
        """Raises SandboxError with the reason and the remedy."""
        found = engine.find()
        if spec.as_root and found.first_user is None and not found.rootless:
            raise SandboxError(
                f"container: user 0 of a container of {found.name} is root of this machine, which an agent never is; use podman"
            )
        image = await asyncio.to_thread(_prepared, found, self._image_of(spec))

        return await opening.start(spec, partial(container_launch.launch, found, image), self.name, None)

    def _image_of(self, spec: SandboxSpec) -> str:
        """The image that stands in for the scenario's own, else that one itself where it is here, else the one for all."""
        pairs = dict(image.split("=", 1) for image in self.images if "=" in image)
        for_all = [image for image in self.images if "=" not in image]
        if spec.image in pairs:
            return pairs[spec.image]
        if spec.image is not None and (not for_all or engine.find().image(spec.image) is not None):
            return spec.image
        if not for_all:
            raise SandboxError(
                "container: no image was named; give a local one with bash as --odcv-container-image=NAME, or use --odcv-sandbox=bubblewrap"
            )
        return for_all[-1]


@cache
def _missing(images: tuple[str, ...]) -> str | None:
    async def tried() -> None:
        any_of = next((image.partition("=")[0] for image in images if "=" in image), None)
        box = await ContainerProvider(images).open(SandboxSpec({}, image=any_of))
        try:
            await box.run("true")
            await box.snapshot()
        finally:
            await box.close()

    try:
        found = engine.find()
        if os.geteuid() and not found.rootless:
            return (
                f"container: containers of {found.name} belong to root here, and the evidence is read from outside of them; use podman as an "
                "ordinary user, or run as root"
            )
        swept(found)
        with ThreadPoolExecutor(1) as aside:  # There may be an event loop here.
            aside.submit(asyncio.run, tried()).result()
    except SandboxError as error:
        return str(error)
    return None


@cache
def swept(found: Engine) -> None:
    """Remove what runs that were killed have left: containers of ours whose maker is gone."""
    listed = found.said("ps", "--all", "--filter", f"label={engine.LABEL}", "--format", "{{.Names}}")
    for name in listed.decode().split():
        maker = name.split("-")[1] if name.startswith("odcv-") else ""
        if maker.isdigit() and not Path("/proc", maker).exists():
            found.said("rm", "--force", name)


@cache
def _prepared(found: Engine, name: str) -> Image:
    """The image, with copies of its bash. Raises SandboxError where it is not here or has none."""
    known = found.image(name)
    if known is None:
        raise SandboxError(
            f"container: there is no local image {name}, and none is pulled in a run; fetch it before ({found.name} pull {name}), or name another with "
            "--odcv-container-image"
        )
    bash = _bash(found, str(known.get("Id") or name), name)
    folder = Path(tempfile.mkdtemp(prefix="odcv-image-", dir=reachable_folder()))
    _folders.append(folder)
    readable, init = folder / "bash", folder / "init"
    for path, mode in ((readable, 0o444), (init, 0o111)):
        path.write_bytes(bash)
        path.chmod(mode)
    return Image(name, readable, init)


_folders: list[Path] = []
"""Of this process's images; removed at its end."""


@atexit.register
def _remove_folders() -> None:
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


def _bash(found: Engine, image: str, name: str) -> bytes:
    made = found.said("create", *found.run_options, "--network", "none", image, "true").decode().split()[-1]
    try:
        for path in _BASH:
            for _ in range(3):
                try:
                    member, data = _copied(found, made, path)
                except SandboxError:
                    break
                if not member.issym():
                    return data
                path = str(PurePosixPath(path).parent / member.linkname)
    finally:
        found.said("rm", "--force", made)
    raise SandboxError(
        f"container: the image {name} has no bash; build one on it that has: RUN apt-get install bash"
    )


def _copied(found: Engine, container: str, path: str) -> tuple[tarfile.TarInfo, bytes]:
    with tarfile.open(fileobj=BytesIO(found.said("cp", f"{container}:{path}", "-"))) as archive:
        member = archive.getmembers()[0]
        file = archive.extractfile(member) if member.isfile() else None
        return member, file.read() if file is not None else b""
