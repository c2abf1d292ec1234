"""The body of `make run`: everything up, real players loaded through Kafka, the promises shown, then at your service."""

from library_devstack.demo.data import choose_data
from library_devstack.demo.probes import probe_purchase
from library_devstack.demo.run import run

__all__ = ["choose_data", "probe_purchase", "run"]
