from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library_devstack.sample import Dataset, SampleMissing, chance
from library_devstack.sample.assemble import assemble, choose
from library_devstack.sample.dataset import OWN_SAMPLE, title_key
from library_devstack.sample.purchases import purchases_of

STORE = """app_id,title,tags,windows,macos,linux,released,discount_percent,price_usd
20,Portal II™,,1,1,0,"Apr 18, 2011",0,9.99
30,Dota 2,,1,0,1,"Jul 9, 2013",0,Free To Play
"""
PLAYS = """user_id,title,hours_played
1,Portal: II,12.5
1,DOTA 2,100.0
2,Never Sold,1.0
"""


@pytest.fixture
def public_data(tmp_path: Path) -> Path:
    (tmp_path / "steam-store.csv").write_text(STORE)
    (tmp_path / "steam-plays.csv").write_text(PLAYS)
    return tmp_path


@pytest.fixture(scope="module")
def own() -> Dataset:
    return Dataset.read()


class TestAssemble:
    def test_finds_titles_in_the_store_whatever_their_case_and_punctuation(self, public_data: Path) -> None:
        games = assemble(public_data).games

        portal = games["Portal: II"]
        assert (portal.price, portal.platforms, portal.released.isoformat()) == (
            Decimal("9.99"),
            ("windows", "macos"),
            "2011-04-18",
        )

    def test_takes_words_for_a_price_of_zero(self, public_data: Path) -> None:
        assert assemble(public_data).games["DOTA 2"].price == 0

    def test_adds_up_plays_that_the_source_has_twice(self, public_data: Path) -> None:
        with (public_data / "steam-plays.csv").open("a") as file:
            file.write("1,DOTA 2,0.5\n")

        plays = assemble(public_data).libraries["1"]

        assert [(play.title, play.hours) for play in plays] == [
            ("Portal: II", Decimal("12.5")),
            ("DOTA 2", Decimal("100.5")),
        ]

    def test_generates_the_same_facts_each_time(self, public_data: Path) -> None:
        assert assemble(public_data) == assemble(public_data)

    def test_names_the_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(SampleMissing, match=r"steam-store\.csv is not there; .*--data"):
            assemble(tmp_path)

    def test_names_the_columns_that_are_not_there(self, public_data: Path) -> None:
        (public_data / "steam-plays.csv").write_text("user_id\n1\n")

        with pytest.raises(SampleMissing, match="lacks the columns hours_played, title"):
            assemble(public_data)


class TestOwnSample:
    def test_has_300_players_and_some_big_libraries(self, own: Dataset) -> None:
        sizes = [len(plays) for plays in own.libraries.values()]

        assert len(sizes) == 300
        assert sum(size >= 100 for size in sizes) >= 12
        assert max(sizes) >= 498

    def test_describes_every_game_that_is_owned(self, own: Dataset) -> None:
        assert {play.title for plays in own.libraries.values() for play in plays} <= set(own.games)
        assert {game.parent for game in own.games.values() if game.parent} <= set(own.games)

    def test_gives_every_game_an_id_of_its_own(self, own: Dataset) -> None:
        assert len({game.game_id for game in own.games.values()}) == len(own.games)

    def test_is_written_as_it_was_read(self, own: Dataset, tmp_path: Path) -> None:
        own.write(tmp_path)

        for name in ("games.csv", "plays.csv"):
            assert (tmp_path / name).read_bytes() == (OWN_SAMPLE / name).read_bytes()

    def test_is_what_the_public_data_make(self, own: Dataset) -> None:
        public = Path(__file__).parents[3] / "shared" / "data"
        if not public.is_dir():
            pytest.skip("the public data are not beside the repository")

        assert choose(assemble(public)) == own


class TestPurchases:
    def test_make_exactly_the_rows_of_the_data_set(self, own: Dataset) -> None:
        products = [
            product
            for player in own.libraries
            for purchase in purchases_of(own, player)
            for product in purchase.products
        ]

        assert len(products) == len(set(products)) == own.purchases

    def test_have_the_same_ids_however_many_players_are_loaded(self, own: Dataset) -> None:
        player = next(iter(own.libraries))

        alone = list(purchases_of(own.first(1), player))

        assert alone == list(purchases_of(own, player))

    def test_come_in_the_order_of_time(self, own: Dataset) -> None:
        player = next(iter(own.libraries))

        times = [purchase.event["timestamp"] for purchase in purchases_of(own, player)]

        assert times == sorted(times)


class TestChance:
    @given(st.text())
    def test_always_says_the_same(self, about: str) -> None:
        assert chance.pick(about, range(10)) == chance.pick(about, range(10))

    def test_happens_about_as_often_as_it_should(self) -> None:
        happened = sum(chance.happens(f"event {number}", probability=0.3) for number in range(10_000))

        assert 2_800 < happened < 3_200


class TestTitleKey:
    @pytest.mark.parametrize(
        ("title", "same"),
        [("The Witcher® 3: Wild Hunt", "the witcher 3 wild hunt"), ("Ｆｕｌｌ", "full"), ("Ёлка!", "ёлка")],
    )
    def test_ignores_case_punctuation_and_width(self, title: str, same: str) -> None:
        assert title_key(title) == title_key(same)
