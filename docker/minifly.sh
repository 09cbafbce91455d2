#!/usr/bin/env bash
# Minifly, for tenants in containers on a machine of one's own: installs it once, and runs it with a locator beside it until Ctrl-C.
#   docker/minifly.sh            install where missing, then run
#   docker/minifly.sh --litefs   the same, with a filter between Minifly and Docker: tenants can run on LiteFS (docs/LITEFS.md)
#   docker/minifly.sh install    install only
# Minifly has no authentication and listens on every address: never on a machine that others reach. See docs/MINIFLY.md.
#   MINIFLY_HOME        where the two programs are kept (default ~/.cache/todo-minifly)
#   MINIFLY_DATA_DIR    volumes, Minifly's own database, logs (default data/minifly here)
#   MINIFLY_API_PORT    default 4280
#   LOCATOR_DIR         where the locator's socket, port and token are put (default: in the volume of the control plane that
#                       `minifly deploy` makes of fly.toml, which finds them as /data/locator)
#   LOCATOR_PORT        its TCP port, for where a socket cannot be shared with a container (default 4281)
#   FILTER_RANGE        with --litefs: first two bytes of the addresses of the apps' networks (default 10.213)
#   DOCKER_HOST         the engine's socket, where it is not the usual one
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

home=${MINIFLY_HOME:-$HOME/.cache/todo-minifly}
data=${MINIFLY_DATA_DIR:-$root/data/minifly}
mkdir -p "$data"
data=$(cd "$data" && pwd) # absolute: Docker mounts what is below it
port=${MINIFLY_API_PORT:-4280}
app=$(sed -n 's/^app *= *"\(.*\)"/\1/p' "$root/fly.toml")
locator=${LOCATOR_DIR:-$data/minifly-data/$app/volumes/data/locator}
locator_port=${LOCATOR_PORT:-4281}
api_version=0.1.2
cli_version=0.2.2

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# The newest that is published. Without optimisation and in one target folder: four minutes on two cores instead of ten.
install_minifly() {
  [ -x "$home/bin/minifly-api" ] && [ -x "$home/bin/minifly" ] && return 0
  command -v cargo >/dev/null || fail "Minifly is built with cargo, which is not here: https://rustup.rs"
  say "Building Minifly (about five minutes, once; kept in $home) …"
  mkdir -p "$home"
  CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_TARGET_DIR="$home/target" nice cargo install --quiet --root "$home" \
    "minifly-api@$api_version" "minifly-cli@$cli_version" >"$home/build.log" 2>&1 ||
    { tail -n 30 "$home/build.log" >&2; fail "Minifly could not be built; the reason is above."; }
  rm -rf "$home/target"
}

# The Node that the install of this project brings, else the machine's.
node_binary() {
  if [ -x "$root/node_modules/.bin/node" ]; then printf '%s' "$root/node_modules/.bin/node"; else command -v node; fi
}

# Minifly starts with nothing in its memory, so users' containers that do not run are nobody's any more: a new one is made of the same
# volume. The control plane may not be able to remove them; those that run it serves on.
remove_forgotten() {
  local container app_name source
  for container in $(docker ps -aq --filter label=minifly.managed=true --filter status=exited --filter status=created --filter status=dead); do
    read -r app_name source < <(docker inspect -f '{{index .Config.Labels "minifly.app_name"}} {{range .Mounts}}{{.Source}}{{end}}' "$container" || true)
    case "$app_name $source" in todo-user-*" $data/minifly-data/"*) docker rm "$container" >/dev/null || true ;; esac
  done
}

run_minifly() {
  mkdir -p "$data/run" "$locator"
  remove_forgotten
  engine=${DOCKER_HOST:-/var/run/docker.sock}
  filter=
  trap 'kill ${minifly_pid:-} ${locator_pid:-} 2>/dev/null || true' EXIT
  trap 'exit 0' INT TERM
  if [ "$with_litefs" = yes ]; then
    [ -e /dev/fuse ] || fail "LiteFS needs /dev/fuse, which is not here."
    filter=$data/docker.sock
    rm -f "$filter"
  fi
  LOCATOR_DIR="$locator" LOCATOR_PORT="$locator_port" FILTER_SOCKET="$filter" "$(node_binary)" "$root/docker/locator/locator.mjs" &
  locator_pid=$!
  if [ -n "$filter" ]; then
    for _ in $(seq 100); do [ -S "$filter" ] && break; sleep 0.1; done
    [ -S "$filter" ] || fail "The filter before Docker's socket did not start."
    engine=$filter
  fi
  # Its own directory: Minifly would read `.fly.secrets` of the working directory into every machine.
  # Its PATH without litefs: it starts one for each mount where it finds one. The path of the socket alone, as its Docker client wants it.
  (cd "$data/run" && PATH=/usr/bin:/bin DOCKER_HOST="$engine" MINIFLY_API_PORT="$port" \
    MINIFLY_DATA_DIR="$data" MINIFLY_DATABASE_URL="sqlite:$data/minifly.db?mode=rwc" \
    exec "$home/bin/minifly-api" >>"$data/minifly.log" 2>&1) &
  minifly_pid=$!
  for _ in $(seq 100); do
    curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$port/v1/health" && break
    kill -0 "$minifly_pid" 2>/dev/null || { tail -n 20 "$data/minifly.log" >&2; fail "Minifly ended; its log is above."; }
    sleep 0.1
  done
  say "Minifly answers. For a control plane beside it:"
  say "  export PLATFORM=minifly MINIFLY_API_URL=http://127.0.0.1:$port${filter:+ MINIFLY_LITEFS=1}"
  # Either of the two that ends takes the other along.
  while kill -0 "$minifly_pid" 2>/dev/null && kill -0 "$locator_pid" 2>/dev/null; do sleep 1; done
  fail "Minifly or its locator ended; the log is $data/minifly.log."
}

with_litefs=
case ${1:-} in
  '' | install) ;;
  --litefs) with_litefs=yes ;;
  *) fail "docker/minifly.sh knows --litefs and install, not $1." ;;
esac
install_minifly
[ "${1:-}" = install ] && exit 0
docker info >/dev/null 2>&1 || fail "Docker's engine does not answer."
run_minifly
