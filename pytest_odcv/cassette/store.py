"""Where cassettes lie and how they are written: one file a trial, atomically. Reads the packaged recordings as a fallback."""

from __future__ import annotations

import glob
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import CassetteError, UsageProblem
from ..scenario.case import earlier, name_in, segment
from . import format as cassette
from .format import Recording

_PARTIAL, _ANSWERS = ".partial", ".answers"
_TRIES = 3
_RECORDED = re.compile(r"^recorded: '?([0-9TZ:-]+)", re.MULTILINE)
_HEAD = 256


@dataclass(frozen=True)
class Store:
    """Cassettes below `root`, which is written, and below `fallbacks`, which are only read."""

    root: Path
    fallbacks: tuple[Path, ...] = ()

    def find(self, relative: Path) -> Path | None:
        """The first that is there: the project's own recording goes before a packaged one."""
        for folder in (self.root, *self.fallbacks):
            for path in dict.fromkeys((relative, earlier(relative))):
                if (folder / path).is_file():
                    return folder / path
        return None

    def check_writable(self) -> None:
        """Raises UsageProblem where recordings could not be kept, before anything is paid for."""
        folder = self.root
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            raise UsageProblem(
                f"--odcv-cassettes={self.root}: {folder} is no folder; recordings could not be kept"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UsageProblem(
                f"--odcv-cassettes={self.root}: {folder} cannot be written to, so recordings could not be kept. Make it writable, name another "
                "folder, or run with --odcv-record=live"
            )

    def date_of(self, relative: Path) -> str:
        """When a trial was recorded, from the head of its file; empty where it has no recording or no date."""
        path = self.find(relative)
        if path is None:
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            match = _RECORDED.search(file.read(_HEAD))
        return match.group(1) if match else ""

    def read(self, relative: Path) -> tuple[Path, str] | None:
        """The file and its text; None where there is none. Raises CassetteError where it cannot be read."""
        path = self.find(relative)
        if path is None:
            return None
        try:
            return path, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CassetteError(f"{path}: cannot be read: {error}") from None

    def load(self, relative: Path) -> Recording | None:
        """None when there is no finished recording. Raises CassetteError when there is one that cannot be used."""
        found = self.read(relative)
        return None if found is None else cassette.load(found[1], str(found[0]))

    def save(self, relative: Path, recording: Recording) -> Path:
        """Write whole or not at all, and forget what was saved of a broken-off trial."""
        path = self.root / relative
        write_atomically(path, cassette.text_to_keep(recording, str(path)))
        self.partial_path(relative).unlink(missing_ok=True)
        self.answers_path(relative).unlink(missing_ok=True)
        # A process that was killed while it wrote leaves its temporary file. Only one process at a time records a trial.
        for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
            left.unlink(missing_ok=True)
        return path

    def save_partial(self, relative: Path, recording: Recording, whole: bool = True) -> None:
        """Keep what an error broke off. Unless `whole`, the answers that were written down as they came are more, and stay."""
        write_atomically(self.partial_path(relative), cassette.dump(recording))
        if whole:
            self.answers_path(relative).unlink(missing_ok=True)

    def load_partial(self, relative: Path) -> Recording | None:
        """What an error broke off, to resume from; None when there is nothing of use."""
        path = self.partial_path(relative)
        if not path.is_file():
            return None
        try:
            return cassette.load(path.read_text(encoding="utf-8"), str(path))
        except (CassetteError, OSError, UnicodeDecodeError):
            return None

    def answers_path(self, relative: Path) -> Path:
        """Where the answers of a trial that runs are written down as they come, see `answers`."""
        return self.root / relative.with_name(relative.name + _ANSWERS)

    def models(self, suite: str) -> list[str]:
        """The models that have a recording of this suite anywhere."""
        found: set[str] = set()
        for folder in (self.root, *self.fallbacks):
            for base in folders_of(folder, suite):
                found |= {name_in(file.parent.parent.relative_to(base)) for file in base.rglob("*.yaml")}
        return sorted(found)

    def partial_path(self, relative: Path) -> Path:
        """Where what an error broke off is kept."""
        return self.root / relative.with_name(relative.name + _PARTIAL)


def folders_of(root: Path, suite: str) -> list[Path]:
    """Where the recordings of a suite are below `root`: today's folder, and that of earlier versions where it has another name."""
    name = Path(segment(suite))
    return list(dict.fromkeys((root / name, root / earlier(name))))


def _temporary_beside(path: Path) -> tuple[int, str]:
    """A new file in the folder of `path`. Another process may take the folder away again while it is empty, see `answers`."""
    for _ in range(_TRIES):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    raise FileNotFoundError(2, "its folder is taken away again and again", str(path.parent))


def write_atomically(path: Path, text: str, sync: bool = True) -> None:
    """Through a temporary file in the same folder, which `sync` puts on the disk before it takes the name. Raises CassetteError."""
    try:
        handle, temporary = _temporary_beside(path)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CassetteError(f"{path}: cannot be written: {error}") from None
