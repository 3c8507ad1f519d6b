"""page.py TOOL SOURCE SCRATCH AXE: writes reports of the example photos and uses them in headless Chromium. Leaves screenshots
in SCRATCH/screenshots. AXE is axe.min.js; without that file, accessibility is not tested. Exits with 77 without Chromium."""

import base64
import csv
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys

from browser import By, Keys, Page, browser, check, check_accessibility, check_width, downloaded

tool, source, scratch, axe = map(os.path.abspath, sys.argv[1:5])
shots, saved = scratch + "/screenshots", scratch + "/saved"


def run(*words, codes=(0, 1)):
    r = subprocess.run([tool, *words], capture_output=True, text=True)
    check(r.returncode in codes, f"{' '.join(words)}: exit status {r.returncode}: {r.stderr}")
    return r.stdout


def write_photos(folder):
    """The example photos, and files whose names are hostile. Returns the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("sub folder#1", "<"):
        os.makedirs(f"{folder}/{name}")
    for kind in ("photos", "faces"):
        for photo in os.listdir(f"{source}/examples/{kind}"):
            if photo.endswith(".jpg"):
                shutil.copy(f"{source}/examples/{kind}/{photo}", f"{folder}/{kind}_{photo}")
    hostile = f"{source}/examples/faces/astronaut_dark.jpg"
    for name in ('</script><b onclick="x">%41 & \'q\',;.jpg', "sub folder#1/two\nlines?.jpg", "ünïcödé 顔.jpg"):
        shutil.copy(hostile, f"{folder}/{name}")
    shutil.copy(hostile, os.fsencode(folder) + b"/not_utf8_\xff\xfe.jpg")
    with open(folder + "/broken.jpg", "w") as file:
        file.write("this is text")
    return folder


def data_of(path):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1))


def check_list(page, faces):
    check(len(page.chrome.find_elements(By.CSS_SELECTOR, "#faces > li")) == len(faces), "the list has other faces than the data")
    qualities = [int(value) for value in page.script("return [...document.querySelectorAll('#faces strong')].map((e) => e.textContent)")]
    check(qualities == sorted(qualities, reverse=True), f"not sorted best first: {qualities}")
    check(page.script("return document.querySelector('#faces b') === null"), "a name became markup")
    scored = [face for face in faces if "error" not in face]
    check(page.text("kept") == f"Kept {len(scored)} of {len(scored)} faces (100 %)", page.text("kept"))


def check_slider(page, faces):
    scored = [face for face in faces if "error" not in face]
    for threshold in (14, 50, 100, 0):
        page.set("threshold", str(threshold))
        kept = [face for face in scored if face["quality"] >= threshold]
        check(page.text("kept").startswith(f"Kept {len(kept)} of {len(scored)} faces"), f"{threshold}: {page.text('kept')}")
        check(len(page.out()) == len(faces) - len(kept), f"{threshold}: {len(page.out())} are grey")
        check(page.id("threshold-number").get_attribute("value") == str(threshold), "the number does not follow the slider")
    page.id("threshold").send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 20)
    check(page.id("threshold-number").get_attribute("value") == "20", "the slider does not follow the arrow keys")
    page.set("threshold-number", "30")
    check(page.id("threshold").get_attribute("value") == "30", "the slider does not follow the number")
    page.script("return new Promise((done) => setTimeout(done, 700))")
    said = page.script("const e = document.getElementById('kept-said'); return [e.textContent, e.getAttribute('aria-live')]")
    check(said == [page.text("kept"), "polite"], f"a screen reader hears {said}")


def check_filters(page, faces):
    page.set("threshold", "0")
    poor = [face for face in faces if face.get("band") == "poor"]
    for band in ("reject", "fair", "good", "unscored"):
        for box in page.chrome.find_elements(By.ID, "band-" + band):
            box.click()
    check(len(page.names()) == len(poor) > 0, f"{len(page.names())} of {len(poor)} poor faces")
    page.id("reset").click()
    dark = [face for face in faces if any(r["component"] == "under_exposure" for r in face.get("reasons", []))]
    page.choose("reason", "under_exposure")
    check(len(page.names()) == len(dark) > 0, f"{len(page.names())} of {len(dark)} dark faces")
    page.set("search", "ÜNÏCÖDÉ")
    check(page.names() == ["ünïcödé 顔.jpg"], f"the search finds {page.names()}")
    page.set("search", "no such name")
    check(page.names() == [] and page.id("none").is_displayed(), "nothing fits, and nothing says so")
    page.id("reset").click()
    page.set("threshold", "20")
    page.choose("show", "kept")
    check(len(page.names()) > 0 and page.out() == [], "faces left out are among the kept ones")
    page.set("threshold", "60")
    check(all(q >= 60 for q in page.script("return shown.map((face) => face.value)")), "the list does not follow the slider")
    page.id("reset").click()
    page.choose("sort", "name")
    paths = page.script("return shown.map((face) => face.path)")
    check(paths.index(f"{scratch}/photos/broken.jpg") < paths.index(f"{scratch}/photos/faces_astronaut.jpg"), f"not by name: {paths}")
    page.choose("sort", "worst")
    values = page.script("return shown.filter((face) => face.scored).map((face) => face.value)")
    check(values == sorted(values), f"not sorted worst first: {values}")
    page.choose("sort", "best")


def check_export(page, faces):
    page.set("threshold", "13")
    page.id("save").click()
    content = downloaded(saved)
    check(b"\r\n" in content and b"\n" not in content.replace(b"\r\n", b"").replace(b"two\nlines", b""), "lines do not end in CRLF")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    kept = [face for face in faces if face.get("quality", -1) >= 13]
    check(sorted(row["path"] for row in rows) == sorted(face["path"] for face in kept), "the list has other paths")
    check([int(row["quality"]) for row in rows] == sorted((f["quality"] for f in kept), reverse=True), "not in the order of the page")
    check(list(rows[0]) == ["path", "face", "quality", "band", "score", "reasons"], f"columns {list(rows[0])}")
    page.set("threshold", "0")


def check_keyboard(page):
    page.id("reset").click()
    page.press(Keys.TAB)
    names = page.names()
    check(page.focused() == names[0], f"Tab leads to {page.focused()}, not to the first face")
    columns = page.script("return columns()")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    check(page.focused() == names[1 + columns], f"right and down lead to {page.focused()}")
    page.press(Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.END)
    check(page.focused() == names[-1], "End leads not to the last face")
    page.press(Keys.HOME, Keys.ENTER)
    check(page.id("large").is_displayed() and page.text("large-name") == names[0], "Enter does not open the face")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    check(page.text("large-name") == names[1], f"the arrows show {page.text('large-name')!r}")
    page.press(Keys.ESCAPE)
    check(not page.id("large").is_displayed() and page.focused() == names[1], f"Esc leads to {page.focused()}")
    page.press(Keys.TAB)
    check(page.focused() not in names, "the list takes more than one stop of Tab")


def check_large(page, faces):
    for face in faces:
        page.script("largeView.open(faces[arguments[0]], faces)", faces.index(face))
        link = page.id("open-photo").get_attribute("href")
        path = page.script("return decodeURIComponent(new URL(arguments[0]).pathname)", link) if "\ufffd" not in face["path"] else None
        check(path is None or os.path.isfile(path), f"the link {link} leads to no file")
        if "picture" in face:
            size = page.script("const i = document.querySelector('#stage img'); return i.decode().then(() => [i.naturalWidth, i.naturalHeight])")
            check(size == [face["picture"]["width"], face["picture"]["height"]], f"{face['path']}: the picture is {size}")
        marks = page.script("return document.querySelectorAll('#stage circle').length")
        check(marks == (5 if "points" in face.get("picture", {}) else 0), f"{face['path']}: {marks} landmarks")
        check(page.id("heat-switch").is_displayed() == ("heat" in face), f"{face['path']}: the switch for the heat map")
    page.script("largeView.open(faces[0], faces)")
    page.id("close").click()


def check_heat(page):
    """The page shows heat maps, if the data has them: 2 x 2 cells, of which the first lowers and the last raises the score."""
    cells = base64.b64encode(bytes([0x81, 0, 0, 0x7F])).decode()
    page.script("""const face = faces.find((f) => f.picture && f.picture.box);
        face.heat = { width: 2, height: 2, data: arguments[0], place: [0.1, 0.2, 0.8, 0.6] };
        largeView.open(face, faces);""", cells)
    check(page.id("heat-switch").is_displayed() and not page.id("legend").is_displayed(), "no switch for the heat map")
    page.id("heat").click()
    pixels = page.script("const c = document.querySelector('.heat-map'); return [...c.getContext('2d').getImageData(0, 0, 2, 2).data]")
    first, last = pixels[:4], pixels[12:]
    check(first[2] > first[0] and last[0] > last[2] and pixels[7] == 0 and first[3] == last[3] > 150, f"cells {pixels}")
    check(page.id("legend").is_displayed(), "no legend")
    page.picture(shots + "/heat.png")
    page.id("heat").click()
    page.id("close").click()


def take_pictures(page):
    page.set("threshold", "20")
    for scheme in ("light", "dark"):
        page.colours(scheme)
        for width, height in ((1280, 800), (390, 844)):
            page.size(width, height)
            page.picture(f"{shots}/page_{scheme}_{width}.png")
            page.script("window.scrollTo(0, 700)")
            page.picture(f"{shots}/list_{scheme}_{width}.png")
            page.script("window.scrollTo(0, 0)")
            check_accessibility(page.chrome, axe, f"{scheme}, {width} pixels wide")
            check_width(page.chrome, width)
            page.script("largeView.open(shown.find((f) => f.reasons.length && f.picture.box), shown)")
            page.picture(f"{shots}/large_{scheme}_{width}.png")
            check_accessibility(page.chrome, axe, f"large view, {scheme}, {width} pixels wide")
            page.id("close").click()
    page.colours("light")
    page.size(1280, 800)


def print_page(page, path):
    pdf = page.chrome.execute_cdp_cmd("Page.printToPDF", {"printBackground": False, "paperWidth": 8.27, "paperHeight": 11.69})
    with open(path, "wb") as file:
        file.write(base64.b64decode(pdf["data"]))
    if shutil.which("pdftoppm"):
        subprocess.run(["pdftoppm", "-r", "60", "-png", path, path[:-4]], check=True)


def write_table(folder, faces):
    """Rows of that many faces: degraded copies of the example photos, some of them more than once, scored once and kept.
    Returns the table's path."""
    table = f"{folder}/scores.jsonl"
    if os.path.exists(table):
        return table
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/photos.csv", "w") as file:
        file.write("path\n" + "".join(p + "\n" for p in
                   ["photos/astronaut.jpg", "photos/coffee.jpg", "photos/group.jpg"] +
                   [f"faces/astronaut{k}.jpg" for k in ("", "_blur", "_dark", "_jpeg", "_noise", "_small")]))
    run("degrade", "--data", folder + "/photos.csv", "--images", source + "/examples", "--copies", "30", "--out", folder + "/copies", codes=(0,))
    rows = run("score", folder + "/copies", "--face", "all", "--explain", "--format", "jsonl").splitlines()
    rows = [row for row in rows if '"score":' in row]
    check(len(rows) >= 0.2 * faces, f"only {len(rows)} rows have a score")
    with open(table, "w") as file:
        file.write("".join(rows[i * len(rows) // faces] + "\n" for i in range(faces)))
    return table


def check_thousand(chrome):
    report = scratch + "/thousand.html"
    print(run("report", write_table(scratch + "/thousand", 1000), "--out", report).strip())
    check(os.path.getsize(report) <= 10e6, f"{os.path.getsize(report)} bytes are more than 10 MB")
    opened = [Page(chrome, report) for _ in range(5)]
    page, times = opened[-1], sorted(one.open_s for one in opened)
    work = sorted(one.work_s for one in opened)
    print(f"1,000 faces open in {times[2]:.2f} s (median of 5, {times[0]:.2f} to {times[4]:.2f}), "
          f"of which the page computes {work[2]:.2f} s ({work[0]:.2f} to {work[4]:.2f})")
    check(len(page.names()) == 1000, f"{len(page.names())} faces are listed")
    gaps = page.script("""return new Promise((done) => {
        const gaps = [], end = document.documentElement.scrollHeight;
        let last = performance.now(), y = 0;
        const step = (now) => {
          gaps.push(now - last), last = now, y += 120;
          scrollTo(0, y);
          y < end ? requestAnimationFrame(step) : done(gaps.slice(2).sort((a, b) => a - b));
        };
        requestAnimationFrame(step); })""")
    print(f"scrolling through all: {len(gaps)} frames, median {gaps[len(gaps) // 2]:.1f} ms, "
          f"99 % below {gaps[int(len(gaps) * 0.99)]:.1f} ms, longest {gaps[-1]:.1f} ms")
    moves = page.script("""scrollTo(0, 0);
        const times = [];
        for (let t = 0; t <= 100; ++t) {
          const begun = performance.now();
          setThreshold(t);
          document.body.offsetHeight;
          times.push(performance.now() - begun);
        }
        return times.sort((a, b) => a - b)""")
    print(f"one step of the slider: median {moves[50]:.1f} ms, longest {moves[-1]:.1f} ms")
    page.set("threshold", "40")
    page.picture(shots + "/thousand.png")
    page.script("scrollTo(0, document.documentElement.scrollHeight)")
    page.picture(shots + "/thousand_end.png")
    check(page.script("return [...document.querySelectorAll('#faces img')].pop().src !== ''"), "the last picture is not loaded")
    print_page(page, shots + "/thousand.pdf")


def check_raw(chrome, folder):
    report = scratch + "/raw.html"
    run("report", folder, "--model", "blur", "--out", report)
    page = Page(chrome, report)
    values = [face["score"] for face in data_of(report)["faces"] if "error" not in face]
    low, high = (float(page.id("threshold").get_attribute(name)) for name in ("min", "max"))
    check(low <= min(values) and high >= max(values) and high > 100, f"the slider reaches from {low} to {high}")
    check("Raw scores" in page.text("about") and page.chrome.find_elements(By.ID, "band-good") == [], "raw scores have bands")
    middle = sorted(values)[len(values) // 2]
    page.set("threshold", str(middle))
    at = float(page.id("threshold").get_attribute("value"))
    kept = sum(value >= at for value in values)
    check(page.text("kept").startswith(f"Kept {kept} of {len(values)} faces"), f"at {at}: {page.text('kept')}")
    page.picture(shots + "/raw.png")


def check_without_chart(chrome, report):
    with open(report, encoding="utf-8") as file:
        page = file.read()
    begin = page.rindex("<script>", 0, page.rindex("<script>"))
    page = page[:begin] + page[page.index("</script>", begin) + 9 :]
    page = page.replace('"chart_advice":""', '"chart_advice":"this tinyfiqa was built without Chart.js"')
    with open(scratch + "/without_chart.html", "w", encoding="utf-8") as file:
        file.write(page)
    opened = Page(chrome, scratch + "/without_chart.html")
    check("There is no histogram: this tinyfiqa was built without Chart.js" in opened.text("chart-missing"), "no word about it")
    opened.set("threshold", "101")
    check(opened.text("kept").startswith("Kept"), "the slider needs the chart")
    opened.picture(shots + "/without_chart.png")


def check_persons(chrome, folder):
    """The faces of persons are given: embeddings of two directions, written as NumPy does."""
    photos = sorted(os.path.join(folder, p) for p in os.listdir(folder) if p.startswith("faces_"))
    rows = [[1.0, 0.0] if i % 3 else [0.0, 1.0] for i in range(len(photos))]
    header = ("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 2), }" % len(rows)).ljust(117) + "\n"
    with open(scratch + "/persons.npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(b"".join(struct.pack("<2f", *row) for row in rows))
    report = scratch + "/persons.html"
    run("report", *photos, "--face", "whole", "--embeddings", scratch + "/persons.npy", "--out", report)
    page = Page(chrome, report)
    check(len(page.names()) == len(photos), "not all faces are listed at first")
    page.id("best-only").click()
    check(len(page.names()) == 2 and page.text("kept").startswith("Kept 2 of 6 faces"), f"{page.names()}: {page.text('kept')}")
    page.script("largeView.open(shown[0], shown)")
    check(len(page.chrome.find_elements(By.CSS_SELECTOR, "#others button")) in (1, 3), "the other faces of the person are not there")
    page.picture(shots + "/persons.png")


def main():
    for folder in (shots, saved):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    folder, report = write_photos(scratch + "/photos"), scratch + "/report.html"
    print(run("report", folder, "--face", "all", "--out", report, codes=(1,)).strip())
    chrome = browser(saved)
    try:
        chrome.set_script_timeout(120)
        page, faces = Page(chrome, report), data_of(report)["faces"]
        check_list(page, faces)
        check_slider(page, faces)
        check_filters(page, faces)
        check_export(page, faces)
        check_keyboard(page)
        check_large(page, faces)
        take_pictures(page)
        page.set("threshold", "20")
        print_page(page, shots + "/print.pdf")
        check_heat(page)
        check_without_chart(chrome, report)
        check_raw(chrome, folder)
        check_persons(chrome, folder)
        check_thousand(chrome)
        logs = [log for log in chrome.get_log("browser") if log["level"] == "SEVERE"]
        check(not logs, f"the browser complains: {logs}")
    finally:
        chrome.quit()


main()
