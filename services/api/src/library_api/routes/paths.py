"""Where things are (contract 2). The spec's examples spell some paths in a second way; one handler serves both."""

from typing import Annotated

from litestar.params import PathParameter

BASE = "/api/v1/library"
GAME = [f"{BASE}/{{game_id:str}}", f"{BASE}/games/{{game_id:str}}"]
PLAYTIME = f"{BASE}/playtime"
SESSION_OF_GAME = f"{BASE}/games/{{game_id:str}}/session"

GamePath = Annotated[str, PathParameter(description="The game.", schema_extra={"format": "uuid"})]
CategoryPath = Annotated[str, PathParameter(description="The category.", schema_extra={"format": "uuid"})]
UserPath = Annotated[str, PathParameter(description="The user.", schema_extra={"format": "uuid"})]
