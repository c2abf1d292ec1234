"""Hold on Catalog: what its games look like, asked over gRPC (contract 4.1).

`_generated` also has the stubs of Account, whose client comes with the first use case that asks it.
"""

from library_adapters.catalog.client import CatalogClient, open_catalog
from library_adapters.catalog.settings import CallLimits, CatalogSettings

__all__ = ["CallLimits", "CatalogClient", "CatalogSettings", "open_catalog"]
