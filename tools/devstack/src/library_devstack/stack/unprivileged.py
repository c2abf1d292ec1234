"""Running a server that refuses to be root (PostgreSQL) when we are root, as in most containers.

The server then runs as `nobody`, which must be able to reach its programs and its data. Below a directory that
only root may enter (`/root`, pytest's temporary directories) it cannot: then both go to a directory of the system's
temporary one, named after the state directory, so that the next start finds it again.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group ids of a process; None for both means ours."""

    uid: int | None = None
    gid: int | None = None

    def can_enter(self, directory: Path) -> bool:
        """Tell whether a process of this account can work in the directory or the nearest one above it that exists."""
        while not directory.exists():
            directory = directory.parent
        # Asking the kernel counts everything: modes, groups, ACLs, mounts.
        answer = subprocess.run(
            ["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)],
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            cwd="/",
            check=False,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_SECONDS,
        )
        return answer.returncode == 0

    def own(self, path: Path) -> None:
        """Give the file or directory to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """Return the account for servers that refuse to run as root: `nobody` when we are root, else our own."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def refuge(state_directory: Path) -> Path:
    """Return the directory under the system's temporary one that stands in for an unreachable state directory."""
    name = hashlib.sha256(str(state_directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"library-devstack-{name}"


def make_refuge(directory: Path) -> None:
    """Make the directory, readable by the server's account and writable by us alone.

    Raises PermissionError when somebody else made it: its name can be guessed, so its owner must be us.
    """
    directory.mkdir(mode=0o755, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to another user")


def copy_programs(source: Path, target: Path) -> Path:
    """Copy a tree of programs to where the account can read it, once; return the copy."""
    if not target.exists():
        draft = target.with_name(f"{target.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(source, draft)
        draft.replace(target)
    return target
