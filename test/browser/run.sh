#!/bin/sh
# The pages in a real browser: `npm run test:browser [-- part of a path]`. Debian's chromium and a font with Arabic and Hebrew letters
# are installed where they are missing and this is root; elsewhere CHROMIUM names a Chromium or Chrome.
# What the browser saw is kept in test-artefacts/browser.
set -eu
cd "$(dirname "$0")/../.."

if [ -z "${CHROMIUM:-}" ]; then
  missing=
  command -v chromium >/dev/null || missing=chromium
  [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing="$missing fonts-dejavu-core"
  if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
      echo "Missing: $missing. Install it with the system's package manager, or set CHROMIUM to a browser's path." >&2
      exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
  fi
  CHROMIUM=$(command -v chromium)
  export CHROMIUM
fi

exec node_modules/.bin/node scripts/test.mjs --config test/browser/jest.config.js "$@"
