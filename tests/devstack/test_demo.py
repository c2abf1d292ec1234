from pathlib import Path

import pytest

from library_devstack import access
from library_devstack.demo import choose_data
from library_devstack.sample import SampleMissing
from library_devstack.stack import StackError
from library_grpc._generated.library.v1 import CheckGameAccessRequest, CheckGameAccessResponse


class TestMessages:
    def test_are_the_ones_of_the_contract_on_the_wire(self) -> None:
        ours = access.CheckGameAccessRequest(user_id="u", game_id="g")
        answer = access.CheckGameAccessResponse(has_access=True, access_type="owned", reason="r")

        assert bytes(ours) == bytes(CheckGameAccessRequest(user_id="u", game_id="g"))
        assert bytes(answer) == bytes(
            CheckGameAccessResponse(has_access=True, access_type="owned", reason="r")
        )


class TestChooseData:
    def test_takes_the_first_players_of_the_own_sample(self, tmp_path: Path) -> None:
        dataset, whole = choose_data("3", tmp_path)

        assert len(dataset.libraries) == 3
        assert not whole

    @pytest.mark.parametrize("players", ["all", "301"])
    def test_needs_the_public_data_for_more(self, tmp_path: Path, players: str) -> None:
        with pytest.raises(SampleMissing, match="--data"):
            choose_data(players, None)
        with pytest.raises(SampleMissing, match="--data"):
            choose_data(players, tmp_path)

    @pytest.mark.parametrize("players", ["0", "-1", "some", "1.5"])
    def test_refuses_what_is_no_number_of_players(self, tmp_path: Path, players: str) -> None:
        with pytest.raises(StackError, match=f"--players {players}"):
            choose_data(players, tmp_path)
