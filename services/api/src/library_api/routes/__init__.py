"""The endpoints, one module per slice of the domain. Every handler names its operation in `opt` (contract 3)."""

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from library_api.routes.library import list_library, show_item

ROUTES: Sequence[ControllerRouterHandler] = (list_library, show_item)
