"""Hold on Catalog: what its games look like, asked over gRPC (contract 4.1)."""
