"""Events of other services: what they look like on the wire, and what we do about them. One module per topic."""
