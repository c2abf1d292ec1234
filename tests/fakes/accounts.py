"""Account in memory."""

from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.ids import UserId


class FakeAccounts:
    """Knows everybody but the `unknown`; `away = True` makes it stop answering."""

    def __init__(self, *unknown: UserId) -> None:
        self.unknown = set(unknown)
        self.away = False
        self.questions: list[UserId] = []

    async def exists(self, user_id: UserId) -> bool:
        self.questions.append(user_id)
        if self.away:
            raise DependencyUnavailable("account")
        return user_id not in self.unknown
