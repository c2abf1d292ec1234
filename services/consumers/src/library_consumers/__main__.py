"""The commands of this image. Exit codes: 0 after a clean end, 2 for settings that are refused, else 1."""

import sys
from collections.abc import Sequence

from cyclopts import App

from library_consumers import process, topics
from library_consumers.bootstrap import open_consumers, open_relay
from library_consumers.settings import ConsumeProcessSettings, RelayProcessSettings, TopicsProcessSettings

app = App(
    name="library-consumers", help="Consumes events, and publishes the outbox.", result_action="return_value"
)
topics_app = App(name="topics", help="The topics of this service.")
app.command(topics_app)


@app.command
def consume() -> int:
    """Handle the events of other services until SIGTERM."""

    async def serve(settings: ConsumeProcessSettings) -> None:
        async with open_consumers(settings) as (consumers, management):
            await process.until_signalled(management, consumers.run)

    return process.run(ConsumeProcessSettings, lambda each: each.logs, serve, component="consumers")


@app.command
def relay() -> int:
    """Publish what the outbox holds until SIGTERM."""

    async def serve(settings: RelayProcessSettings) -> None:
        async with open_relay(settings) as (outbox_relay, management):
            await process.until_signalled(management, outbox_relay.run)

    return process.run(RelayProcessSettings, lambda each: each.logs, serve, component="relay")


@topics_app.command
def ensure() -> int:
    """Make the topics that are missing, and their dead-letter topics; those that exist stay as they are."""

    async def make(settings: TopicsProcessSettings) -> None:
        for line in await topics.ensure(settings.kafka):
            sys.stdout.write(f"{line}\n")

    return process.run(TopicsProcessSettings, lambda each: each.logs, make, component="consumers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    result = app(arguments)
    return result if isinstance(result, int) else process.OK  # help and version return nothing


if __name__ == "__main__":
    sys.exit(main())
