#!/bin/sh
# Starts the tenant's app: on LiteFS where LITEFS_LEASE is set, else on the plain directory DATA_DIR. Never the one instead of the other.
set -eu

command=$(cat /app/command)
# The command is made of plain words.
# shellcheck disable=SC2086
set -- $command

if [ -z "${LITEFS_LEASE:-}" ]; then
  exec as-node.sh "$@"
fi
# LiteFS mounts, so it stays root; the app below it does not.
export LITEFS_ALLOW_OTHER=true
exec litefs-mount.sh as-node.sh "$@"
