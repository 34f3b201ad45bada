#!/usr/bin/env bash
# Runs the pnpm that package.json pins: the installed one if it is that version, else through npx.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pinned=$(node -p "require('$root/package.json').packageManager.match(/pnpm@([^+]+)/)[1]")
if [ "$(pnpm --version 2>/dev/null || true)" = "$pinned" ]; then
  exec pnpm "$@"
fi
exec npx --yes "pnpm@$pinned" "$@"
