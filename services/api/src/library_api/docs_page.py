"""The interactive page of the specification, from assets of our own: it works with no other host in reach (contract 2).

The assets come with the package swagger-ui-bundle-v2, whose files are swagger-ui-dist's as npm has them. The digests
below are of npm's files: the browser runs nothing else, whatever is installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped] # it has one name and no annotations

DOCS_PATH = "/docs"
_JAVASCRIPT = "text/javascript; charset=utf-8"
_CSS = "text/css; charset=utf-8"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; "  # icons inside the style sheet
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Mapping[str, str] = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
_PAGE = """<!doctype html>
<html lang="ru" data-specification="/schema/openapi.json">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Library Service</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/schema/docs/swagger-ui.css" integrity="{css}">
<script src="/schema/docs/swagger-ui-bundle.js" integrity="{javascript}" defer></script>
<script src="/schema/docs/docs.js" defer></script>
</head>
<body>
<div id="documentation"></div>
<noscript>The specification itself: <a href="/schema/openapi.json">openapi.json</a></noscript>
</body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that the page loads; `integrity` is the digest of it that the page demands, if it is not our own."""

    file: Traversable
    media_type: str
    integrity: str | None = None


ASSETS: Mapping[str, Asset] = {
    "swagger-ui.css": Asset(
        file=swagger_ui_path / "swagger-ui.css",
        media_type=_CSS,
        integrity="sha384-KX9Rx9vM1AmUNAn07bPAiZhFD4C8jdNgG6f5MRNvR+EfAxs2PmMFtUUazui7ryZQ",
    ),
    "swagger-ui-bundle.js": Asset(
        file=swagger_ui_path / "swagger-ui-bundle.js",
        media_type=_JAVASCRIPT,
        integrity="sha384-cxafBeQ+zYROeFafGFxtFbnp1ICqeS9mG7+f0WWSHzhnrUvwg9Za5CCw6wgrHA7K",
    ),
    "docs.js": Asset(file=files("library_api") / "assets" / "docs.js", media_type=_JAVASCRIPT),
}


@get(DOCS_PATH, media_type="text/html", include_in_schema=False, sync_to_thread=False)
def show_docs() -> Response[str]:
    """Return the page."""
    page = _PAGE.format(
        css=ASSETS["swagger-ui.css"].integrity, javascript=ASSETS["swagger-ui-bundle.js"].integrity
    )
    return Response(page, headers={"Content-Security-Policy": _POLICY, **_HEADERS})


@get(f"{DOCS_PATH}/{{name:str}}", include_in_schema=False, sync_to_thread=False)
def show_asset(name: Annotated[str, PathParameter(description="The file.")]) -> Response[bytes]:
    """Return a file of the page. Raises NotFoundException for any but those."""
    asset = ASSETS.get(name)
    if asset is None:
        raise NotFoundException
    return Response(asset.file.read_bytes(), media_type=asset.media_type, headers=dict(_HEADERS))
