#!/usr/bin/env bash
# Installs, builds and tests everything, then drives the two built programs as an operator would, with
# curl. Needs Node >= 20.19, curl and, for the packages, the internet. Uses free ports only, and leaves no
# process and no file behind.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD

passed=0
failed=0
pids=()
work=$(mktemp -d)

cleanup() {
  for pid in ${pids[@]+"${pids[@]}"}; do kill -KILL "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  exit "$((failed > 0))"
}

pass() {
  passed=$((passed + 1))
  printf '✓ %s\n' "$1"
}

# fail STEP REASON: later steps need the earlier ones, so the first failure ends the run.
fail() {
  failed=$((failed + 1))
  printf '✗ %s\n%s\n' "$1" "$2" | sed '2,$s/^/    /'
  finish
}

# run STEP COMMAND…: the command's output is shown when it fails.
run() {
  local step=$1
  shift
  printf '… %s\n' "$step"
  "$@" >"$work/output" 2>&1 </dev/null || fail "$step" "$(tail -n 60 "$work/output")"
  pass "$step"
}

# expect STEP EXPECTED ACTUAL
expect() {
  [ "$2" = "$3" ] || fail "$1" "expected: $2"$'\n'"     got: $3"
  pass "$1"
}

# until_true COMMAND…: tries for up to 60 s.
until_true() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    "$@" && return 0
    sleep 0.1
  done
  return 1
}

# start NAME [VARIABLE=VALUE…] FILE [ARGUMENT…]: runs a built program in the background, in a folder without
# .env and with no other variable. Its output goes to $work/NAME.log, its id to $pid.
start() {
  local name=$1 variables=()
  shift
  while [[ $1 == *=* ]]; do
    variables+=("$1")
    shift
  done
  (cd "$work" && exec env -i PATH="$PATH" LOG_LEVEL=info LOG_FORMAT=json ${variables[@]+"${variables[@]}"} \
    node "$root/$1" "${@:2}") >"$work/$name.log" 2>&1 </dev/null &
  pid=$!
  pids+=("$pid")
}

# The URL that a program says it listens on, or nothing.
url_of() { sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$work/$1.log" 2>/dev/null | head -n 1; }
listens() { [ -n "$(url_of "$1")" ]; }
listens_or_ended() { listens "$1" || ! kill -0 "$2" 2>/dev/null; }

# started STEP NAME: waits until the program listens; its output is shown if it ends instead.
started() {
  until_true listens_or_ended "$2" "$pid"
  listens "$2" || fail "$1" "$(cat "$work/$2.log")"
  pass "$1"
}

get() { curl --silent --show-error --max-time 10 "$@"; }
# field EXPRESSION: of the JSON on standard input.
field() { node -p "const answer = JSON.parse(require('node:fs').readFileSync(0, 'utf8')); $1"; }
is_whitelisted() { get "$whitelist/api/whitelist?pubkey=$1" | field answer.is_whitelisted; }
becomes_whitelisted() { [ "$(is_whitelisted "$1")" = true ]; }
free_port() { node -e "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })"; }

# --- build and test ---------------------------------------------------------------------------------

command -v node >/dev/null || fail 'Node is installed' 'install Node 20.19 or later: https://nodejs.org'
command -v curl >/dev/null || fail 'curl is installed' 'install curl'
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
  || fail 'Node is at least 20.19' "it is $(node --version): install a newer one: https://nodejs.org"
pass "Node $(node --version) is at least 20.19"
run 'the packages install as the lock file says' scripts/pnpm.sh install --frozen-lockfile
run 'both programs build' scripts/pnpm.sh build
run 'the unit and integration tests pass' env NO_COLOR=1 scripts/pnpm.sh exec vitest run
sed -n 's/^ *Tests *\([0-9]* passed\).*/    \1/p' "$work/output"

# --- drive the built programs -----------------------------------------------------------------------

owner=0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
mkdir "$work/node"
printf '{"pubkeys": []}\n' >"$work/whitelist.json"

start whitelist LISTEN_ADDR=127.0.0.1:0 WHITELIST_FILE="$work/whitelist.json" dist/whitelist.js
whitelist_pid=$pid
started 'the whitelist service listens' whitelist
whitelist=$(url_of whitelist)
expect 'its /health is ok, with no key' 'ok 0' "$(get "$whitelist/health" | field '`${answer.status} ${answer.keys}`')"

start registry packages/testbed/dist/testbed.js registry
started 'the simulated registry listens' registry
start vmm packages/testbed/dist/testbed.js vmm --gpus H200x8
started 'the simulated DStack VMM listens' vmm

start_backend() {
  start "$1" LISTEN_ADDR=127.0.0.1:0 REGISTRY_URL="$(url_of registry)" DSTACK_URL="$(url_of vmm)" \
    OWNER_ADDRESS=$owner NODE_TYPE=node-H200x8 DATA_DIR="$work/node" dist/backend.js
}
start_backend backend
backend_pid=$pid
started 'the backend registers and listens' backend
backend=$(url_of backend)

pubkey=$(get "$backend/health" | field 'answer.pubkeys[0]')
npub=$(get "$backend/" | field answer.npub)
expect 'its /health tells a public key' 64 "$(printf %s "$pubkey" | tr -cd 0-9a-f | wc -c | tr -d ' ')"
expect 'its /health tells the GPUs' 'Available 8' \
  "$(get "$backend/health" | field '`${answer.status} ${JSON.parse(answer.metadata).gpu_count}`')"
expect 'the key file is for its owner alone' '-rw-------' "$(ls -l "$work/node/key" | cut -c 1-10)"
expect 'the backend is not whitelisted yet' false "$(is_whitelisted "$pubkey")"

printf '{"pubkeys": ["%s"]}\n' "$npub" >"$work/whitelist.json"
until_true becomes_whitelisted "$pubkey" || fail 'it is whitelisted once it is in the file, as hex' "$(cat "$work/whitelist.log")"
pass 'it is whitelisted once it is in the file, as hex'
expect 'and as npub' true "$(is_whitelisted "$npub")"
expect 'and /api/list spells it as the file does' "$npub" "$(get "$whitelist/api/list" | field 'answer.pubkeys.join()')"

kill -TERM "$backend_pid" && wait "$backend_pid"
expect 'the backend ends orderly at SIGTERM' 0 $?
start_backend backend-again
started 'the backend starts again' backend-again
expect 'with the same key' "$pubkey" "$(get "$(url_of backend-again)/health" | field 'answer.pubkeys[0]')"

kill -TERM "$whitelist_pid" && wait "$whitelist_pid"
expect 'the whitelist service ends orderly at SIGTERM' 0 $?

start refusing packages/testbed/dist/testbed.js registry --refuse 403
started 'a registry that refuses listens' refusing
port=$(free_port)
mkdir "$work/refused"
start refused LISTEN_ADDR="127.0.0.1:$port" REGISTRY_URL="$(url_of refusing)" OWNER_ADDRESS=$owner \
  DATA_DIR="$work/refused" dist/backend.js
wait "$pid"
expect 'a backend that is refused ends with exit code 1' 1 $?
grep -q 'registration failed.*403' "$work/refused.log" || fail 'and says why' "$(cat "$work/refused.log")"
pass 'and says why'
get "http://127.0.0.1:$port/health" >/dev/null 2>&1
expect 'and leaves nothing listening (curl: connection refused)' 7 $?

finish
