"""The REST door: routes, and what stands around them."""

from litestar import Litestar
from litestar.datastructures import ResponseHeader, State
from litestar.di import Provide
from litestar.types import ASGIApp

from library_api.application import Application
from library_api.boundary import Boundary
from library_api.doorkeeper import Doorkeeper, require_matrix
from library_api.errors import answer
from library_api.openapi import openapi_config
from library_api.parameters import acting_user
from library_api.query_rules import StrictQuery, published_rules
from library_api.routes import ROUTES


def create_app(application: Application) -> ASGIApp:
    """Return the whole door. Raises OperationNotInMatrix for a route without a row in the access matrix."""
    return Boundary(
        create_routing(application),
        ids=application.ids,
        tracing=application.tracing,
        registry=application.registry,
        trusted_proxies=application.trusted_proxies,
    )


def create_routing(application: Application) -> Litestar:
    """Return the routes with their checks and errors, without what stands in front of them."""
    app = Litestar(
        route_handlers=ROUTES,
        dependencies={
            "application": Provide(lambda: application, sync_to_thread=False, use_cache=True),
            "me": Provide(acting_user, sync_to_thread=False),
        },
        middleware=[Doorkeeper(application.tokens), StrictQuery()],
        exception_handlers={Exception: answer},
        # A client may keep what it got, but asks before it shows it again; shared caches keep nothing.
        response_headers=[ResponseHeader(name="Cache-Control", value="private, no-cache")],
        openapi_config=openapi_config(),
        logging_config=None,  # errors.answer logs what has to be, once
        state=State(),
    )
    require_matrix(app)
    app.state.query_rules = published_rules(app.openapi_schema)
    return app
