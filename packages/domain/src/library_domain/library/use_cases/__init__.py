"""One file per use case; this folder is the list of features."""
