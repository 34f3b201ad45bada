#!/usr/bin/env bash
# Proves the Dockerfile and docker-compose.yaml on a real engine, with each compose that this machine has:
# builds the images, runs the services against the simulated registry and VMM, and takes all down again.
# Works in a folder, a project and on ports of its own, so it never meets the operator's services. One line
# for each step, and at the end `N passed, N failed`; where there is no engine, `skipped` and the reason.
# shellcheck disable=SC2016 # the dollars in single quotes are JavaScript's
set -euo pipefail
cd "$(dirname "$0")/.."
repo=$PWD

skip() {
  echo "skipped: $1"
  exit 0
}
command -v docker >/dev/null || skip 'there is no docker command'
docker info >/dev/null 2>&1 || skip 'no Docker engine answers (docker info fails)'
composes=()
if docker-compose version >/dev/null 2>&1; then composes+=('docker-compose'); fi
if docker compose version >/dev/null 2>&1; then composes+=('docker compose'); fi
[ ${#composes[@]} -gt 0 ] || skip 'there is no docker-compose and no compose plugin'

# Compose prefers the shell's variables to those of .env, and the operator's are not meant here.
unset REGISTRY_URL OWNER_ADDRESS NODE_TYPE EXPECTED_GPUS DSTACK_URL DSTACK_BACKEND_DSTACK_URL DSTACK_TOKEN \
  DSTACK_TOKEN_FILE WHITELIST_URL ADVERTISE_IP LISTEN_ADDR LOG_LEVEL LOG_FORMAT REGISTRATION_TIMEOUT_MS \
  DATA_DIR DATA_UID DATA_GID WHITELIST_FILE WHITELIST_PORT WHITELIST_MODE ADMIN_PUBKEYS PUBLIC_URL AUDIT_FILE \
  TRUSTED_PROXIES AUTH_HOSTS AUTH_PUBKEY_HEADER AUTH_PUBKEY_QUERY \
  "${!COMPOSE_@}"

PATIENCE=90 # seconds for whatever is waited for
OWNER=0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
TOKEN=the-token-of-the-vmm
KEY_A=$(printf 'a%.0s' {1..64})
KEY_B=$(printf 'b%.0s' {1..64})
# The secret key 1, and its public key: the curve's generator.
LEGACY_KEY=$(printf '%064d' 1)
LEGACY_PUBKEY=79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798

tmp=$(mktemp -d)
pids=()
passed=0
failed=0
finished=
compose= # the command, in words
label=   # its name and version
project= # compose's name for what belongs together; no project is up while empty
folder=  # where the copy of docker-compose.yaml is
image=   # a built image, for what needs root

# Runs a check; its output is the reason when it fails.
check() {
  local name=$1 out
  shift
  if out=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "✓ $label: $name"
    return 0
  fi
  failed=$((failed + 1))
  echo "✗ $label: $name: $(tail -n 6 <<<"$out" | cut -c 1-600 | paste -sd '|')"
  return 1
}

# Waits until a check succeeds.
eventually() {
  local out end=$((SECONDS + PATIENCE))
  until out=$("$@" 2>&1); do
    if [ $SECONDS -ge $end ]; then
      echo "not within $PATIENCE s: $out"
      return 1
    fi
    sleep 0.2
  done
}

equals() {
  [ "$1" = "$2" ] || { echo "expected $2, got $1" && return 1; }
}

contains() {
  [[ $1 == *"$2"* ]] || { echo "expected …$2… in $1" && return 1; }
}

# The status and the body; 000 and the error's code where nobody answers.
get() {
  node -e '
    fetch(process.argv[1], { signal: AbortSignal.timeout(10_000) }).then(
      async (answer) => console.log(`${answer.status} ${await answer.text()}`),
      (error) => console.log(`000 ${error.cause?.code ?? error.name}`),
    )' "$1"
}

answers() {
  contains "$(get "$1")" "$2"
}

# A field of the JSON that a URL answers with.
field() {
  local answer
  answer=$(get "$1")
  [[ $answer == *\{* ]] || { echo "$answer" && return 1; }
  node -p "JSON.parse(process.argv[1])$2" "${answer#* }"
}

free_ports() {
  node -e '
    const { once } = require("node:events")
    const servers = [0, 0].map(() => require("node:net").createServer().listen(0, "127.0.0.1"))
    Promise.all(servers.map((server) => once(server, "listening"))).then(() => {
      console.log(servers.map((server) => server.address().port).join(" "))
      servers.forEach((server) => server.close())
    })'
}

# Whether an address is one of this machine's own, not one of a container network.
is_address_of_host() {
  node -e '
    const found = Object.entries(require("node:os").networkInterfaces())
      .filter(([name]) => !/^(lo|docker|br-|veth)/.test(name))
      .flatMap(([, addresses]) => addresses.map(({ address }) => address))
    const told = process.argv[1]
    if (told === "null" ? found.length === 0 : found.includes(told)) process.exit(0)
    console.log(`${told} is none of ${found}`)
    process.exit(1)' "$1"
}

dc() {
  (cd "$folder" && $compose -p "$project" "$@")
}

container() {
  docker ps -aq --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.service=$1"
}

inspect() {
  docker inspect -f "$2" "$(container "$1")"
}

logs() {
  docker logs "$(container "$1")" 2>&1
}

is_healthy() {
  equals "$(inspect "$1" '{{.State.Health.Status}}')" healthy || { logs "$1" | tail -n 4 && return 1; }
}

# The image's programs as any user, beside the services.
tool() {
  local user=$1
  shift
  docker run --rm --network none --user "$user" -v "$folder:/folder" -w /folder \
    --entrypoint "$1" "$image" "${@:2}"
}

remove_folder() {
  rm -rf "$1" 2>/dev/null || docker run --rm --network none --user 0:0 -v "$tmp:/tmp/all" \
    --entrypoint rm "$image" -rf "/tmp/all/${1#"$tmp"/}"
}

# The classic builder leaves the build stage as an image without a name.
unnamed_images() {
  docker images -q --no-trunc --filter dangling=true | sort
}

# By name, since the operator's images may be the very same ones under other names.
remove_images() {
  local name id
  for name in $(docker images --format '{{.Repository}}:{{.Tag}}' "$project?*"); do
    docker rmi "$name" || return
  done
  for id in $(comm -13 "$tmp/unnamed" <(unnamed_images)); do
    if docker history --no-trunc "$id" | grep -qE 'pnpm fetch|WORKDIR /app'; then
      docker rmi "$id" >/dev/null 2>&1 || true
    fi
  done
}

take_down() {
  [ -n "$project" ] || return 0
  dc down -t 2 -v --remove-orphans || return
  remove_folder "$folder" || return
  remove_images
}

clean_up() {
  local status=$?
  trap - EXIT
  if [ -z "$finished" ]; then
    failed=$((failed + 1))
    echo "✗ the test itself ended early, with status $status"
  fi
  take_down >/dev/null 2>&1 || echo "could not clean up the project $project in $folder"
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  rm -rf "$tmp" || true
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] || exit 1
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

simulate() {
  local name=$1
  shift
  node packages/testbed/dist/testbed.js "$@" --listen 127.0.0.1:0 >"$tmp/$name" 2>&1 </dev/null &
  pids+=($!)
  eventually grep '"url"' "$tmp/$name"
}

# With `localhost`, which is to mean the host.
url_of() {
  node -p 'JSON.parse(process.argv[1]).url.replace("127.0.0.1", "localhost")' "$(cat "$tmp/$1")"
}

write_env() {
  cat >"$folder/.env" <<ENV
REGISTRY_URL=$1
OWNER_ADDRESS=$OWNER
NODE_TYPE=node-H200x8
DSTACK_URL=$(url_of vmm)
DSTACK_TOKEN=$TOKEN
LISTEN_ADDR=127.0.0.1:$backend_port
${2:-}
ENV
}

prepare_project() {
  compose=$1
  label="$compose $($compose version --short)"
  folder=$(mktemp -d "$tmp/project.XXXXXX")
  project="container-test-$$-$RANDOM"
  image=
  read -r whitelist_port backend_port < <(free_ports)
  # For every call, because the first of them have no .env to say it.
  export WHITELIST_PORT=127.0.0.1:$whitelist_port
  whitelist="http://127.0.0.1:$whitelist_port"
  backend="http://127.0.0.1:$backend_port"
  chmod 755 "$tmp" "$folder" # what the containers' users have to pass
  cp docker-compose.yaml "$folder"
  echo "{\"pubkeys\": [\"$KEY_A\"]}" >"$folder/whitelist.json"
  chmod 644 "$folder/whitelist.json"
  # The folder has no sources, and nobody wants to wait for the second health check.
  cat >"$folder/docker-compose.override.yaml" <<YAML
services:
  whitelist: { build: { context: '$repo' }, healthcheck: { interval: 1s } }
  prepare-data: { build: { context: '$repo' } }
  dstack-backend: { build: { context: '$repo' }, healthcheck: { interval: 1s } }
YAML
}

test_build() {
  # The old compose comes with the old builder, so both builders are proved.
  if [[ $label == *' 1.'* ]]; then
    export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0
  else
    unset DOCKER_BUILDKIT COMPOSE_DOCKER_CLI_BUILD
  fi
  check 'builds the images' dc build &&
    image=$(docker images -q "$project?dstack-backend") &&
    check 'the images are there' test -n "$image"
}

test_without_env() {
  check 'starts the whitelist without a .env' dc up -d whitelist
  check 'the whitelist answers on the published port' \
    eventually answers "$whitelist/health" '200 {"status":"ok","keys":1,'
  check 'nothing else was started' equals "$(container prepare-data)$(container dstack-backend)" ''
  check 'a backend without REGISTRY_URL is started' dc up -d dstack-backend
  check 'and says itself what is missing' eventually says_what_is_missing
  check 'and makes no key' equals "$(ls -A "$folder/data")" ''
}

says_what_is_missing() {
  contains "$(logs dstack-backend)" 'REGISTRY_URL: is required' &&
    contains "$(logs dstack-backend)" 'OWNER_ADDRESS: is required' &&
    has_failed
}

# Ended with code 1, and was started again by the engine.
has_failed() {
  equals "$(inspect dstack-backend '{{.State.ExitCode}} {{gt .RestartCount 0}}')" '1 true'
}

test_refusal() {
  write_env "$(url_of refusing)"
  check 'a backend is started whose registry refuses' dc up -d
  check 'it ends with the words of the registry, and never listens' refused_and_closed
}

refused_and_closed() {
  local end=$((SECONDS + PATIENCE))
  until has_failed >/dev/null; do
    [ $SECONDS -lt $end ] || { echo "not within $PATIENCE s: $(has_failed)" && return 1; }
    equals "$(get "$backend/")" '000 ECONNREFUSED' || return
  done
  equals "$(get "$backend/")" '000 ECONNREFUSED' &&
    contains "$(logs dstack-backend)" 'registration refused with 403 on purpose'
}

test_running() {
  write_env "$(url_of registry)"
  check 'starts everything' dc up -d
  # Where they don't, nothing below can hold, and each step would wait in vain.
  check 'the whitelist becomes healthy' eventually is_healthy whitelist || return
  check 'the backend becomes healthy' eventually is_healthy dstack-backend || return
  check 'the whitelist stays on its port whatever LISTEN_ADDR is' \
    answers "$whitelist/api/whitelist?pubkey=$KEY_A" '{"is_whitelisted":true,'
  check 'the backend tells about the GPUs of the VMM, which asks for a token' \
    answers "$backend/health" '\"gpu_count\":8,'
  write_env "$(url_of registry | sed 's/127.0.0.1/host.docker.internal/')"
  check 'starts with an .env that names the host host.docker.internal' dc up -d
  check 'the backend is healthy again' eventually is_healthy dstack-backend || return
  check 'it has the node type of .env' equals "$(field "$backend/" .node_type)" node-H200x8
  check 'it finds nothing wrong with the machine, from inside' exec_backend check
  check 'it is ready' eventually answers "$backend/readyz" '200 {"status":"ready"}'
  check "it has the host's address" is_address_of_host "$(field "$backend/health" .ip_address)"
  check 'the start period is longer than the registration' \
    equals "$(inspect dstack-backend '{{gt .Config.Healthcheck.StartPeriod 10000000000}}')" true
  return 0
}

exec_backend() {
  docker exec "$(container dstack-backend)" node backend.js "$@"
}

test_images() {
  local service
  for service in whitelist:whitelist dstack-backend:backend; do
    check "the image of ${service%:*} has its one file" equals \
      "$(docker run --rm --network none --entrypoint find "$(inspect "${service%:*}" '{{.Image}}')" \
        /app /src -mindepth 1 -type f 2>/dev/null)" "/app/${service#*:}.js"
  done
}

test_hardening() {
  local service
  for service in whitelist dstack-backend; do
    check "$service runs without root, capabilities and a way to get them" \
      equals "$(docker exec "$(container $service)" \
        sed -nE 's/^(Uid|CapEff|CapBnd|NoNewPrivs):\t([0-9a-f]+).*/\1 \2/p' /proc/1/status | paste -sd ' ')" \
      'Uid 1000 CapEff 0000000000000000 CapBnd 0000000000000000 NoNewPrivs 1'
    check "$service is process 1 itself" contains \
      "$(docker exec "$(container $service)" cat /proc/1/cmdline | tr '\0' ' ')" "node ${service#*-}.js"
    check "$service has a read-only root file system" cannot_write $service
    check "$service comes back by itself" \
      equals "$(inspect $service '{{.HostConfig.RestartPolicy.Name}}')" unless-stopped
  done
  check 'the whitelist sees its one file, and only reads it' equals \
    "$(inspect whitelist '{{range .Mounts}}{{.Destination}} {{.RW}}{{println}}{{end}}' | sort | paste -sd ' ')" \
    ' /app/audit true /app/whitelist.json false'
}

cannot_write() {
  contains "$(docker exec "$(container "$1")" touch /tmp/probe 2>&1)" 'Read-only file system'
}

test_key() {
  check 'the key is private, and that of the common user' \
    equals "$(tool 0:0 stat -c '%a %u:%g' data/key)" '600 1000:1000'
  check 'so is the folder' equals "$(tool 0:0 stat -c '%u:%g' data)" '1000:1000'
  check 'a worker with the same user reads the key and writes beside it' worker_can_share
  pubkey=$(field "$backend/health" '.pubkeys[0]') || pubkey=none
  check 'the backend is restarted' dc restart dstack-backend
  check 'it has the same key' eventually has_pubkey "$pubkey"
  check 'everything is stopped' dc stop
  check 'both ended by themselves, with code 0' equals \
    "$(inspect whitelist '{{.State.ExitCode}}')$(inspect dstack-backend '{{.State.ExitCode}}')" 00
  check 'all is taken down and made new' recreate
  check 'it has the same key still' eventually has_pubkey "$pubkey"
  check 'nothing was left to prepare' equals "$(logs prepare-data)" ''
}

worker_can_share() {
  local key
  key=$(docker run --rm --network none --user 1000:1000 --cap-drop ALL -v "$folder/data:/data" \
    --entrypoint sh "$image" -c 'cat /data/key && touch /data/key.pub && rm /data/key.pub') || return
  # What is printed on failure must not be the key.
  [[ $key =~ ^[0-9a-f]{64}$ ]] || { echo "the key has ${#key} characters" && return 1; }
}

has_pubkey() {
  answers "$backend/health" "\"pubkeys\":[\"$1\"]"
}

recreate() {
  dc down && dc up -d
}

test_edits() {
  check 'the whitelist is up' eventually answers "$whitelist/api/list" "[\"$KEY_A\"]"
  echo "{\"pubkeys\": [\"$KEY_A\", \"$KEY_B\"]}" >"$folder/whitelist.json"
  check 'an edit in place is picked up' eventually answers "$whitelist/api/list" "[\"$KEY_A\",\"$KEY_B\"]"
  echo "{\"pubkeys\": [\"$KEY_B\"]}" >"$folder/whitelist.new"
  chmod 644 "$folder/whitelist.new"
  mv "$folder/whitelist.new" "$folder/whitelist.json"
  check 'a file put in its place is reported' \
    eventually answers "$whitelist/health" '"status":"degraded","reason":"./whitelist.json: it was replaced'
  check 'the list from before is still served' answers "$whitelist/api/list" "[\"$KEY_A\",\"$KEY_B\"]"
  check 'the whitelist is restarted' dc restart whitelist
  check 'it serves the new file' eventually answers "$whitelist/api/list" "{\"pubkeys\":[\"$KEY_B\"]}"
  check 'and all is well' answers "$whitelist/health" '200 {"status":"ok","keys":1,'
  sed -i.bak "s/$KEY_B/$KEY_A/" "$folder/whitelist.json"
  check 'a file put in its place with the old one kept is reported too' \
    eventually answers "$whitelist/health" '"status":"degraded","reason":"./whitelist.json: it was replaced'
}

# The list as one mounted file, which can't be replaced: it is changed in place, and the changes are recorded.
test_changes() {
  check 'a list that is mounted read-only is not changed' \
    contains "$(exec_whitelist add "$KEY_B" 2>&1)" 'nothing was changed'
  echo "{\"pubkeys\": [\"$KEY_A\"]}" >"$folder/whitelist.json"
  tool 0:0 chown 1000:1000 whitelist.json
  write_env "$(url_of registry)" 'WHITELIST_MODE=rw'
  check 'the whitelist is started with a list that it may change' dc up -d
  check 'a key is added from the shell' exec_whitelist add "$KEY_B"
  check 'and is allowed' eventually answers "$whitelist/api/check/$KEY_B" '200 {"allowed":true'
  check 'the file outside has it' contains "$(cat "$folder/whitelist.json")" "$KEY_B"
  check 'who did it is recorded' contains \
    "$(docker exec "$(container whitelist)" cat audit/audit.jsonl)" '"action":"allow"'
  check 'the record outlives the container' recreate
  check 'it is there still' eventually contains \
    "$(docker exec "$(container whitelist)" cat audit/audit.jsonl)" "$KEY_B"
}

exec_whitelist() {
  docker exec "$(container whitelist)" node whitelist.js "$@"
}

# A folder and a key that are root's alone, as the program before left them where it ran as root.
test_legacy_key() {
  tool 0:0 sh -c "umask 077 && mkdir legacy && printf %s $LEGACY_KEY >legacy/key && touch legacy/other"
  write_env "$(url_of registry)" $'DATA_DIR=./legacy\nDATA_UID=2345\nDATA_GID=2346'
  check "starts with a key that is root's, in another DATA_DIR and for another user" dc up -d
  check 'it has that key' eventually has_pubkey "$LEGACY_PUBKEY"
  check 'the key changed its owner and nothing else' equals \
    "$(tool 0:0 sh -c 'stat -c "%a %u:%g" legacy/key && cat legacy/key' | paste -sd ' ')" \
    "600 2345:2346 $LEGACY_KEY"
  check 'so did the folder' equals "$(tool 0:0 stat -c '%a %u:%g' legacy)" '700 2345:2346'
  check 'another file in it did not' equals "$(tool 0:0 stat -c '%a %u:%g' legacy/other)" '600 0:0'
  tool 0:0 sh -c 'mkdir linked && ln -s other linked/key && touch linked/other'
  write_env "$(url_of registry)" 'DATA_DIR=./linked'
  check 'prepares a folder whose key is a link' dc up prepare-data
  check 'leaves what the link points to alone' \
    equals "$(tool 0:0 stat -c '%u:%g' linked linked/key linked/other | paste -sd ' ')" '1000:1000 0:0 0:0'
}

leftovers() {
  docker ps -aq --filter "name=$project"
  docker network ls -q --filter "name=$project"
  docker images -q "$project?*"
}

test_take_down() {
  check 'takes all down' take_down
  check 'no container, network or image is left' equals "$(leftovers)" ''
  check 'nothing listens any more' equals "$(get "$whitelist/")$(get "$backend/")" \
    '000 ECONNREFUSED000 ECONNREFUSED'
  project=
}

label=simulators
unnamed_images >"$tmp/unnamed"
check 'are built' node scripts/build.js
simulate vmm vmm --gpus H200x8 --version 0.6.0 --token "$TOKEN"
simulate registry registry
simulate refusing registry --refuse 403

for command in "${composes[@]}"; do
  prepare_project "$command"
  if test_build; then
    test_without_env || true
    test_refusal || true
    if test_running; then
      test_images || true
      test_hardening || true
      test_key || true
      test_edits || true
      test_changes || true
      test_legacy_key || true
    fi
  fi
  test_take_down || true
done
finished=yes
