"""gRPC door."""
