#!/bin/sh
# Finds Chromium for the browser tests, or installs it. Where neither is possible it says what to do; the tests then skip.
set -u

if command -v chromium >/dev/null 2>&1 || [ -x /usr/bin/chromium ]; then
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        as_root="none"
    fi
fi

if [ "$as_root" != "none" ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests ..."
    if $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium; then
        exit 0
    fi
fi

echo "------------------------------------------------------------------------------"
echo "No Chromium here, and no way to install it: the browser tests will be SKIPPED."
echo "To run them, install it yourself, for example: sudo apt-get install chromium"
echo "------------------------------------------------------------------------------"
exit 0
