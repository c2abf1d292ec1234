"""The body of `make bench`: the service under load beside its peers and its limits, and the page that tells of it."""
