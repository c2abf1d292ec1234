"""Stand-ins for the rest of the platform: token issuer, Catalog, Account."""
