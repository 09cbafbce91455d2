#!/bin/bash
# Succeeds where /healthz answers 200: check-health.sh PORT (unless PORT is in the environment)
# Bash alone: a Node or curl for this every half minute would cost more than most apps do in it.
set -eu

exec 3<>"/dev/tcp/${HOST:-127.0.0.1}/${PORT:-$1}"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 4 _ status _ <&3
[ "$status" = 200 ]
