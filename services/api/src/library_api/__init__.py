"""REST and WebSocket door."""
