"""What is refused at the start, and by what name."""

import ssl
from typing import Any

import pytest

from library_adapters.configuration import ConfigurationInvalid, load
from library_consumers.groups import GroupName, groups_of
from library_consumers.settings import ConsumeSettings, RelaySettings, TopicsSettings, WorkSettings

NEEDED = {
    "LIBRARY_KAFKA__BOOTSTRAP_SERVERS": "one:9092,two:9092",
    "LIBRARY_POSTGRES__DSN": "postgresql://library@db/library",
    "LIBRARY_CATALOG__ADDRESS": "catalog:50051",
    "LIBRARY_CATALOG__TOKEN_URL": "https://issuer.test/token",
    "LIBRARY_CATALOG__CLIENT_ID": "library",
    "LIBRARY_CATALOG__CLIENT_SECRET": "secret",
}


def settings(**changed: str) -> ConsumeSettings:
    given = {f"LIBRARY_{name.upper()}": value for name, value in changed.items()}
    return load(ConsumeSettings, environ=NEEDED | given)


def test_the_needed_ones_are_enough_for_every_command() -> None:
    assert settings().consumers.group_id == "library-service"
    assert load(RelaySettings, environ=NEEDED).relay.batch == 500
    assert load(WorkSettings, environ=NEEDED).work.concurrency == 8
    assert load(TopicsSettings, environ=NEEDED).kafka.topics.replication_factor == 3


def test_records_are_idempotent_unless_somebody_says_otherwise() -> None:
    assert settings().kafka.enable_idempotence is True
    assert settings(kafka__enable_idempotence="false").kafka.enable_idempotence is False


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"kafka__bootstrap_servers": "one"}, "kafka.bootstrap_servers"),
        ({"kafka__bootstrap_servers": "one:9092, two:9092"}, "kafka.bootstrap_servers"),
        ({"kafka__security_protocol": "TLS"}, "kafka.security_protocol"),
        ({"kafka__security_protocol": "SASL_SSL"}, "sasl_username and sasl_password"),
        ({"kafka__ssl_key_file": "key.pem"}, "ssl_certificate_file and ssl_key_file"),
        ({"kafka__max_request_bytes": "2048"}, "max_request_bytes"),
        ({"kafka__topics__replication_factor": "1"}, "min_insync_replicas"),
        ({"consumers__workers": "0"}, "consumers.workers"),
        ({"consumers__group_id": "our group"}, "consumers.group_id"),
        ({"consumers__heartbeat_interval_seconds": "8"}, "heartbeat_interval_seconds"),
        ({"consumers__revoke_timeout_seconds": "60"}, "revoke_timeout_seconds"),
        ({"consumers__join_timeout_seconds": "15"}, "join_timeout_seconds"),
        ({"consumers__retry_min_seconds": "5"}, "retry_min_seconds"),
        ({"consumers__retires": "5"}, "consumers.retires"),
    ],
)
def test_a_bad_one_refuses_the_start_by_name(changed: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=named):
        settings(**changed)


def test_a_password_is_never_shown() -> None:
    kafka = settings(
        kafka__security_protocol="SASL_SSL", kafka__sasl_username="library", kafka__sasl_password="hunter2"
    ).kafka

    assert "hunter2" not in repr(kafka)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"security_protocol": "PLAINTEXT"}),
        ({"kafka__security_protocol": "SSL"}, {"security_protocol": "SSL"}),
        (
            {
                "kafka__security_protocol": "SASL_SSL",
                "kafka__sasl_username": "library",
                "kafka__sasl_password": "hunter2",
            },
            {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": "library",
                "sasl_plain_password": "hunter2",
            },
        ),
        (
            {
                "kafka__security_protocol": "SASL_PLAINTEXT",
                "kafka__sasl_mechanism": "PLAIN",
                "kafka__sasl_username": "library",
                "kafka__sasl_password": "hunter2",
            },
            {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"},
        ),
    ],
)
def test_every_client_connects_in_the_same_secured_way(
    changed: dict[str, str], expected: dict[str, Any]
) -> None:
    from library_adapters.kafka.clients import connection_options

    options = connection_options(settings(**changed).kafka)

    assert expected.items() <= options.items()
    secured = expected["security_protocol"].endswith("SSL")
    assert isinstance(options["ssl_context"], ssl.SSLContext if secured else type(None))


def test_groups_have_ids_of_their_own_and_payments_keeps_the_one_it_had() -> None:
    assert {group.group_id: group.topics for group in groups_of("library-service")} == {
        "library-service": ("payment-events", "account-events"),
        "library-service.catalog": ("catalog-events",),
        "library-service.downloads": ("download-events",),
    }


def test_only_the_named_groups_are_joined() -> None:
    names = (GroupName.DOWNLOADS, GroupName.PAYMENTS)

    assert [group.group_id for group in groups_of("ours", names)] == ["ours", "ours.downloads"]
