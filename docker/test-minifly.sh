#!/usr/bin/env bash
# `npm run test:minifly`: everything that is promised of Minifly, against Minifly itself and Docker. Installs what it needs on a Debian
# machine, as root, and keeps it. Arguments go to Jest (a part of a file's name). The last line is "N passed, N failed".
# Docker's engine is restarted at the end, where nothing but what this made runs on it: not for a machine with work on it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/node_modules/.bin:$PATH

data_root=${DOCKER_DATA_ROOT:-/var/lib/todo-docker}

docker/ci-base.sh
docker/minifly.sh install
node scripts/build.mjs
docker/build-images.sh

# By its own pid file: the engine that ci-base.sh started, or the system's.
for file in "$data_root.pid" /var/run/docker.pid; do
  [ -s "$file" ] && engine=$(cat "$file") && break
done
export RESTART_DOCKER="kill $engine; while kill -0 $engine 2>/dev/null; do sleep 0.2; done; DOCKER_DATA_ROOT=$data_root $PWD/docker/ci-base.sh"

exec node scripts/test.mjs --config test/minifly/jest.config.js "$@"
