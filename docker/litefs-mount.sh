#!/bin/sh
# Runs a tenant's app on LiteFS: docker/litefs-mount.sh COMMAND [ARGUMENT...]
# Checks the environment and the volume before anything is opened, takes a stale mount away and becomes `litefs mount`, which
# runs the command once the database is there. Whatever is not as it should be: a sentence and exit 1, never a plain directory.
set -eu

fail() {
  echo "$1" >&2
  exit 1
}

for name in DATA_DIR LITEFS_DIR LITEFS_DATA_DIR LITEFS_HTTP_ADDR LITEFS_LEASE LITEFS_ROLE LITEFS_HOSTNAME LITEFS_ADVERTISE_URL; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || fail "$name is not set. On LiteFS (LITEFS_LEASE is set) it has to be."
done
[ "$LITEFS_LEASE" = static ] || fail "LITEFS_LEASE should be static; it is \"$LITEFS_LEASE\"."
case "$LITEFS_ROLE" in
  primary | replica) ;;
  *) fail "LITEFS_ROLE should be primary or replica; it is \"$LITEFS_ROLE\"." ;;
esac
config="${LITEFS_CONFIG:-/etc/litefs.yml}"
[ -r "$config" ] || fail "LiteFS's configuration $config cannot be read."
command -v litefs >/dev/null || fail "LITEFS_LEASE is set, and there is no litefs on the PATH."
command -v fusermount3 >/dev/null || fail "LITEFS_LEASE is set, and there is no fusermount3 (Debian package fuse3) on the PATH."
{ [ -r /dev/fuse ] && [ -w /dev/fuse ]; } ||
  fail "LITEFS_LEASE is set, and /dev/fuse cannot be opened. A container needs the device /dev/fuse and the capability SYS_ADMIN."

# Held as long as LiteFS or the app lives, and freed by the kernel. What holds it is the open file, not this shell.
mkdir -p "$DATA_DIR" 2>/dev/null || fail "The volume $DATA_DIR cannot be written."
(: >>"$DATA_DIR/litefs.lock") 2>/dev/null || fail "The volume $DATA_DIR cannot be written."
exec 9>>"$DATA_DIR/litefs.lock"
flock -n 9 || fail "The volume $DATA_DIR is in use by another process. Stop that one first; only one may serve it."

mark="$DATA_DIR/volume.kind"
if [ -e "$mark" ]; then
  kind=$(cat "$mark")
elif [ -e "$DATA_DIR/todos.sqlite" ]; then
  kind=plain # older than the mark
else
  kind=litefs
  printf 'litefs\n' >"$mark.new"
  sync "$mark.new"
  mv "$mark.new" "$mark"
  sync "$DATA_DIR"
fi
[ "$kind" = litefs ] ||
  fail "The volume $DATA_DIR is of the kind \"$kind\", and this machine is to run on LiteFS. Nothing was changed; export the to-dos there and import them into a machine on LiteFS."

# What a LiteFS that was killed has left. Nobody else's: the volume is ours by the lock.
mkdir -p "$LITEFS_DIR" 2>/dev/null || true
while [ "$(findmnt -n -f -o SOURCE --mountpoint "$LITEFS_DIR" 2>/dev/null)" = litefs ]; do
  umount -l "$LITEFS_DIR" 2>/dev/null || fusermount3 -u -z "$LITEFS_DIR" ||
    fail "A mount that an earlier LiteFS has left on $LITEFS_DIR cannot be taken away."
done
mkdir -p "$LITEFS_DIR"

# LiteFS joins the words and splits them again as a shell would.
command=
for word; do
  quoted=$(printf '%s\n' "$word" | sed "s/'/'\\\\''/g")
  command="$command '$quoted'"
done
exec litefs mount -config "$config" -- "$command"
