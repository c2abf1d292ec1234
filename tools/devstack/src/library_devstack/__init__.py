"""The embedded stack, the platform stand-ins and the demo."""
