"""Real players and games: the project's own sample, and the way from the public data to it and to purchase events."""

from library_devstack.sample.dataset import Dataset, Game, Play, SampleMissing

__all__ = ["Dataset", "Game", "Play", "SampleMissing"]
