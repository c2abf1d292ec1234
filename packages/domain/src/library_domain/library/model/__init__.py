"""Rights to games, the entries that show them, their installations, and the categories that a user files them under."""

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
    LibraryEntry,
)
from library_domain.library.model.installation import (
    PLAYABLE,
    DeviceInstallation,
    DownloadReport,
    Files,
    GameInstallations,
    InstallationStatus,
)
from library_domain.library.model.refund import Refund, Refunds
from library_domain.library.model.rights import (
    Access,
    AccessVerdict,
    AcquisitionType,
    CopyUse,
    Grant,
    Loss,
    Refusal,
    Shown,
    Via,
    access_ends,
    best,
    decide_access,
    shown,
    source_of_subscription,
    source_of_transaction,
)
from library_domain.library.model.shelf import (
    InstallationSummary,
    Shelf,
    discrepancies,
)
from library_domain.library.model.subscription import (
    MAX_SUBSCRIPTION_GAMES,
    HeldRight,
    Subscription,
    SubscriptionStatus,
)

__all__ = [
    "MAX_CATEGORIES",
    "MAX_CATEGORIES_PER_GAME",
    "MAX_NOTES",
    "MAX_SUBSCRIPTION_GAMES",
    "PLAYABLE",
    "Access",
    "AccessVerdict",
    "AcquisitionType",
    "Categories",
    "Category",
    "CopyUse",
    "DeviceInstallation",
    "DownloadReport",
    "Files",
    "GameInstallations",
    "Grant",
    "HeldRight",
    "InstallationStatus",
    "InstallationSummary",
    "LibraryEntry",
    "Loss",
    "Refund",
    "Refunds",
    "Refusal",
    "Shelf",
    "Shown",
    "Subscription",
    "SubscriptionStatus",
    "Via",
    "access_ends",
    "best",
    "category_key",
    "category_name",
    "decide_access",
    "discrepancies",
    "shown",
    "source_of_subscription",
    "source_of_transaction",
]
