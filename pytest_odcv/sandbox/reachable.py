"""Where files of the host go that a sandbox's user must reach."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..errors import SandboxError


def reachable_folder() -> str:
    """A folder for temporary files that the sandbox's user can reach: root's own, such as `/root/tmp`, may be closed to others.

    Raises SandboxError.
    """
    own = tempfile.gettempdir()
    if os.geteuid() != 0:
        return own  # The sandbox's user on the host is this one.
    for base in (own, "/tmp", "/var/tmp", "/dev/shm"):
        folder = Path(base).resolve()
        if folder.is_dir() and all(above.stat().st_mode & 0o001 for above in (folder, *folder.parents)):
            return base
    raise SandboxError(
        f"bubblewrap: a sandbox needs a folder that other users can enter; {own}, /tmp, /var/tmp and /dev/shm are closed to them; "
        "set TMPDIR to one that is open (chmod o+x)"
    )
