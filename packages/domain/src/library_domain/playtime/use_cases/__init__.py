"""What can be done with sessions and asked of playtime; a start, which concerns the library too, is a flow."""
