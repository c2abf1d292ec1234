"""The REST door: routes, and what stands around them."""

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import ResponseHeader, State
from litestar.di import Provide
from litestar.types import ASGIApp

from library_api.application import Application
from library_api.boundary import Boundary
from library_api.completion import complete
from library_api.compression import Compression
from library_api.conditional import CACHE_CONTROL, Conditional
from library_api.doorkeeper import Doorkeeper, require_matrix
from library_api.errors import answer
from library_api.idempotency import KEY_HEADER, REPLAYED_HEADER, Idempotency
from library_api.metering import Meter
from library_api.methods import METHODS, Heads, ToldMethods, methods_of
from library_api.openapi import openapi_config
from library_api.query_rules import StrictQuery, published_rules
from library_api.request import BODY_SECONDS, StrictRequest
from library_api.routes import ROUTES
from library_api.thin_lane import ThinLane

MAX_BODY_BYTES = 64 * 1024
_PREFLIGHT_SECONDS = 600


def create_app(application: Application) -> ASGIApp:
    """Return the whole door. Raises OperationNotInMatrix for a route without a row in the access matrix."""
    routing = create_routing(application)
    app: ASGIApp = routing
    if application.thin_lane:
        # The others have nothing to say about a GET or a POST, or about a query that has passed.
        guards = [_doorkeeper(application), _conditional(application), Idempotency(application.claims)]
        app = ThinLane(routing, application, guards=guards)
    return Boundary(
        Heads(Compression(app)),
        ids=application.ids,
        tracing=application.tracing,
        registry=application.registry,
        trusted_proxies=application.trusted_proxies,
    )


def create_routing(application: Application) -> Litestar:
    """Return the routes with their checks and errors, without what stands in front of them."""
    app = Litestar(
        route_handlers=ROUTES,
        # The only one that needs nothing: Litestar starts a task for each of those that could be had at the same time,
        # which costs more than all else that it does for a request.
        dependencies={"application": Provide(lambda: application, sync_to_thread=False, use_cache=True)},
        # In the order in which a request passes them.
        middleware=[
            _doorkeeper(application),
            ToldMethods(),
            StrictQuery(),
            _conditional(application),
            Idempotency(application.claims),
        ],
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers={Exception: answer},
        response_headers=[ResponseHeader(name="Cache-Control", value=CACHE_CONTROL)],
        cors_config=_cors(application),
        openapi_config=openapi_config(),
        logging_config=None,  # errors.answer logs what has to be, once
        state=State({BODY_SECONDS: application.body_seconds}),
    )
    require_matrix(app)
    complete(app)
    app.state[METHODS] = methods_of(app)
    app.state.query_rules = published_rules(app.openapi_schema)
    return app


def _doorkeeper(application: Application) -> Doorkeeper:
    return Doorkeeper(application.tokens, Meter(application.limits))


def _conditional(application: Application) -> Conditional:
    return Conditional(application.show_version)


def _cors(application: Application) -> CORSConfig | None:
    """Let pages of these origins ask; none, as long as none is configured (details 3.11)."""
    if not application.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(application.cors_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", KEY_HEADER, "If-None-Match", "X-Request-ID"],
        allow_credentials=False,  # tokens come in a header, never in a cookie
        expose_headers=[
            "ETag",
            "Location",
            REPLAYED_HEADER,
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
            "Retry-After",
            "X-Request-ID",
        ],
        max_age=_PREFLIGHT_SECONDS,
    )
