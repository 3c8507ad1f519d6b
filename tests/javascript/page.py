"""page.py TOOL SITE SOURCE SCRATCH: opens the page of the folder SITE in headless Chromium, gives it the example photos, and
compares the faces with the tool's. Leaves screenshots and times in SCRATCH. Exits with 77 without Chromium or Selenium."""

import functools
import http.server
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    print("python3-selenium is missing")
    sys.exit(77)

tool, site, source, scratch = map(os.path.abspath, sys.argv[1:5])
# The sums of WebAssembly are those of the scalar kernels. What is left is how the browser decodes photos.
largest_difference = 1e-6


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def browser():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        print("chromium or chromedriver is missing")
        sys.exit(77)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1000,1000",
                     "use-fake-device-for-media-stream", "use-fake-ui-for-media-stream"):
        options.add_argument("--" + argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=webdriver.chrome.service.Service(driver), options=options)


def scores_of_tool(photo):
    command = [tool, "score", "--face", "all", "--model", "tinyfqnet", "--isa", "scalar", "--format", "jsonl", photo]
    rows = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return [row for row in map(json.loads, rows) if "score" in row]


class Page:
    def __init__(self, chrome, url):
        self.chrome = chrome
        chrome.get(url)
        self.wait(lambda text: text.startswith("Ready"))

    def status(self):
        return self.chrome.find_element(By.ID, "status").text

    def wait(self, done):
        WebDriverWait(self.chrome, 60).until(lambda _: done(self.status()))

    def give(self, path):
        name = os.path.basename(path)
        field = self.chrome.find_element(By.ID, "file")
        field.send_keys(path)
        self.wait(lambda text: text.startswith(name + ": "))
        return self.status()[len(name) + 2 :]

    def rows(self):
        """raw, quality and band of each face in the table."""
        found = []
        for row in self.chrome.find_elements(By.CSS_SELECTOR, "#faces tbody tr"):
            cells = [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
            found.append((float(row.get_attribute("data-raw")), int(cells[1]), cells[2]))
        return found


def check(condition, text):
    if not condition:
        sys.exit("page.py: " + text)


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
    chrome = browser()
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
        measure(page)
        logs = [log for log in chrome.get_log("browser") if log["level"] == "SEVERE"]
        check(not logs, f"the browser complains: {logs}")
    finally:
        chrome.quit()


main()
