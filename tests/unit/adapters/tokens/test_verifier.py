"""Hostile tokens (reliability F) are refused, and all that is good passes; the tests are named as their data."""

from datetime import timedelta
from uuid import UUID

import pytest
from unit.adapters.tokens.hostile import DAY, HOSTILE, Make, claims, header
from unit.adapters.tokens.issuing import AUDIENCE, NOW, SUBJECT, TIMESTAMP, Issuer

from library_adapters.tokens import Identity, TokenVerifier
from library_domain.shared.access import Role
from library_domain.shared.errors import Forbidden, Unauthenticated


def cases(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "make", [pytest.param(make, id=case) for case, make in HOSTILE[name].items()]
    )


async def refuse(verifier: TokenVerifier, issuer: Issuer, make: Make) -> None:
    """Assert a refusal that says the same for every reason, and says it again; a good token that came first changes
    nothing.
    """
    token = make(issuer)
    await verifier.verify(issuer.token())

    for _ in range(2):
        with pytest.raises(Unauthenticated) as refusal:
            await verifier.verify(token)

        assert refusal.value.details == {}
        assert str(refusal.value) == Unauthenticated.__doc__


@cases("asvs_9_1_1_signature")
async def test_asvs_9_1_1_only_what_the_issuer_signed_is_accepted(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("asvs_9_1_2_algorithm")
async def test_asvs_9_1_2_only_the_keys_own_algorithm_is_accepted(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("asvs_9_1_3_key_source")
async def test_asvs_9_1_3_keys_come_only_from_configuration(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("asvs_9_2_1_validity")
async def test_asvs_9_2_1_only_a_token_in_its_time_is_accepted(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("asvs_9_2_2_type")
async def test_asvs_9_2_2_only_access_tokens_are_accepted(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("asvs_9_2_3_audience")
async def test_asvs_9_2_3_only_tokens_meant_for_us_are_accepted(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("rfc8725_3_8_issuer")
async def test_rfc8725_3_8_only_the_configured_issuer_is_accepted(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("subject")
async def test_a_token_without_a_users_id_is_refused(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("roles")
async def test_rfc8725_3_12_contradictory_roles_are_refused(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    await refuse(verifier, issuer, make)


@cases("form")
async def test_what_is_no_token_is_refused(verifier: TokenVerifier, issuer: Issuer, make: Make) -> None:
    await refuse(verifier, issuer, make)


@pytest.mark.parametrize("key", ["rsa", "ec", "okp"])
async def test_a_good_token_proves_its_subject(verifier: TokenVerifier, issuer: Issuer, key: str) -> None:
    identity = await verifier.verify(issuer.token(key=key))

    assert identity == Identity(
        subject=UUID(SUBJECT),  # type: ignore[arg-type]
        roles=frozenset({Role.USER}),
        expires_at=NOW + timedelta(hours=1),
    )


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(claims(exp=TIMESTAMP - 59, iat=TIMESTAMP - 3600), id="expired_within_the_leeway"),
        pytest.param(claims(exp=TIMESTAMP + DAY), id="lives_a_day"),
        pytest.param(claims(iat=TIMESTAMP + 60), id="issued_within_the_leeway"),
        pytest.param(claims(nbf=TIMESTAMP + 60), id="begins_within_the_leeway"),
        pytest.param(claims(aud=["auth-service", AUDIENCE]), id="one_audience_of_several"),
        pytest.param(claims(sub=SUBJECT.upper()), id="subject_in_capitals"),
        pytest.param(header(typ="at+jwt"), id="access_token_type"),
        pytest.param(header(typ="jwt"), id="type_in_any_case"),
        pytest.param(header(x5t="thumbprint", ver="1"), id="headers_that_mean_nothing_here"),
        pytest.param(
            claims(jti="1", name="Анна", scope="a b", nested={"a": [1, None]}), id="claims_of_others"
        ),
    ],
)
async def test_a_token_at_the_edge_of_the_rules_is_accepted(
    verifier: TokenVerifier, issuer: Issuer, make: Make
) -> None:
    identity = await verifier.verify(make(issuer))

    assert identity.subject == UUID(SUBJECT)


@pytest.mark.parametrize(
    ("role", "roles", "expected"),
    [
        ("user", ..., {Role.USER}),
        (..., ["user"], {Role.USER}),
        (..., ["user", "moderator", "user"], {Role.USER, Role.MODERATOR}),
        ("support", ["user"], {Role.SUPPORT, Role.USER}),
        ("admin", ["chess-champion"], {Role.ADMIN}),
        ("system", ..., {Role.SYSTEM}),
        ("system", ["offline_access"], {Role.SYSTEM}),
        ("user", ["anonymous"], {Role.USER}),
    ],
)
async def test_roles_are_the_union_of_those_that_we_know(
    verifier: TokenVerifier, issuer: Issuer, role: object, roles: object, expected: set[Role]
) -> None:
    identity = await verifier.verify(issuer.token(role=role, roles=roles))

    assert identity.roles == expected


@pytest.mark.parametrize(
    ("role", "roles"),
    [(..., ...), (..., []), ("", ...), ("root", ...), (..., ["root", "Admin", "USER"]), ("anonymous", ...)],
)
async def test_a_good_token_without_a_known_role_may_do_nothing(
    verifier: TokenVerifier, issuer: Issuer, role: object, roles: object
) -> None:
    with pytest.raises(Forbidden):
        await verifier.verify(issuer.token(role=role, roles=roles))


def test_there_are_at_least_fifty_hostile_cases() -> None:
    assert sum(len(group) for group in HOSTILE.values()) >= 50
