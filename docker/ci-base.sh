#!/usr/bin/env bash
# Brings a Debian machine that can pull no image to where `docker build` works: engine and compose from Debian's packages, started,
# and the base image that the Dockerfiles name, made by debootstrap and the Node of the project's own install.
# As root. Does nothing twice. See docs/DOCKER.md.
#   DOCKER_DATA_ROOT   the engine's data, if this starts it (default /var/lib/todo-docker; log and pid file stand beside it)
set -euo pipefail
cd "$(dirname "$0")/.."

data_root=${DOCKER_DATA_ROOT:-/var/lib/todo-docker}
image=$(sed -n 's/^ARG NODE_IMAGE=//p' docker/tenant-todo.Dockerfile)
npm_version=11.19.1

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

install_packages() {
  local package missing=()
  for package in docker.io iptables debootstrap fuse3 $(docker compose version >/dev/null 2>&1 || echo docker-compose); do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing ${missing[*]} …"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

start_engine() {
  docker info >/dev/null 2>&1 && return 0
  say "Starting dockerd, its data in $data_root …"
  mkdir -p "$data_root"
  # Detached from this shell, so that it outlives the run and keeps no pipe of the caller's open; nor a temporary folder of the
  # caller's, without which `docker exec` fails when that is gone.
  setsid env -u TMPDIR dockerd --data-root "$data_root" --pidfile "$data_root.pid" >"$data_root.log" 2>&1 </dev/null &
  local waited
  for ((waited = 0; waited < 120; waited++)); do
    docker info >/dev/null 2>&1 && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.5
  done
  tail -n 20 "$data_root.log" >&2
  fail "dockerd did not come up; its log is above and in $data_root.log."
}

make_base_image() {
  docker image inspect "$image" >/dev/null 2>&1 && return 0
  local arch
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) fail "No Node package for $(uname -m)." ;; esac
  [ -e "node_modules/node-linux-$arch/bin/node" ] || node scripts/setup.mjs --install-only
  node=node_modules/node-linux-$arch/bin/node
  case $image in node:"$("$node" -p process.versions.node)"-bookworm-slim) ;; *)
    fail "The Dockerfiles name $image, and the project installs Node $("$node" -v): bring the two together." ;;
  esac
  say "Making $image (a minute or two, once) …"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  bootstrap "$work/root" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail "The base image could not be made; the reason is above."; }
  tar -C "$work/root" -c . | docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'CMD ["node"]' - "$image" >/dev/null
}

# What the public image of that name holds as far as the Dockerfiles use it (Node, npm, the user `node`), and the packages that they
# would install from Debian's archive, which a build here may not reach.
bootstrap() {
  local root=$1
  # The machine's own mirror is used, and not left in the image.
  local mirror
  mirror=$(debian_mirror)
  debootstrap --variant=minbase --include=ca-certificates,fuse3 bookworm "$root" ${mirror:+"$mirror"}
  : >"$root/etc/apt/sources.list"
  rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*
  rm -rf "$root"/usr/share/{doc,man,info,locale}/*
  install -m 0755 "$node" "$root/usr/local/bin/node"
  "$node" "$(npm_cli)" install --global --prefix "$root/usr/local" --ignore-scripts "npm@$npm_version"
  chroot "$root" groupadd --gid 1000 node
  chroot "$root" useradd --uid 1000 --gid node --shell /bin/bash --create-home node
}

npm_cli() {
  readlink -f "$(command -v npm)"
}

# Where apt finds bookworm here; nothing where it does not, and debootstrap takes its default.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | sed -n 1p
}

[ "$(id -u)" = 0 ] || fail "This needs root: it installs packages and starts the Docker engine."
install_packages
start_engine
make_base_image
say "Docker $(docker version --format '{{.Server.Version}}') answers, and $image is there."
