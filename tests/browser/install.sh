#!/bin/sh
# Finds Chromium for the browser tests, or installs it: by apt where that is allowed, else playwright's own, which needs
# no root. Where nothing works it says what to do, and the tests skip. It never fails.
set -u

here=$(dirname "$0")
python="${BROWSER_PYTHON:-.venv/bin/python}"

found() {
    "$python" "$here/find_chromium.py" >/dev/null 2>&1
}

found && exit 0

root="no"
[ "$(id -u)" -eq 0 ] && root=""
[ -n "$root" ] && command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && root="sudo -n"

if [ "$root" != "no" ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests ..."
    $root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends chromium
    found && exit 0
fi

echo "Installing playwright's Chromium for the browser tests ..."
"$python" -m playwright install chromium
found && exit 0

echo "------------------------------------------------------------------------------"
echo "No Chromium starts here, and none could be installed: the browser tests will be SKIPPED."
echo "To run them, install it yourself, for example:"
echo "    sudo apt-get install chromium"
echo "    $python -m playwright install chromium && sudo $python -m playwright install-deps chromium"
echo "------------------------------------------------------------------------------"
exit 0
