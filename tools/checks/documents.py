#!/usr/bin/env python
"""Write the documents that are made from code: `documents.py`; with `--check` only compare, and exit 1 on a difference."""

import argparse
import re
import sys
from pathlib import Path

import asyncapi
import event_schemas
import grpc_page
import settings_page

from library_api.specification import specification, specification_yaml

ROOT = Path(__file__).parents[2]
# Docstrings say which page of the design they follow; who reads the made documents does not have those pages.
REFERENCE = re.compile(r"\s*\((?:spec|contract|details|data|reliability)[ ,][^()]*\)")


def documents() -> dict[str, str]:
    """Return the text of every made document by its path."""
    return {
        "docs/api/openapi.json": specification(),
        "docs/api/openapi.yaml": specification_yaml(),
        "docs/api/grpc.md": grpc_page.page(),
        "docs/operations/configuration.md": REFERENCE.sub("", settings_page.page()),
        "docs/events/asyncapi.yaml": REFERENCE.sub("", asyncapi.document()),
        **{
            f"docs/events/{each.file}": REFERENCE.sub("", each.text)
            for each in (*event_schemas.consumed(), *event_schemas.published())
        },
    }


def main() -> None:
    """Write what differs, or name it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a document is stale")
    check = parser.parse_args().check
    stale = False
    for name, text in documents().items():
        path = ROOT / name
        if path.exists() and path.read_text() == text:
            continue
        stale = True
        print(f"{'stale' if check else 'wrote'}: {name}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and stale:
        sys.exit("documents are stale: make generate")


if __name__ == "__main__":
    main()
