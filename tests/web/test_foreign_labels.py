"""The page of a room with a model of somebody else: its labels, titles, colours and symbols."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from ser_track.config.schema import Config, PipelineConfig
from ser_track.labels import LabelSet
from ser_track.models.emotion import EmotionModel
from tests.helpers.browser import join, launched
from tests.helpers.foreign_models import BESIDE, MOODS, write_moods
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.browser
RESULT_MS = 20_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_moods(tmp_path_factory.mktemp("moods"))


@pytest.fixture
def config(model: Path) -> Config:
    return replace(Config(), pipeline=PipelineConfig(model=str(model), min_confidence=0.0))


@pytest.fixture(scope="module")
def labels(model: Path) -> LabelSet:
    return EmotionModel.load(model).labels


async def test_the_page_shows_the_labels_of_the_model(server: Running, labels: LabelSet) -> None:
    wrong: list[str] = []
    async with launched(SPOKEN) as browser:
        page = await browser.new_page(color_scheme="dark")
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        await join(page, server.url, "talk", "Ada", consent=True)
        tile = page.locator("[data-participant][data-peer=self]")
        await expect(tile).not_to_have_attribute("data-final-count", "0", timeout=RESULT_MS)
        told = await tile.evaluate("""tile => ({
            label: tile.dataset.label,
            learning: tile.dataset.learning,
            head: tile.querySelector(".head strong").textContent,
            rows: [...tile.querySelectorAll(".bars li")].map((row) => ({
              name: row.dataset.label,
              title: row.querySelector(".label").textContent,
              path: row.querySelector(".symbol path").getAttribute("d"),
              colour: getComputedStyle(row.querySelector(".fill")).backgroundColor,
              share: row.querySelector(".value").textContent,
            })),
        })""")
        await tile.get_by_role("slider").press("ArrowLeft")
        await expect(tile.locator(".readout.looking")).to_contain_text(re.compile(r"tense \d+ %|no speech"))
    assert wrong == []
    assert told["label"] in MOODS
    assert told["learning"] == "false", "it does not adapt to voices, so it has no first impressions"
    assert [row["name"] for row in told["rows"]] == list(MOODS)
    assert [row["title"] for row in told["rows"]] == [BESIDE["titles"].get(name, name) for name in MOODS]
    for row, label in zip(told["rows"], labels.labels, strict=True):
        red, green, blue = (int(label.colour.dark[at : at + 2], 16) for at in (1, 3, 5))
        assert (row["path"], row["colour"]) == (label.symbol.path, f"rgb({red}, {green}, {blue})")
    assert sum(int(row["share"].removesuffix(" %")) for row in told["rows"]) == pytest.approx(100, abs=3)
