#!/usr/bin/env python
"""Generate Python from `proto/`: `generate.py` writes, `generate.py --check` only compares and exits 1 on a difference.

Each tree of protos goes to the one package that speaks it. What is generated is committed, so that building an
image needs no compiler.
"""

import argparse
import filecmp
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROTO = ROOT / "proto"
BIN = Path(sys.executable).parent
COMPILE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A tree of protos and the directory that is generated from it; nothing else lives there."""

    protos: str
    directory: Path
    descriptors: str | None = None
    """File name of the descriptor set, imports included, that server reflection answers from."""
    googles: bool = False
    """Whether Google's messages are made too, for the calls that are made most (ADR 0010)."""


TARGETS = (
    Target(
        protos="library",
        directory=ROOT / "services/grpc/src/library_grpc/_generated",
        descriptors="descriptors.binpb",
        googles=True,
    ),
    Target(protos="platform", directory=ROOT / "packages/adapters/src/library_adapters/platform/_generated"),
)


def generate(target: Target, into: Path) -> None:
    """Compile the target's protos into an empty directory."""
    command: list[str | Path] = [
        BIN / "protoc",
        f"--plugin=protoc-gen-python_betterproto2={BIN / 'protoc-gen-python_betterproto2'}",
        f"--proto_path={PROTO}",
        f"--python_betterproto2_out={into}",
        "--python_betterproto2_opt=client_generation=async",
        "--python_betterproto2_opt=server_generation=async",
    ]
    if target.descriptors:
        command += ["--include_imports", f"--descriptor_set_out={into / target.descriptors}"]
    if target.googles:
        command += [f"--python_out={into}", f"--pyi_out={into}"]
    command += sorted((PROTO / target.protos).rglob("*.proto"))
    # The plugin formats what it writes with the ruff that it finds on the path: ours, whatever the shell has.
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=COMPILE_SECONDS,
        env={"PATH": f"{BIN}:/usr/bin:/bin"},
    )
    if done.returncode:
        sys.exit(f"protoc failed for {target.protos}:\n{done.stderr}")
    if target.googles:
        _move_imports(target, into)


def _move_imports(target: Target, directory: Path) -> None:
    """Let Google's modules import one another where they lie: protoc takes the root of the protos for that of Python."""
    package = ".".join(target.directory.relative_to(target.directory.parents[1]).parts)
    for path in (*directory.rglob("*_pb2.py"), *directory.rglob("*_pb2.pyi")):
        text = path.read_text()
        path.write_text(
            re.sub(rf"^from {target.protos}\b", f"from {package}.{target.protos}", text, flags=re.MULTILINE)
        )


def files(directory: Path) -> set[Path]:
    """Return the generated files below a directory, relative to it."""
    return {
        path.relative_to(directory)
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def differences(fresh: Path, committed: Path) -> list[Path]:
    """Return the files that are missing, left over or different in the committed directory."""
    names = files(fresh) | files(committed)
    _, differing, unreadable = filecmp.cmpfiles(
        fresh, committed, [str(name) for name in names], shallow=False
    )
    return sorted(map(Path, differing + unreadable))


def replace(committed: Path, fresh: Path) -> None:
    """Make the committed directory equal to the fresh one."""
    for name in files(committed):
        (committed / name).unlink()
    for name in files(fresh):
        (committed / name).parent.mkdir(parents=True, exist_ok=True)
        (committed / name).write_bytes((fresh / name).read_bytes())


def main() -> None:
    """Generate every target, or compare every target with what is committed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something is stale")
    check = parser.parse_args().check
    stale = False
    for target in TARGETS:
        with tempfile.TemporaryDirectory() as scratch:
            fresh = Path(scratch)
            generate(target, fresh)
            for name in differences(fresh, target.directory):
                stale = True
                print(f"{'stale' if check else 'wrote'}: {(target.directory / name).relative_to(ROOT)}")
            if not check:
                replace(target.directory, fresh)
    if check and stale:
        sys.exit("generated code is stale: run tools/codegen/generate.py")


if __name__ == "__main__":
    main()
