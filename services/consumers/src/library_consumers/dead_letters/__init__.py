"""The commands `dlq`: dead letters listed, shown, published again, and deleted (contract 6)."""

from library_consumers.dead_letters.commands import cli

__all__ = ["cli"]
