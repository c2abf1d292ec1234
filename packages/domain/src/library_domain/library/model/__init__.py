"""Rights to games, the entries that show them, and the categories that a user files them under."""

from library_domain.library.model.category import (
    MAX_CATEGORIES,
    Categories,
    Category,
    category_key,
    category_name,
)
from library_domain.library.model.entry import (
    MAX_CATEGORIES_PER_GAME,
    MAX_NOTES,
    PLAYABLE,
    InstallationStatus,
    LibraryEntry,
)
from library_domain.library.model.rights import (
    AccessVerdict,
    AcquisitionType,
    Grant,
    Refusal,
    Via,
    access_ends,
    best,
    decide_access,
)

__all__ = [
    "MAX_CATEGORIES",
    "MAX_CATEGORIES_PER_GAME",
    "MAX_NOTES",
    "PLAYABLE",
    "AccessVerdict",
    "AcquisitionType",
    "Categories",
    "Category",
    "Grant",
    "InstallationStatus",
    "LibraryEntry",
    "Refusal",
    "Via",
    "access_ends",
    "best",
    "category_key",
    "category_name",
    "decide_access",
]
