"""Our own deployables as components: the table of processes, in one place.

Started as child processes by their modules; never imported (architecture, law 1).
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx

from library_devstack.stack import ComponentFailed, NotHealthy, Stack
from library_devstack.stack.component import Component
from library_devstack.stack.process import minimal_environment
from library_devstack.stack.state import LOOPBACK

_TIMEOUT_SECONDS = 1.0
_POLL_SECONDS = 0.05
_MIGRATION_TIMEOUT_SECONDS = 120
_FAST_SWEEP_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """A process of ours: how it is started, and which settings name its ports."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    ports: Mapping[str, str] = field(default_factory=dict)
    """Setting → name of the port; the management port is everybody's and not listed."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """More settings than the stack's, by variable."""
    stops_last: bool = False
    """It carries away what the others still write while they stop."""


DEPLOYABLES = (
    Deployable(name="api", module="library_api", ports={"LIBRARY_HTTP__PORT": "api"}),
    Deployable(name="grpc", module="library_grpc", ports={"LIBRARY_GRPC__PORT": "grpc"}),
    Deployable(name="consume", module="library_consumers", arguments=("consume",)),
    Deployable(name="work", module="library_consumers", arguments=("work",)),
    Deployable(name="relay", module="library_consumers", arguments=("relay",), stops_last=True),
    Deployable(name="sweeper", module="library_sweeper", arguments=("--loop",)),
)


class Service(Component):
    """One deployable over a stack: healthy when its management port says that it is ready."""

    start_timeout_seconds = 60.0
    # Longer than the deployables' own drain.
    stop_timeout_seconds = 30.0

    def __init__(self, deployable: Deployable, stack: Stack) -> None:
        self.name = deployable.name
        self.port_names = (f"{deployable.name}.management", *deployable.ports.values())
        super().__init__(stack.state)
        self._deployable = deployable
        self._stack = stack

    @property
    def stops_last(self) -> bool:
        """Tell whether it stops when the other deployables have."""
        return self._deployable.stops_last

    @property
    def address(self) -> str:
        """Return host and port of its public door; empty when it has none."""
        doors = self._deployable.ports.values()
        return ", ".join(f"{LOOPBACK}:{self._state.port(door)}" for door in doors)

    @property
    def health_address(self) -> str:
        """Return host and port of its management."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def management_url(self) -> str:
        """Return the base of `/health/live`, `/health/ready` and `/metrics`."""
        return f"http://{LOOPBACK}:{self.port}"

    def env(self) -> dict[str, str]:
        """Return the address of the management port."""
        return {f"{self.name.upper()}_MANAGEMENT_URL": self.management_url}

    def health(self) -> None:
        """Ask for /health/ready."""
        try:
            self._ask().raise_for_status()
        except httpx.HTTPError as problem:
            raise NotHealthy(str(problem)) from problem

    def wait_for(self, dependency: str, *, timeout_seconds: float) -> None:
        """Wait until the process says that it has this dependency: `kafka-group` is up once the group was joined.

        Raises NotHealthy when it does not in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                status = self._ask().json()["dependencies"][dependency]["status"]
            except (httpx.HTTPError, ValueError, KeyError) as problem:
                status = type(problem).__name__
            if status == "up":
                return
            if time.monotonic() > deadline:
                raise NotHealthy(f"{self.name} has no {dependency} within {timeout_seconds:g} s ({status})")
            time.sleep(_POLL_SECONDS)

    def _ask(self) -> httpx.Response:
        return httpx.get(f"{self.management_url}/health/ready", timeout=_TIMEOUT_SECONDS, trust_env=False)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", self._deployable.module, *self._deployable.arguments]

    def _spawn(self) -> None:
        own = {setting: str(self._state.port(port)) for setting, port in self._deployable.ports.items()}
        own["LIBRARY_MANAGEMENT__PORT"] = str(self.port)
        everything = {**self._stack.env(), **self._deployable.settings, **own}
        self.process.spawn(self._command(), env=minimal_environment(**everything), cwd=self.data)


def services(stack: Stack) -> tuple[Service, ...]:
    """Return every deployable as a component over this stack."""
    return tuple(Service(deployable, stack) for deployable in DEPLOYABLES)


def copies(stack: Stack, names: Mapping[str, str]) -> tuple[Service, ...]:
    """Return further processes of deployables that have no port but management's: name of the copy → of the original."""
    known = {deployable.name: deployable for deployable in DEPLOYABLES}
    return tuple(Service(replace(known[original], name=name), stack) for name, original in names.items())


def fast_forward(stack: Stack, settings: Mapping[str, str]) -> tuple[Service, Service]:
    """Return an api and a sweeper of sessions for a time that passes faster, which `settings` tell (data 13).

    The sweeper of the machine's time must not run meanwhile: to it everybody has been silent for long.
    """
    api = Deployable(
        name="fast-api",
        module="library_api",
        ports={"LIBRARY_HTTP__PORT": "fast-api"},
        # What a player may ask is limited by the machine's minutes.
        settings={**settings, "LIBRARY_RATE_LIMIT__ENABLED": "no"},
    )
    sweeper = Deployable(
        name="fast-sweeper",
        module="library_sweeper",
        arguments=("--loop", "--task", "sessions"),
        settings={**settings, "LIBRARY_SWEEPER__INTERVAL_SECONDS": str(_FAST_SWEEP_SECONDS)},
    )
    return Service(api, stack), Service(sweeper, stack)


def addresses(stack: Stack) -> dict[str, str]:
    """Return the variables by which clients find the deployables."""
    api = f"{LOOPBACK}:{stack.state.port('api')}"
    all_of_them = services(stack)
    return {
        "API_URL": f"http://{api}",
        "WS_URL": f"ws://{api}/ws/library",
        "GRPC_ADDRESS": f"{LOOPBACK}:{stack.state.port('grpc')}",
        "METRICS_URL": next(each.management_url for each in all_of_them if each.name == "api"),
        **{name: value for each in all_of_them for name, value in each.env().items()},
    }


def migrate(stack: Stack) -> None:
    """Bring the database's schema up to date, as the migration job does. Raises ComponentFailed."""
    log = stack.state.path("logs", "migrate.log")
    with log.open("wb") as output:
        try:
            subprocess.run(
                [sys.executable, "-m", "library_adapters.postgres.migrate", "apply"],
                env=minimal_environment(**stack.env()),
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=_MIGRATION_TIMEOUT_SECONDS,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
            raise ComponentFailed("migrate", "did not succeed", log.read_text(errors="replace")) from problem
