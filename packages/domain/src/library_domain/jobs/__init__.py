"""Work that is done later, in steps, by one runner at a time (data 20)."""
