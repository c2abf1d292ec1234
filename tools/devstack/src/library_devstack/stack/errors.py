"""What can go wrong while the stack starts or stops. The command line prints the message and leaves with code 1."""


class StackError(Exception):
    """Base of everything that this package anticipates."""


class NotHealthy(StackError):
    """A component does not answer its own protocol (yet)."""


class ComponentFailed(StackError):
    """A component ended, or did not become healthy in time; carries the end of its log."""

    def __init__(self, name: str, reason: str, log_tail: str) -> None:
        """Keep the parts apart for callers that print them differently."""
        super().__init__(f"{name} {reason}" + (f"; the end of its log:\n{log_tail}" if log_tail else ""))
        self.name = name
        self.reason = reason


class PortTaken(StackError):
    """A configured port is used by a process that is not ours."""

    def __init__(self, name: str, port: int) -> None:
        """Name the setting to change."""
        super().__init__(f"port {port}, configured for {name}, is already in use")


class StateLocked(StackError):
    """Another library-dev works on the same state directory."""


class StateUnreadable(StackError):
    """The state file is damaged, or was written by another version of this tool."""
