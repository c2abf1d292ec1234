"""How text is compared. We normalise it ourselves: no database collation is relied on (data 16)."""

import unicodedata


def sort_name(name: str) -> str:
    """Return the key by which names are sorted and searched: NFKC, casefold, ё as е, spaces collapsed."""
    folded = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    return " ".join(folded.split())
