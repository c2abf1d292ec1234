import pytest

from library_adapters.tokens import bearer_token
from library_domain.shared.errors import Unauthenticated


@pytest.mark.parametrize("authorization", ["Bearer a.b-_.c", "bearer a.b-_.c", "BEARER  a.b-_.c"])
def test_the_scheme_is_read_in_any_case(authorization: str) -> None:
    assert bearer_token(authorization) == "a.b-_.c"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "a.b.c",
        "Basic dXNlcjpwYXNz",
        "Bearer a.b.c d.e.f",
        "Bearer a.b.c, Bearer d.e.f",
        "Bearer a.b.c\n",
        "Bearer\ta.b.c",
        "Bearer токен",
        " Bearer a.b.c",
    ],
)
def test_anything_but_one_bearer_token_is_refused(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(authorization)
