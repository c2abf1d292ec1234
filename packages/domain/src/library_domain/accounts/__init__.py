"""The end of an account, as far as it concerns us (contract 4.7, data 29)."""
