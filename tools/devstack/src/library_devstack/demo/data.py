"""Which players a run is about."""

from pathlib import Path

from library_devstack.sample import Dataset, SampleMissing
from library_devstack.sample.assemble import PLAYS, STORE, assemble
from library_devstack.stack import StackError

ALL = "all"


def choose_data(players: str, public_data: Path | None) -> tuple[Dataset, bool]:
    """Return the data set for `players` (a number, or all), and whether it is from the whole public data.

    Raises StackError for anything else, SampleMissing when the public data are needed and not there.
    """
    if players != ALL and not (players.isdecimal() and int(players) > 0):
        raise StackError(f"--players {players}: a positive number, or {ALL}")
    own = Dataset.read()
    if players != ALL and int(players) <= len(own.libraries):
        return own.first(int(players)), False
    if public_data is None:
        raise SampleMissing(
            f"{players} players need the public data, of which {len(own.libraries)} are shipped: name the directory of "
            f"{PLAYS} and {STORE} with --data (make run: DATA=)"
        )
    whole = assemble(public_data)
    return (whole if players == ALL else whole.first(int(players))), True
