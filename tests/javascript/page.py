"""page.py TOOL SITE SOURCE SCRATCH AXE: opens the page of the folder SITE in headless Chromium, gives it the example photos,
and compares the faces with the tool's. Drops and pastes photos too. Leaves screenshots and times in SCRATCH. AXE is
axe.min.js; without that file, accessibility is not tested. Exits with 77 without Chromium or Selenium."""

import functools
import http.server
import json
import os
import statistics
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../browser"))
from chromium import check, check_accessibility, check_width, chromium, set_colours, set_size

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

tool, site, source, scratch, axe = map(os.path.abspath, sys.argv[1:6])
# The sums of WebAssembly are those of the scalar kernels. What is left is how the browser decodes photos.
largest_difference = 1e-6


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def scores_of_tool(photo):
    command = [tool, "score", "--face", "all", "--model", "tinyfqnet", "--isa", "scalar", "--format", "jsonl", photo]
    rows = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return [row for row in map(json.loads, rows) if "score" in row]


class Page:
    def __init__(self, chrome, url):
        self.chrome = chrome
        chrome.get(url)
        self.wait(lambda text: text.startswith("Ready"))

    def reload(self):
        self.chrome.refresh()
        self.wait(lambda text: text.startswith("Ready"))

    def status(self):
        return self.chrome.find_element(By.ID, "status").text

    def wait(self, done):
        WebDriverWait(self.chrome, 60).until(lambda _: done(self.status()))

    def give(self, path):
        self.chrome.find_element(By.ID, "file").send_keys(path)
        return self.said_of(os.path.basename(path))

    def said_of(self, name):
        self.wait(lambda text: text.startswith(name + ": "))
        return self.status()[len(name) + 2 :]

    def drag(self, kind, path):
        """What a file manager's user does over the page: kind is dragEnter, dragOver or drop."""
        self.chrome.execute_cdp_cmd("Input.dispatchDragEvent", {
            "type": kind, "x": 200, "y": 200, "data": {"items": [], "files": [path], "dragOperationsMask": 1}})

    def wait_over(self, over):
        """Until the frame shows, or no longer shows, that a photo can be dropped."""
        script = "return document.getElementById('drop').classList.contains('over')"
        WebDriverWait(self.chrome, 10).until(lambda chrome: chrome.execute_script(script) == over)

    def rows(self):
        """raw, quality and band of each face in the table."""
        found = []
        for row in self.chrome.find_elements(By.CSS_SELECTOR, "#faces tbody tr"):
            cells = [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
            found.append((float(row.get_attribute("data-raw")), int(cells[1]), cells[2]))
        return found


def check_photo(page, photo):
    """Returns the largest difference of a raw score."""
    said, expected = page.give(photo), scores_of_tool(photo)
    if not expected:
        check(said == "no face", f"{photo}: the page says {said!r}")
        return 0.0
    found = page.rows()
    check(len(found) == len(expected), f"{photo}: {len(found)} faces, the tool finds {len(expected)}")
    for (raw, quality, band), row in zip(found, expected):
        check((quality, band) == (row["quality"], row["band"]), f"{photo}: {quality} {band}, the tool: {row}")
    return max(abs(raw - row["score"]) for (raw, _, _), row in zip(found, expected))


def check_errors(page):
    text = os.path.join(scratch, "text.jpg")
    with open(text, "w") as file:
        file.write("not found\n")
    said = page.give(text)
    words = subprocess.run([tool, "score", text], capture_output=True, text=True).stdout
    check(said in words and "this is text, not an image" in said, f"text: {said!r}, the tool: {words!r}")
    said = page.give(source + "/tests/fixtures/image/empty.jpg")
    check("empty" in said, f"an empty file: {said!r}")


def check_orientations(page):
    sizes = {}
    for name in ("exif1.jpg", "exif3.jpg", "exif6.jpg", "exif8.jpg"):
        for shown in (name, name.replace(".jpg", "_expected.png")):
            page.give(f"{source}/tests/fixtures/image/{shown}")
            sizes[shown] = page.chrome.execute_script("return [canvas.width, canvas.height]")
        check(sizes[name] == sizes[shown], f"{name}: {sizes[name]}, upright {sizes[shown]}")
    check(sizes["exif1.jpg"] == sizes["exif6.jpg"][::-1], f"no photo was turned: {sizes}")


def check_camera(page):
    page.chrome.find_element(By.ID, "camera").click()
    WebDriverWait(page.chrome, 20).until(lambda _: page.chrome.find_element(By.ID, "snap").is_displayed())
    page.chrome.find_element(By.ID, "snap").click()
    page.wait(lambda text: text.startswith("the camera's photo: "))


def check_drop(page):
    photo = source + "/examples/photos/astronaut.jpg"
    page.give(source + "/examples/photos/coffee.jpg")
    page.drag("dragEnter", photo)
    page.drag("dragOver", photo)
    page.wait_over(True)
    page.chrome.save_screenshot(f"{scratch}/drag.png")
    page.drag("drop", photo)
    said = page.said_of("astronaut.jpg")
    expected = scores_of_tool(photo)[0]
    check(said == f"quality {expected['quality']}, {expected['band']}", f"a dropped photo: {said!r}, the tool: {expected}")
    check(page.chrome.find_element(By.ID, "file").get_attribute("value") == "", "the field names another photo than the dropped one")
    page.wait_over(False)
    page.drag("dragEnter", photo)
    page.drag("dragOver", photo)
    page.wait_over(True)
    # (DevTools' dragCancel sends the page nothing.)
    page.chrome.execute_script("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true }))")
    page.wait_over(False)


def check_paste(page):
    """Copies the photo that is shown, by the browser's clipboard, and pastes it by the keyboard."""
    page.give(source + "/examples/photos/astronaut.jpg")
    before = page.rows()
    page.chrome.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    copied = page.chrome.execute_async_script("""
      const done = arguments[arguments.length - 1];
      (async () => {
        const photo = await createImageBitmap(document.getElementById("file").files[0]);
        const copy = new OffscreenCanvas(photo.width, photo.height);
        copy.getContext("2d").drawImage(photo, 0, 0);
        await navigator.clipboard.write([new ClipboardItem({ "image/png": await copy.convertToBlob() })]);
        done("");
      })().catch((error) => done(error.message));""")
    check(copied == "", f"copying: {copied}")
    page.give(source + "/examples/photos/coffee.jpg")
    page.chrome.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, "v")
    page.said_of("image.png")
    check(page.rows() == before, f"a pasted photo: {page.rows()}, from its file {before}")


