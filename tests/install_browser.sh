#!/usr/bin/env bash
# The page's tests drive Chromium. Installs it from Debian's packages where that is possible, says what to do where it is not.
set -euo pipefail

if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null
    exit 0
fi
echo "Chromium: expected the commands chromium and chromedriver for the browser tests, found none; they will be skipped." >&2
echo "On Debian and Ubuntu: sudo apt-get install chromium chromium-driver" >&2
