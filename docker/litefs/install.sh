#!/bin/sh
# Builds LiteFS v0.5.14, pinned in go.mod and go.sum beside this file, into a folder: docker/litefs/install.sh FOLDER
# Needs Go 1.24 or newer and the module proxy; no C compiler. What was built from the same pin is kept: the second run does nothing.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: $0 FOLDER" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
stamp="$folder/.litefs-pin"
pin=$(cat "$here/go.mod" "$here/go.sum" "$here/install.sh" | sha256sum)

if [ -x "$folder/litefs" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$pin" ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "LiteFS is built with Go 1.24 or newer, and there is no go on the PATH." >&2
  exit 1
fi

cd "$here"
# By name: the module's other commands need cgo. The linker writes the version, which `litefs version` would not know otherwise.
CGO_ENABLED=0 GOBIN="$folder" go install -trimpath -mod=readonly -tags osusergo,netgo \
  -ldflags '-s -w -X main.Version=v0.5.14 -X main.Commit=a51e72d' \
  github.com/superfly/litefs/cmd/litefs
echo "$pin" >"$stamp"
