"""Events on their way out: written with the change, published afterwards, in order per user (data 18)."""
