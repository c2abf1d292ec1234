"""aiokafka and FastStream clients made from settings, in one place."""

import logging
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from faststream.kafka.prometheus import KafkaPrometheusMiddleware
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry

from library_adapters.kafka.settings import ConsumerSettings, KafkaSettings

_SASL = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
_TRACE_CONTEXT = frozenset({"traceparent", "tracestate"})
# Not FastStream's own, which brings a handler along.
_errors_only = logging.getLogger(f"{__name__}.faststream")
_errors_only.setLevel(logging.ERROR)
_GRACE_SECONDS = 3.0
"""FastStream waits for handlers this long; ours are finished before it is asked to stop."""


def make_producer(settings: KafkaSettings) -> AIOKafkaProducer:
    """Return a producer that is not started yet. Construct it inside the running event loop."""
    return AIOKafkaProducer(
        **connection_options(settings),
        acks="all",
        enable_idempotence=settings.enable_idempotence,
        max_request_size=settings.max_request_bytes,
    )


def make_admin(settings: KafkaSettings) -> AIOKafkaAdminClient:
    """Return an admin client that is not started yet. Construct it inside the running event loop."""
    return AIOKafkaAdminClient(**connection_options(settings))


def make_reader(settings: KafkaSettings) -> AIOKafkaConsumer:
    """Return a consumer without a group, not started yet. Construct it inside the running event loop."""
    return AIOKafkaConsumer(
        **connection_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )


def make_broker(
    settings: KafkaSettings,
    consumers: ConsumerSettings,
    *,
    registry: CollectorRegistry,
    tracer_provider: TracerProvider,
) -> KafkaBroker:
    """Return a broker that only consumes: what we produce has a producer of its own (see `producer`).

    FastStream neither acknowledges nor parses here: its `ack()` commits whatever was fetched, and its parser fails
    on a header that is no UTF-8 before any policy hears of it (reliability, row 14).

    Its requests may take longer than other clients': one of them joins the group, and the broker answers it only
    when every member has come, or the rebalance timeout is over.
    """
    return KafkaBroker(
        settings.bootstrap_servers.split(","),
        client_id=settings.client_id,
        request_timeout_ms=milliseconds(
            consumers.rebalance_timeout_seconds + settings.request_timeout_seconds
        ),
        security=_security(settings),
        consumer_only=True,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.MANUAL,
        parser=_parse,
        decoder=_raw_record,
        middlewares=(
            KafkaTelemetryMiddleware(tracer_provider=tracer_provider),
            KafkaPrometheusMiddleware(registry=registry, app_name="library-service"),
        ),
        graceful_timeout=_GRACE_SECONDS,
        apply_types=False,
        # Above its two lines for each message: what its loop swallows is logged nowhere else.
        logger=_errors_only,
    )


async def _parse(record: ConsumerRecord[bytes | None, bytes | None]) -> KafkaMessage:
    """Make FastStream's message of a record, whatever its headers are; only the trace context is read from them."""
    place = f"{record.topic}-{record.partition}-{record.offset}"
    return KafkaMessage(
        raw_message=record,
        body=record.value or b"",
        # Not `baggage`, of which OpenTelemetry would log whatever a producer sends.
        headers={
            name: value.decode("ascii", "replace")
            for name, value in record.headers
            if name in _TRACE_CONTEXT and value is not None
        },
        correlation_id=place,
        message_id=place,
        consumer=FAKE_CONSUMER,
    )


async def _raw_record(message: KafkaMessage) -> object:
    return message.raw_message


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return what every client of aiokafka is connected with."""
    return {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": settings.client_id,
        "request_timeout_ms": milliseconds(settings.request_timeout_seconds),
        **parse_security(_security(settings)),
    }


def _security(settings: KafkaSettings) -> BaseSecurity:
    context = settings.ssl_context()
    if not settings.security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context)
    if settings.sasl_username is None or settings.sasl_password is None:
        raise ValueError("sasl_username and sasl_password are needed for SASL")
    return _SASL[settings.sasl_mechanism](
        settings.sasl_username, settings.sasl_password.get_secret_value(), ssl_context=context
    )


def milliseconds(seconds: float) -> int:
    """Return what Kafka's clients call a time."""
    return int(seconds * 1000)
