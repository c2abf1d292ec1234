"""What a user owns: rights, the rows of their library, access."""
