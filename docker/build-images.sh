#!/usr/bin/env bash
# Builds both images: docker/build-images.sh [TAG OF THE CONTROL PLANE] [TAG OF THE TENANT]
# What can be made on this machine (Linux, with Node and Go) is made before, so that the builds fetch nothing and take seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

control_plane=${1:-control-plane-local:latest}
tenant=${2:-tenant-todo-local:latest}
arguments=()

if [ "$(uname -s)" = Linux ]; then
  node docker/prepare.mjs
  if command -v go >/dev/null; then
    docker/litefs/install.sh dist/docker/litefs
    # Nothing is left to do for the stage that would build it, so it needs no Go.
    arguments+=(--build-arg "GO_IMAGE=$(sed -n 's/^ARG NODE_IMAGE=//p' docker/tenant-todo.Dockerfile)")
  fi
fi
docker build -f docker/control-plane.Dockerfile -t "$control_plane" .
docker build -f docker/tenant-todo.Dockerfile "${arguments[@]}" -t "$tenant" .
