"""Atomic writes: a file is written completely or not at all; symbolic links are followed."""

import contextlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import Unwritable

# Most bytes of the target's name that begin the temporary file's name: with random digits and
# suffixes, it stays below the 255 bytes that file systems allow.
MAX_NAME_BYTES = 120


def resolve_target(path: str | Path) -> Path:
    """Return the file that writing to `path` replaces: `path` itself, or what its links lead to.

    Raises Unwritable for a cycle of links, a missing folder, a name that is too long, and anything
    but a regular file: replacing a folder or a device would destroy it.
    """
    target = Path(os.path.realpath(path))
    try:
        in_cycle = stat.S_ISLNK(target.lstat().st_mode)  # `realpath` resolves all other links
    except FileNotFoundError:
        in_cycle = False
    except OSError as problem:
        raise Unwritable("{} cannot be written ({}).", path, problem.strerror) from problem
    if in_cycle:
        raise Unwritable("{} is a link that leads back to itself.", path)
    if not os.path.isdir(target.parent):
        raise Unwritable("There is no folder {}.", target.parent)
    if os.path.exists(target) and not os.path.isfile(target):
        raise Unwritable("{} is not a regular file; choose another name.", path)
    return target


def check_writable(path: str | Path) -> Path:
    """Raise Unwritable if `path` cannot be written; otherwise return it as a Path.

    For use before long work, so that its result is not lost. Raises what `resolve_target` raises,
    and Unwritable if no file can be created in its folder.
    """
    target = resolve_target(path)
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as problem:
        raise Unwritable("{} cannot be written ({}).", path, problem.strerror) from problem
    return Path(path)


@contextlib.contextmanager
def atomic_write(path: str | Path, suffix: str = "") -> Iterator[Path]:
    """Yield the path of a hidden temporary file beside the target, whose name ends with `suffix`.

    The temporary file replaces the target on success and is removed if anything is raised inside.
    A symbolic link stays a link; the file that it leads to is replaced. Raises what
    `resolve_target` raises, and Unwritable for an OSError inside.
    """
    target = resolve_target(path)
    start = os.fsencode(target.name)[:MAX_NAME_BYTES].decode(errors="ignore")
    # Random digits, since another process may write the same target, or one whose long name begins
    # alike.
    temporary = target.with_name(f".{start}.{secrets.token_hex(8)}.part{suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise Unwritable("{} cannot be written ({}).", path, reason) from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
