"""In-memory stand-ins for ports; each passes the conformance suite of its port in tests/contract."""
