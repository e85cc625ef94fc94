import re
from pathlib import Path

from calisota.system.config_docs import page

ROOT = Path(__file__).resolve().parents[2]


def test_the_configuration_page_is_made_from_the_settings():
    assert (ROOT / "docs" / "configuration.md").read_text() == page(), "run `make docs`"


def test_every_link_of_readme_and_docs_leads_somewhere():
    for page_file in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page_file.read_text()):
            assert (page_file.parent / target).exists(), f"{page_file.name}: {target}"
