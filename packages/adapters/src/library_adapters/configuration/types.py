"""Types of settings that recur. Limits are `pydantic.Field` metadata: the dataclasses stay plain."""

from typing import Annotated

from pydantic import Field, SecretStr

Secret = SecretStr
"""A value that no repr, log or error shows; `get_secret_value()` gives it."""

Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; 0 lets the system choose one."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]
"""A positive duration in seconds, at most a day."""

URL = Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$")]
"""An http or https address."""
