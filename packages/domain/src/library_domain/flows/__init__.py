"""Use cases that concern several slices; only these import more than one."""
