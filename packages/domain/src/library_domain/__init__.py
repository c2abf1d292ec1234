"""The rules of the Library Service."""
