#!/usr/bin/env bash
# Deploys everything on Minifly: builds both images, replaces the control plane's container, prints where it is.
# Needs Docker and Minifly running here (docker/minifly.sh, in another terminal). Users' to-dos stay over a repeat.
#   MINIFLY_LITEFS=1   new users' databases lie on LiteFS; Minifly has to run as `docker/minifly.sh --litefs`
set -euo pipefail
cd "$(dirname "$0")"

api=${MINIFLY_API_URL:-http://127.0.0.1:4280}
app=$(sed -n 's/^app *= *"\(.*\)"/\1/p' fly.toml)
PATH=$PATH:${MINIFLY_HOME:-$HOME/.cache/todo-minifly}/bin

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# fly.toml as it is, or a copy with what is set for this deployment. The command works where its file lies: the image is built by then,
# and Minifly's files of secrets go along.
deploy() {
  [ -n "${MINIFLY_LITEFS:-}" ] || { minifly --api-url "$api" deploy; return; }
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  sed -e "s/^dockerfile *=.*/image = \"$app-local:latest\"/" -e "s/^\[env\]/&\nMINIFLY_LITEFS = \"$MINIFLY_LITEFS\"/" fly.toml >"$copy/fly.toml"
  for file in .fly.secrets*; do [ ! -e "$file" ] || cp -p "$file" "$copy"; done
  minifly --api-url "$api" deploy --config "$copy/fly.toml"
}

docker info >/dev/null 2>&1 || fail "Docker's engine does not answer."
curl --silent --fail --max-time 5 --output /dev/null "$api/v1/health" ||
  fail "Minifly does not answer at $api. Start it in another terminal: docker/minifly.sh"
command -v minifly >/dev/null || fail "The program minifly is missing: docker/minifly.sh install"

# Under the name that the deployment builds, which then finds everything done.
docker/build-images.sh "$app-local:latest"

# Minifly takes a machine that runs for deployed already, and has forgotten those from before its own restart.
for machine in $(curl --silent --fail "$api/v1/apps/$app/machines" | grep -o '"id":"[0-9a-f]*"' | cut -d'"' -f4); do
  curl --silent --output /dev/null --request DELETE "$api/v1/apps/$app/machines/$machine?force=true"
done
for container in $(docker ps --all --quiet --filter "label=minifly.app_name=$app"); do
  docker stop --time 30 "$container" >/dev/null
  docker rm --force "$container" >/dev/null
done

deploy
container=$(docker ps --quiet --filter "label=minifly.app_name=$app" | head -n 1)
[ -n "$container" ] || fail "The control plane's container is not there; see docker ps --all."
url=http://localhost:$(docker port "$container" 8080/tcp | head -n 1 | sed 's/.*://')
for _ in $(seq 100); do
  curl --silent --fail --max-time 2 --output /dev/null "$url/readyz" && { say "To-do is at $url"; exit 0; }
  sleep 0.2
done
docker logs --tail 20 "$container" >&2
fail "The control plane does not get ready; its log is above."
