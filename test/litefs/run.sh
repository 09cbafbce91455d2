#!/bin/sh
# Tenants on real LiteFS, with real FUSE: `npm run test:litefs [-- part of a path]`. Linux. What is missing is installed where it
# can be: fuse3 from Debian's packages (as root), LiteFS by Go from docker/litefs, kept in CACHE for the next run.
set -eu
cd "$(dirname "$0")/../.."
cache="${LITEFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/todo-per-tenant/litefs}"

if ! command -v fusermount3 >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "There is no fusermount3. Install fuse3 with the system's package manager." >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends fuse3 >/dev/null
fi
[ -e /dev/fuse ] || modprobe fuse 2>/dev/null || true
if [ ! -r /dev/fuse ] || [ ! -w /dev/fuse ]; then
  echo "/dev/fuse cannot be opened. In a container: --device /dev/fuse --cap-add SYS_ADMIN." >&2
  exit 1
fi
docker/litefs/install.sh "$cache"

export PATH="$cache:$PATH"
exec node_modules/.bin/node scripts/test.mjs --config test/litefs/jest.config.js "$@"
