"""Hostile tokens (reliability F), named after ASVS 5.0 V9 and RFC 8725 where a requirement fits."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from unit.adapters.tokens.issuing import (
    AUDIENCE,
    NOW,
    SUBJECT,
    TIMESTAMP,
    Issuer,
    key_of,
    public_jwk,
    segment,
)

from library_adapters.tokens import Identity, TokenVerifier
from library_domain.shared.access import Role
from library_domain.shared.errors import Forbidden, Unauthenticated

DAY = 24 * 60 * 60
STRANGER_RSA = RSAKey.generate_key(2048)
STRANGER_EC = ECKey.generate_key("P-256")

Make = Callable[[Issuer], str]


def hs256_with_public_key(issuer: Issuer) -> str:
    """Use the public key, which everybody has, as the secret of an HMAC."""
    secret = cast("RSAKey", key_of("rsa")).as_pem(private=False)
    signing_input = f"{segment({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{segment(issuer.claims())}"
    signature = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{segment(signature)}"


def unsigned(alg: object) -> Make:
    return lambda issuer: f"{segment({'alg': alg, 'kid': 'rsa', 'typ': 'JWT'})}.{segment(issuer.claims())}."


def tampered(part: int) -> Make:
    """Change one bit in the middle of a part."""

    def make(issuer: Issuer) -> str:
        parts = issuer.token().split(".")
        middle = len(parts[part]) // 2
        other = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
        return ".".join(parts)

    return make


def with_claims_of_an_admin(issuer: Issuer) -> str:
    header, _, signature = issuer.token().split(".")
    return f"{header}.{segment(issuer.claims(role='admin'))}.{signature}"


def claims(**overrides: object) -> Make:
    return lambda issuer: issuer.token(**overrides)  # type: ignore[arg-type]


def header(**overrides: object) -> Make:
    return lambda issuer: issuer.token(header=overrides)


def payload(raw: bytes) -> Make:
    return lambda issuer: issuer.token(payload=raw)


HOSTILE: dict[str, dict[str, Make]] = {
    "asvs_9_1_1_signature": {
        "tampered_header": tampered(0),
        "tampered_payload": tampered(1),
        "tampered_signature": tampered(2),
        "claims_replaced": with_claims_of_an_admin,
        "signature_removed": lambda issuer: issuer.token().rpartition(".")[0] + ".",
        "signed_by_a_stranger": lambda issuer: issuer.token(signing_key=STRANGER_RSA),
        "signed_by_a_strangers_curve_key": lambda issuer: issuer.token(key="ec", signing_key=STRANGER_EC),
        "signature_padded": lambda issuer: issuer.token() + "=",
        "signature_in_standard_base64": lambda issuer: issuer.token()[:-2] + "+/",
        "zero_signature_of_a_curve": lambda issuer: (
            issuer.token(key="ec").rpartition(".")[0] + "." + segment(bytes(64))
        ),
    },
    "asvs_9_1_2_algorithm": {
        "none": unsigned("none"),
        "None": unsigned("None"),
        "nOnE": unsigned("nOnE"),
        "empty": unsigned(""),
        "null": unsigned(None),
        "list": unsigned(["RS256"]),
        "missing": header(alg=...),
        "HS256_with_the_public_key": hs256_with_public_key,
        "HS256_with_a_guess": lambda issuer: issuer.token(
            header={"alg": "HS256"},
            signing_key=OctKey.import_key("secret-secret-secret-secret-secret"),
        ),
        "PS256": header(alg="PS256"),
        "RS384": header(alg="RS384"),
        "RS512": header(alg="RS512"),
        "lower_case": header(alg="rs256"),
        "ES256_of_an_rsa_key": lambda issuer: issuer.token(
            key="ec", header={"kid": "rsa"}, signing_key=STRANGER_EC
        ),
        "RS256_of_an_edwards_key": header(kid="okp"),
    },
    "asvs_9_1_3_key_source": {
        "kid_missing": header(kid=...),
        "kid_null": header(kid=None),
        "kid_empty": header(kid=""),
        "kid_number": header(kid=1),
        "kid_list": header(kid=["rsa"]),
        "kid_object": header(kid={"rsa": 1}),
        "kid_unknown": header(kid="other"),
        "kid_sql": header(kid="rsa' OR '1'='1"),
        "kid_path": header(kid="../../../../dev/null"),
        "kid_long": header(kid="k" * 300),
        "jku": header(jku="https://attacker.test/jwks"),
        "jwk": lambda issuer: issuer.token(
            header={"jwk": {"kty": "OKP", "crv": "Ed25519", "x": public_jwk("okp")["x"]}},
        ),
        "x5u": header(x5u="https://attacker.test/cert"),
        "x5c": header(x5c=["MIIB"]),
        "crit": header(crit=["exp"]),
        "b64_false": header(b64=False, crit=["b64"]),
        "zip": header(zip="DEF"),
        "header_too_long": header(pad="p" * 600),
    },
    "asvs_9_2_1_validity": {
        "exp_missing": claims(exp=...),
        "exp_null": claims(exp=None),
        "exp_past": claims(exp=TIMESTAMP - 61, iat=TIMESTAMP - 3600),
        "exp_just_past_the_leeway": claims(exp=TIMESTAMP - 60, iat=TIMESTAMP - 3600),
        "exp_float": claims(exp=TIMESTAMP + 60.5),
        "exp_integral_float": claims(exp=float(TIMESTAMP + 60)),
        "exp_string": claims(exp=str(TIMESTAMP + 60)),
        "exp_true": claims(exp=True),
        "exp_huge": claims(exp=10**30),
        "exp_infinite": payload(b'{"exp": Infinity}'),
        "lives_over_a_day": claims(exp=TIMESTAMP + DAY + 1),
        "lives_no_time": claims(exp=TIMESTAMP, iat=TIMESTAMP),
        "ends_before_it_began": claims(exp=TIMESTAMP + 10, iat=TIMESTAMP + 20),
        "iat_missing": claims(iat=...),
        "iat_string": claims(iat=str(TIMESTAMP)),
        "iat_future": claims(iat=TIMESTAMP + 61),
        "nbf_future": claims(nbf=TIMESTAMP + 61),
        "nbf_string": claims(nbf="0"),
    },
    "asvs_9_2_2_type": {
        "typ_missing": lambda issuer: issuer.token(header={"typ": ...}),
        "typ_null": header(typ=None),
        "id_token": header(typ="id+jwt"),
        "logout_token": header(typ="logout+jwt"),
        "security_event": header(typ="secevent+jwt"),
        "typ_list": header(typ=["JWT"]),
    },
    "asvs_9_2_3_audience": {
        "aud_missing": claims(aud=...),
        "aud_null": claims(aud=None),
        "aud_empty": claims(aud=""),
        "aud_other": claims(aud="payment-service"),
        "aud_other_case": claims(aud="Library-Service"),
        "aud_prefix": claims(aud="library-service-admin"),
        "aud_empty_list": claims(aud=[]),
        "aud_list_of_others": claims(aud=["payment-service", "auth-service"]),
        "aud_list_of_lists": claims(aud=[[AUDIENCE]]),
        "aud_object": claims(aud={AUDIENCE: 1}),
    },
    "rfc8725_3_8_issuer": {
        "iss_missing": claims(iss=...),
        "iss_null": claims(iss=None),
        "iss_other": claims(iss="https://attacker.test"),
        "iss_with_slash": claims(iss="https://issuer.test/"),
        "iss_list": claims(iss=["https://issuer.test"]),
    },
    "subject": {
        "sub_missing": claims(sub=...),
        "sub_null": claims(sub=None),
        "sub_empty": claims(sub=""),
        "sub_number": claims(sub=7),
        "sub_no_uuid": claims(sub="admin"),
        "sub_uuid_and_more": claims(sub=SUBJECT + "0"),
        "sub_with_nul": claims(sub=SUBJECT + "\x00"),
    },
    "roles": {
        "role_number": claims(role=1),
        "role_list": claims(role=["admin"]),
        "roles_string": claims(roles="admin"),
        "roles_of_numbers": claims(roles=[1]),
        "system_beside_user": claims(roles=["system", "user"], role=...),
        "system_in_role_user_in_roles": claims(role="system", roles=["user"]),
        "system_beside_anonymous": claims(role="system", roles=["anonymous"]),
    },
    "form": {
        "empty": lambda _: "",
        "no_dots": lambda _: "token",
        "two_parts": lambda issuer: issuer.token().rpartition(".")[0],
        "four_parts": lambda issuer: issuer.token() + ".x",
        "five_parts_jwe": lambda _: ".".join(
            [segment({"alg": "dir", "enc": "A256GCM"}), "", "aa", "aa", "aa"]
        ),
        "two_tokens": lambda issuer: f"{issuer.token()} {issuer.token()}",
        "token_too_long": claims(pad="p" * 8192),
        "a_hundred_kilobytes": lambda issuer: issuer.token(pad="p" * 100_000),
        "not_ascii": lambda issuer: issuer.token() + "ё",
        "nul": lambda issuer: issuer.token() + "\x00",
        "surrogate": lambda issuer: issuer.token() + "\ud800",
        "line_break": lambda issuer: issuer.token() + "\n",
        "header_list": lambda issuer: f"{segment([])}.{segment(issuer.claims())}.{segment(b'x')}",
        "header_text": lambda issuer: f"{segment(b'alg')}.{segment(issuer.claims())}.{segment(b'x')}",
        "header_not_utf8": lambda issuer: (
            f"{segment(bytes([0xFF]))}.{segment(issuer.claims())}.{segment(b'x')}"
        ),
        "header_nested": lambda issuer: f"{segment(b'[' * 300)}.{segment(issuer.claims())}.{segment(b'x')}",
        "payload_list": payload(b"[]"),
        "payload_empty": payload(b""),
        "payload_text": payload(b"sub"),
        "payload_not_utf8": payload(b'{"sub": "\xff"}'),
        "payload_nested": payload(b'{"x":' + b"[" * 5000),
        "payload_json_serialization": lambda issuer: json.dumps(
            {"payload": issuer.token(), "signatures": []}
        ),
    },
}


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
