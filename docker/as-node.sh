#!/bin/sh
# Becomes the command, as the user `node`: as-node.sh COMMAND [ARGUMENT...]
# A volume is often its maker's, root's: as root, DATA_DIR is given to `node` first. Started as any other user, nothing is changed.
set -eu

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$DATA_DIR"
  [ "$(stat -c %U "$DATA_DIR")" = node ] || chown -R node:node "$DATA_DIR"
  export HOME=/home/node
  exec setpriv --reuid=node --regid=node --init-groups -- "$@"
fi
exec "$@"
