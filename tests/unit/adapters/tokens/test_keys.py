import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey
from unit.adapters.tokens.issuing import jwks, oct_jwk, public_jwk, weak_rsa_jwk

from library_adapters.tokens import KeySetInvalid, parse_key_set


def document(*entries: Any) -> bytes:
    return json.dumps({"keys": [public_jwk("rsa"), *entries]}).encode()


def test_each_type_of_key_has_one_algorithm() -> None:
    keys = parse_key_set(jwks("rsa", "ec", "okp"))

    assert {kid: key.algorithm for kid, key in keys.items()} == {
        "rsa": "RS256",
        "ec": "ES256",
        "okp": "EdDSA",
    }


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(oct_jwk(b"k" * 32, "odd"), id="oct"),
        pytest.param(public_jwk("ec") | {"kid": ...}, id="kid_missing"),
        pytest.param(public_jwk("ec", kid=1), id="kid_number"),
        pytest.param(public_jwk("ec", kid=""), id="kid_empty"),
        pytest.param(public_jwk("ec", kid="k" * 257), id="kid_long"),
        pytest.param(public_jwk("ec", kid="odd", use="enc"), id="for_encryption"),
        pytest.param(public_jwk("ec", kid="odd", alg="ES512"), id="for_another_algorithm"),
        pytest.param(public_jwk("ec", kid="odd", key_ops=["sign"]), id="not_for_verifying"),
        pytest.param(public_jwk("ec", kid="odd", kty=["EC"]), id="kty_list"),
        pytest.param(public_jwk("ec", kid="odd", crv="P-384"), id="wrong_curve"),
        pytest.param(public_jwk("ec", kid="odd", x="AAAA"), id="point_off_the_curve"),
        pytest.param(public_jwk("okp", kid="odd", x="AAAA"), id="edwards_key_too_short"),
        pytest.param(public_jwk("rsa", kid="odd", n="AQAB"), id="modulus_too_small"),
        pytest.param(public_jwk("rsa", kid="odd", n=5), id="modulus_a_number"),
        pytest.param({"kty": "RSA", "kid": "odd"}, id="rsa_without_numbers"),
        pytest.param(weak_rsa_jwk("odd"), id="rsa_1024"),
        pytest.param({**ECKey.generate_key("P-521").as_dict(private=False), "kid": "odd"}, id="p_521"),
        pytest.param({**OKPKey.generate_key("Ed448").as_dict(private=False), "kid": "odd"}, id="ed448"),
        pytest.param({**OKPKey.generate_key("X25519").as_dict(private=False), "kid": "odd"}, id="x25519"),
        pytest.param({"kty": "AKP", "alg": "ML-DSA-44", "kid": "odd"}, id="post_quantum"),
        pytest.param({}, id="empty"),
    ],
)
def test_a_key_that_is_not_ours_is_passed_over(entry: dict[str, Any]) -> None:
    entry = {name: value for name, value in entry.items() if value is not ...}

    assert set(parse_key_set(document(entry))) == {"rsa"}


def test_of_two_keys_with_one_kid_the_first_is_used() -> None:
    keys = parse_key_set(document(public_jwk("ec", kid="rsa")))

    assert keys["rsa"].algorithm == "RS256"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="html"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="no_keys"),
        pytest.param(b'{"keys": []}', id="none"),
        pytest.param(b'{"keys": {}}', id="keys_object"),
        pytest.param(b'{"keys": [1]}', id="key_number"),
        pytest.param(b'{"keys": [' + b"[" * 100_000, id="nested"),
        pytest.param(json.dumps({"keys": [oct_jwk(b"k" * 32, "hs")]}).encode(), id="only_oct"),
        pytest.param(b'{"keys": [], "pad": "' + b"p" * 300_000 + b'"}', id="large"),
    ],
)
def test_what_is_no_usable_key_set_is_refused(raw: bytes) -> None:
    with pytest.raises(KeySetInvalid):
        parse_key_set(raw)
