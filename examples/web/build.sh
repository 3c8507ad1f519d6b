#!/bin/sh
# build.sh OUT: builds the page with its WebAssembly module in the folder OUT. Then: python3 -m http.server -d OUT 8000
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../../bindings/javascript/build.sh" "$1/tinyfiqa"
cp "$here/index.html" "$here/page.js" "$here/style.css" "$1"
