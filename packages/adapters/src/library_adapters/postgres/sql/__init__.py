"""Named statements, one file per table family."""