def spoken(page):
    """Role and name of everything that a screen reader meets, in order."""
    nodes = page.chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]


def check_screen_reader(page):
    page.give(source + "/examples/photos/group.jpg")
    faces = len(page.rows())
    met = spoken(page)
    for wanted in [("heading", "How good is the photo of a face?"), ("button", "Choose a photo"), ("button", "Use the camera"),
                   ("status", ""), ("StaticText", f"group.jpg: {faces} faces"), ("image", f"The photo with {faces} faces"),
                   ("table", "Faces, largest first"), ("columnheader", "Quality")]:
        check(wanted in met, f"a screen reader does not meet {wanted}; it meets {met}")
    live = page.chrome.find_element(By.ID, "status").get_attribute("aria-live")
    check(live == "polite", "the result is not said when it comes")


def check_keyboard(page):
    """Tab goes through what can be used, in the order of the page, and shows where it is."""
    page.reload()
    for wanted in ("file", "camera"):
        ActionChains(page.chrome).send_keys(Keys.TAB).perform()
        at = page.chrome.switch_to.active_element
        check(at.get_attribute("id") == wanted, f"Tab goes to {at.get_attribute('id')!r}, not to {wanted}")
        width = at.value_of_css_property("outline-width")
        check(width == "3px" and at.value_of_css_property("outline-style") == "solid", f"{wanted} has no frame: {width}")


def check_looks(page):
    """Light and dark, wide and narrow."""
    photo = source + "/examples/photos/group.jpg"
    backgrounds = set()
    for scheme in ("light", "dark"):
        set_colours(page.chrome, scheme)
        for width in (1000, 390):
            set_size(page.chrome, width, 1000)
            page.reload()
            page.give(photo)
            page.chrome.save_screenshot(f"{scratch}/{scheme}_{width}.png")
            check_width(page.chrome, width)
            check_accessibility(page.chrome, axe, f"{scheme}, {width} pixels wide")
        backgrounds.add(page.chrome.find_element(By.TAG_NAME, "body").value_of_css_property("background-color"))
    check(len(backgrounds) == 2, f"dark and light look the same: {backgrounds}")


def measure(page):
    """Times of the faces of group.jpg in this browser's worker, in milliseconds."""
    script = """
      const done = arguments[arguments.length - 1];
      (async () => {
        const { Scorer } = await import("./tinyfiqa/worker.js");
        const blob = element.files[0], scorer = await Scorer.create({ faces: "all" });
        const faces = [], detect = [];
        for (let i = 0; i < 15; ++i) {
          await scorer.scoreAll(blob);
          if (i >= 3) faces.push(...scorer.times.faces), detect.push(scorer.times.detect);
        }
        scorer.close();
        done({ faces, detect });
      })().catch((error) => done({ error: error.message }));"""
    page.give(source + "/examples/photos/group.jpg")
    times = page.chrome.execute_async_script(script.replace("element", "document.getElementById('file')"))
    check("error" not in times, f"measuring: {times}")
    for name, values in times.items():
        values.sort()
        print(f"{name}: median {statistics.median(values):.2f} ms, {values[0]:.2f} to {values[-1]:.2f}")


def main():
    os.makedirs(scratch, exist_ok=True)
    chrome = chromium("window-size=1000,1000", "use-fake-device-for-media-stream", "use-fake-ui-for-media-stream")
    try:
        chrome.set_script_timeout(120)
        page = Page(chrome, serve())
        worst = 0.0
        for folder in ("photos", "faces"):
            for name in sorted(os.listdir(f"{source}/examples/{folder}")):
                if not name.endswith(".jpg"):
                    continue
                difference = check_photo(page, f"{source}/examples/{folder}/{name}")
                print(f"{folder}/{name}: {difference:.1e}")
                worst = max(worst, difference)
                chrome.save_screenshot(f"{scratch}/{folder}_{name[:-4]}.png")
        check(worst <= largest_difference, f"raw scores differ by {worst}")
        check_errors(page)
        chrome.save_screenshot(f"{scratch}/error.png")
        check_orientations(page)
        check_camera(page)
        chrome.save_screenshot(f"{scratch}/camera.png")
        check_drop(page)
        check_paste(page)
        check_screen_reader(page)
        check_keyboard(page)
        measure(page)
        check_looks(page)
        logs = [log for log in chrome.get_log("browser") if log["level"] == "SEVERE"]
        check(not logs, f"the browser complains: {logs}")
    finally:
        chrome.quit()


main()
