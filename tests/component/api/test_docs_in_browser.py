"""The page of the documentation in a real browser that reaches no host but loopback (issue 3)."""

import asyncio
import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from component.api.process import LOOPBACK, free_port, started
from component.api.serving import environment
from figures import Report

from library_api.specification import specification
from library_devstack.standins.issuer import Issuer

# Known before the tests are collected; CI installs it (.ci/run).
CHROMIUM = shutil.which("chromium")
_OFFLINE = f"MAP * ~NOTFOUND, EXCLUDE {LOOPBACK}"
_SECONDS = 60


@dataclass(frozen=True)
class Visit:
    """What the browser made of a page, and what it asked for meanwhile."""

    dom: str
    screenshot: bytes
    requests: frozenset[str]
    """Every address that the page asked for; what the browser wants from its makers is not among them."""
    peers: frozenset[str]
    """Every address that the browser had a connection to, as host:port."""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here; as root: apt-get install chromium")
async def test_the_page_shows_every_operation_with_no_other_host_in_reach(
    tmp_path: Path, issuer: Issuer, report: Report
) -> None:
    environ = environment(
        database=f"postgresql://library@{LOOPBACK}:{free_port()}/library",
        redis_url=f"redis://{LOOPBACK}:{free_port()}",
        issuer=issuer,
    )
    documented = {
        operation["operationId"]
        for path in json.loads(specification())["paths"].values()
        for operation in path.values()
    }

    async with started(tmp_path, environ) as process:
        visit = await look_at(f"{process.url}/schema/docs", tmp_path)
        host = httpx2.URL(process.url).netloc.decode()

    shown = {name for name in documented if name.replace(".", r"\.") + '"' in visit.dom}
    assert shown == documented
    assert visit.requests == {
        f"{process.url}/schema/{name}"
        for name in (
            "docs",
            "docs/docs.js",
            "docs/swagger-ui.css",
            "docs/swagger-ui-bundle.js",
            "openapi.json",
        )
    }
    assert visit.peers == {host}
    assert len(set(pixels(visit.screenshot))) > 100  # a page without the style sheet, or a blank one, has few
    report(f"{len(shown)} operations shown, {len(visit.requests)} requests, none elsewhere")
    report(f"screenshot: {len(visit.screenshot) // 1024} KiB at {tmp_path / 'page.png'}")


async def look_at(url: str, directory: Path) -> Visit:
    """Open the page, wait until it has nothing left to do, and keep its picture as `page.png`."""
    screenshot, net_log = directory / "page.png", directory / "net.json"
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *("--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        "--no-sandbox",  # root has none, and the page is our own
        f"--user-data-dir={directory / 'profile'}",
        f"--host-resolver-rules={_OFFLINE}",
        f"--log-net-log={net_log}",
        "--window-size=1280,1600",
        "--virtual-time-budget=20000",
        "--dump-dom",
        f"--screenshot={screenshot}",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            dom, _ = await browser.communicate()
    finally:
        if browser.returncode is None:
            browser.kill()
            await browser.wait()
    events = list(logged(json.loads(net_log.read_text(encoding="utf-8"))))
    origin = str(httpx2.URL(url).copy_with(path="/")).rstrip("/")
    return Visit(
        dom=dom.decode(),
        screenshot=screenshot.read_bytes(),
        requests=frozenset(
            each["url"]
            for name, each in events
            if name == "URL_REQUEST_START_JOB"
            and "url" in each
            and (each["initiator"] == origin or each["url"] == url)
        ),
        peers=frozenset(
            each["address"] for name, each in events if name == "TCP_CONNECT_ATTEMPT" and "address" in each
        ),
    )


def logged(net_log: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and parameters of every event of Chromium's log of the network."""
    names = {number: name for name, number in net_log["constants"]["logEventTypes"].items()}
    for event in net_log["events"]:
        yield names[event["type"]], event.get("params") or {}


def pixels(png: bytes) -> bytes:
    """Return what the picture is made of; of one colour, it is a repetition of the same few bytes."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    packed, position = b"", 8
    while position < len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        if kind == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += length + 12
    return zlib.decompress(packed)
