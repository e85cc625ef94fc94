"""What a person sees: Airflow's UI and the API's documentation in a real, headless browser.

    python bench/browser.py SOLVE_ID [--out docs/images]

Logs in to the Airflow of the running installation, opens Graph, Grid and the trigger form of the
Solve, and the API's documentation, and writes a picture of each. Needs Debian's `chromium`.
"""

from __future__ import annotations

import argparse
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Page, sync_playwright

from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Where the browser is; None when it is not installed."""
    return shutil.which("chromium")


@contextmanager
def logged_in(config: Settings) -> Iterator[Page]:
    """A page that is logged in to Airflow's UI."""
    password = (config.secrets / "airflow_admin_password").read_text().strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        page = browser.new_page(viewport={"width": 1500, "height": 850})
        page.goto(f"{config.airflow}/")
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_url(f"{config.airflow}/**", wait_until="domcontentloaded")
        page.get_by_text("Dags", exact=True).first.wait_for()
        yield page
        browser.close()


def pictures(config: Settings, solve_id: str, out: Path) -> None:
    """Write one PNG for each view."""
    out.mkdir(parents=True, exist_ok=True)
    run = f"{config.airflow}/dags/solve/runs/{solve_id}"
    with logged_in(config) as page:
        for name, address in (
            ("graph", run),
            ("task", f"{run}/tasks/round_1.critic"),
            ("grid", run),
            ("api", f"{config.api}/docs"),
        ):
            page.goto(address)
            page.wait_for_timeout(4000)
            if name in {"graph", "grid"}:
                page.locator(f"[value={name}]").first.click()
                expand = page.get_by_label("Expand all task groups").first
                if expand.is_enabled():
                    expand.click()
                page.wait_for_timeout(3000)
            page.screenshot(path=out / f"{name}.png")
        page.goto(f"{config.airflow}/dags/solve")
        page.get_by_role("button", name="Trigger").first.click()
        page.wait_for_timeout(3000)
        page.screenshot(path=out / "trigger.png")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("solve_id")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    arguments = parser.parse_args()
    pictures(Settings(), arguments.solve_id, arguments.out)


if __name__ == "__main__":
    main()
