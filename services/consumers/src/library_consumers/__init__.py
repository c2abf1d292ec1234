"""Kafka consumers and outbox relay."""
