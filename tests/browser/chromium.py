"""Headless Chromium for tests of pages: starting it, the colours and size of its window, and a check by axe-core."""

import os
import shutil
import sys

try:
    from selenium import webdriver
except ImportError:
    print("python3-selenium is missing")
    sys.exit(77)


def check(condition, text):
    if not condition:
        sys.exit("page.py: " + text)


def chromium(*arguments, downloads=None):
    """The browser; exits with 77 if it is missing. `downloads` is the folder of the files that its user saves."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        print("chromium or chromedriver is missing")
        sys.exit(77)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", *arguments):
        options.add_argument("--" + argument)
    if downloads:
        options.add_experimental_option("prefs", {"download.default_directory": downloads})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=webdriver.chrome.service.Service(driver), options=options)


def set_colours(chrome, scheme):
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})


def set_size(chrome, width, height):
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})


def check_width(chrome, width):
    wide = chrome.execute_script("return document.documentElement.scrollWidth")
    check(wide <= width, f"the page is {wide} pixels wide in a window of {width}")


def check_accessibility(chrome, axe, what):
    """What axe-core (the file `axe`) finds wrong with the page as it is. Without that file nothing is checked."""
    if not os.path.isfile(axe):
        return
    with open(axe, encoding="utf-8") as file:
        chrome.execute_script(file.read())
    found = chrome.execute_script("return axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)")
    text = [f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes'][:3]]}" for v in found]
    check(not found, f"{what}: axe-core finds {text}")
    print(f"axe-core finds nothing: {what}")
