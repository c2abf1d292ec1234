"""The token issuer: keys, tokens, and the three pages of HTTP that clients need.

Real time on purpose (data 32): tokens are checked against real time, however fast the demo's clock runs.
"""

import json
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote_plus
from uuid import UUID, uuid5

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from library_devstack.stack.standins import AUDIENCE, Addresses
from library_devstack.stack.state import State

_ALGORITHM = "RS256"
_KEY_BITS = 2048
_MAX_FORM_BYTES = 8 * 1024
_REQUEST_TIMEOUT_SECONDS = 5.0
DEFAULT_TTL_SECONDS = 3600
# Clients have no user id; a token needs one in `sub` (contract 3), so each gets its own for good.
_CLIENTS = UUID("6f1a3d1e-2d3f-5b1a-9a55-6b7c1f0a4d10")


def load_or_make_key(path: Path) -> RSAKey:
    """Return the signing key kept in the file, made (mode 0600) the first time, so that tokens outlive a restart."""
    if path.exists():
        return RSAKey.import_key(json.loads(path.read_text()))
    key = make_key()
    path.touch(mode=0o600)
    path.write_text(json.dumps(key.as_dict(private=True)))
    return key


def make_key() -> RSAKey:
    """Return a new signing key; its `kid` is its thumbprint."""
    return RSAKey.generate_key(_KEY_BITS, {"alg": _ALGORITHM, "use": "sig"}, auto_kid=True)


class Issuer:
    """Signs tokens as the platform's issuer does."""

    def __init__(self, key: RSAKey, *, url: str, audience: str = AUDIENCE) -> None:
        self._key = key
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": url},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self.url = url
        self.audience = audience

    @property
    def jwks_url(self) -> str:
        """Return where the public keys are."""
        return f"{self.url}/.well-known/jwks.json"

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JSON Web Key Set."""
        return dict(KeySet([self._key]).as_dict(private=False))

    def mint(
        self,
        user: UUID | str,
        roles: str | Sequence[str] = "user",
        *,
        ttl_seconds: float = DEFAULT_TTL_SECONDS,
        header: Mapping[str, Any] | None = None,
        **claims: Any,  # noqa: ANN401 - a claim is any JSON value
    ) -> str:
        """Return a signed token; one role goes to `role`, several to `roles`.

        `claims` and `header` override what would be there, so that a test can make bad tokens; None leaves one out.
        """
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": self.url,
            "aud": self.audience,
            "sub": str(user),
            "iat": now,
            "exp": now + int(ttl_seconds),
            **({"role": roles} if isinstance(roles, str) else {"roles": list(roles)}),
            **claims,
        }
        full_header = {"alg": _ALGORITHM, "typ": "JWT", "kid": self._key.kid, **(header or {})}
        return jwt.encode(_without_none(full_header), _without_none(payload), self._key)

    def is_system(self, token: str) -> bool:
        """Tell whether the token is ours, still good, and of the role `system`."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
            self._claims.validate(claims)
        except (JoseError, ValueError):
            return False
        return bool(claims.get("role") == "system")


def issuer_of(state: State) -> Issuer:
    """Return the issuer of the stack with this state; its key is made the first time."""
    return Issuer(load_or_make_key(state.path("issuer-key.json")), url=Addresses(state).issuer)


def _without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def client_user_id(client_id: str) -> UUID:
    """Return the `sub` of a client's tokens."""
    return uuid5(_CLIENTS, client_id)


@contextmanager
def serve(issuer: Issuer, *, port: int, clients: Mapping[str, str]) -> Iterator[None]:
    """Answer on loopback while the block runs.

    `GET /.well-known/jwks.json`; `POST /token` (OAuth 2 client credentials, RFC 6749 2.3.1 and 4.4) for the ids
    and secrets of `clients`, answering `system` tokens; `GET /health`.
    """

    class Handler(_Handler):
        pass

    Handler.issuer = issuer
    Handler.clients = clients
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="issuer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _credentials(authorization: str, form: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the client's id and secret: from the header, as every issuer must take them, or from the form."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret")
    try:
        client_id, _, client_secret = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", None
    return unquote_plus(client_id), unquote_plus(client_secret)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _REQUEST_TIMEOUT_SECONDS
    issuer: Issuer
    clients: Mapping[str, str]

    def do_GET(self) -> None:
        match self.path:
            case "/.well-known/jwks.json":
                self._answer(HTTPStatus.OK, self.issuer.jwks())
            case "/health":
                self._answer(HTTPStatus.OK, {"status": "ok"})
            case _:
                self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found"})

    def do_POST(self) -> None:
        if self.path != "/token":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found"})
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MAX_FORM_BYTES:
            self.close_connection = True  # the body stays unread
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "invalid_request"})
            return
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(int(length)).decode()).items()}
        client_id, client_secret = _credentials(self.headers.get("Authorization", ""), form)
        if form.get("grant_type") != "client_credentials":
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "unsupported_grant_type"})
        elif not client_id or self.clients.get(client_id) != client_secret:
            self._answer(HTTPStatus.UNAUTHORIZED, {"error": "invalid_client"})
        else:
            token = self.issuer.mint(client_user_id(client_id), "system")
            answer = {"access_token": token, "token_type": "Bearer", "expires_in": DEFAULT_TTL_SECONDS}
            self._answer(HTTPStatus.OK, answer)

    def _answer(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Stay silent: a line per request says nothing, and a query could carry a secret."""
