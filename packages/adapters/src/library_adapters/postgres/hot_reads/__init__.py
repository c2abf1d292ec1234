"""Reads by shared pipelined connections in batches; the plain way is `library_adapters.postgres.library_reader`."""
