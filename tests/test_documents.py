"""README, docs and the files for contributors: links lead somewhere, and the glossary names what exists."""

import pkgutil
import re
from pathlib import Path

import pytest
import yaml

import ser_track
from tests.paths import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").rglob("*.md")]
PAGES += [ROOT / "training" / "README.md", ROOT / "ser_track" / "models" / "CARD.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROW = re.compile(r"^\| (?P<term>[^|]+) \|.*\| (?P<where>[^|]*) \|$", re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """Of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_each_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}, which does not exist"
        if anchor:
            assert anchor in anchors_of(target), f"{page.name} links to {link}, and {target.name} lacks that heading"


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").iterdir() if page.suffix in (".md", ".json")} - {"README.md"}
    assert [name for name in sorted(pages) if f"({name})" not in index] == []


def test_the_glossary_names_classes_functions_and_modules_that_exist() -> None:
    rows = ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    places = [place for _, where in rows for place in re.findall(r"`([^`]+)`", where)]
    assert len(places) > 40
    for place in places:
        assert pkgutil.resolve_name(f"{ser_track.__name__}.{place}") is not None, place


def test_the_glossary_explains_each_term_once() -> None:
    rows = ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    terms = [term.strip() for term, where in rows if not term.startswith("**")]
    assert len(terms) == len(set(terms))
    unplaced = [term for term, where in rows if not term.startswith(("**", "term", "---")) and "`" not in where]
    assert unplaced == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_no_page_names_a_folder_of_one_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/root/|/home/\w|/tmp/", text)
    if ROOT.parent != Path(ROOT.anchor):  # wherever this checkout lies
        assert f"{ROOT.parent}/" not in text


def test_what_hosted_services_read_is_valid_yaml() -> None:
    files = [*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"]
    assert len(files) >= 5
    for file in files:
        assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict)


def test_the_architecture_names_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    spans = re.findall(r"`([\w./-]+(?:\.(?:py|js|json)|/))`", text)
    assert len(spans) > 60
    for path in spans:
        places = (ROOT / "ser_track" / path, ROOT / path, ROOT / "static" / path)
        # In a list the folder stands only before the first file.
        found = any(place.exists() for place in places) or any(
            next((ROOT / folder).rglob(path.rstrip("/")), None) for folder in ("ser_track", "static")
        )
        assert found, f"docs/architecture.md names {path}, which does not exist"
