"""Hold on Catalog: what its games look like, asked over gRPC (contract 4.1)."""

from library_adapters.catalog.client import CatalogClient, open_catalog
from library_adapters.catalog.settings import CatalogSettings

__all__ = ["CatalogClient", "CatalogSettings", "open_catalog"]
