"""An open report in headless Chromium, and what the tests do with it."""

import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../browser"))
from chromium import check, check_accessibility, check_width, chromium, set_colours, set_size

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select


def browser(downloads):
    chrome = chromium("window-size=1280,800", downloads=downloads)
    chrome.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    return chrome


class Page:
    """An open report."""

    def __init__(self, chrome, path):
        self.chrome = chrome
        chrome.get("about:blank")
        started = time.monotonic()
        chrome.get("file://" + path)
        self.script("return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));")
        self.open_s = time.monotonic() - started
        metrics = chrome.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        self.work_s = next(m["value"] for m in metrics if m["name"] == "TaskDuration")  # processor time of its thread
        logs = [log for log in chrome.get_log("browser") if log["level"] in ("SEVERE", "WARNING")]
        check(not logs, f"{path}: the browser complains: {logs}")

    def script(self, text, *values):
        return self.chrome.execute_script(text, *values)

    def id(self, name):
        return self.chrome.find_element(By.ID, name)

    def text(self, name):
        return self.id(name).text

    def set(self, name, value):
        """Sets a field as its user does, up to the events."""
        self.script("""const [field, value] = [document.getElementById(arguments[0]), arguments[1]];
            field.value = value;
            field.dispatchEvent(new Event("input", { bubbles: true }));
            field.dispatchEvent(new Event("change", { bubbles: true }));""", name, value)

    def choose(self, name, value):
        Select(self.id(name)).select_by_value(value)

    def names(self):
        return self.script("return shown.map(fullName)")

    def out(self):
        return self.script("return shown.filter((f) => cards[f.index].item.classList.contains('out')).map(fullName)")

    def focused(self):
        return self.script("return (({ activeElement: at }) => at.matches('#faces .card') ? fullName(faces[cards.findIndex((c) => c.button === at)]) : at.id)(document)")

    def press(self, *keys):
        for key in keys:
            self.chrome.switch_to.active_element.send_keys(key)

    def colours(self, scheme):
        set_colours(self.chrome, scheme)

    def size(self, width, height):
        set_size(self.chrome, width, height)

    def picture(self, path):
        time.sleep(0.3)
        self.chrome.save_screenshot(path)


def downloaded(folder):
    """The text of the only file that was saved, as bytes."""
    for _ in range(100):
        files = [f for f in glob.glob(folder + "/*") if not f.endswith(".crdownload")]
        if files:
            break
        time.sleep(0.1)
    check(len(files) == 1, f"{len(files)} files were saved, not one")
    with open(files[0], "rb") as file:
        content = file.read()
    os.remove(files[0])
    return content
