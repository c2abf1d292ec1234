"""Where this package was installed from."""

from pathlib import Path


def workspace() -> Path:
    """Return the root of the workspace that this package is installed from; without one, where we are."""
    source = Path(__file__).resolve()
    return next((above for above in source.parents if (above / "uv.lock").is_file()), Path.cwd())
