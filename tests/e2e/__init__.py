"""A package for pytest, so that a fixture can live as long as the tests of this directory and no longer."""
