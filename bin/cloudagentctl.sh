#!/bin/sh
# Node takes a file of this name for no module, so it gets the program itself. Links to this file are followed.
clone=$(dirname "$(dirname "$(readlink -f "$0")")")
exec node "$clone/scripts/entry.mjs" "src/main/cloudagentctl.ts" "$@"
