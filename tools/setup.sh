#!/bin/sh
# Installs what package-lock.json pins, chooses the Node to run on, bundles the web pages. Called by ./gyre with GYRE_ROOT set.
# Two at once are safe: one installs under a lock, the other waits and finds all done. All it says goes to the error stream.
set -eu

root=${GYRE_ROOT:?}
modules=$root/node_modules
stamp=$modules/.gyre-lock.json
node=$modules/.gyre-node
lock=$root/.gyre-setup.lock
host=$(uname -n)
needed='26.10'

say() { printf 'gyre: %s\n' "$*" >&2; }
fail() {
  say "$@"
  exit 1
}
is_ready() { [ -x "$node" ] && cmp -s "$root/package-lock.json" "$stamp"; }

# --- one set-up at a time ---------------------------------------------------------------------------------------------

# The lock is a folder (mkdir is atomic) that names its owner. It is stale when its owner is gone, or, where that cannot be
# asked (another machine, killed before it wrote its name), when it is old.
is_stale() {
  owner=$(cat "$1/owner" 2>/dev/null || true)
  case $owner in
    "$host "*) ! kill -0 "${owner#* }" 2>/dev/null ;;
    '') [ -n "$(find "$1" -prune -mmin +1 2>/dev/null)" ] ;;
    *) [ -n "$(find "$1" -prune -mmin +15 2>/dev/null)" ] ;;
  esac
}

# Only the holder of the second, short-lived lock may remove a stale first one: so nobody removes a lock that was renewed meanwhile.
break_stale_lock() {
  if mkdir "$lock.breaking" 2>/dev/null; then
    if is_stale "$lock"; then rm -rf "$lock"; fi
    rmdir "$lock.breaking"
  elif [ -n "$(find "$lock.breaking" -prune -mmin +1 2>/dev/null)" ]; then
    rmdir "$lock.breaking" 2>/dev/null || true
  fi
}

waited=0
until mkdir "$lock" 2>/dev/null; do
  [ -w "$root" ] || fail "cannot set up: $root is not writable"
  if is_stale "$lock"; then
    break_stale_lock
    continue
  fi
  [ "$waited" -gt 0 ] || say 'another set-up is running, waiting for it'
  waited=$((waited + 1))
  [ "$waited" -lt 600 ] || fail "still waiting after ten minutes; if no set-up is running, remove $lock"
  sleep 1
done
trap 'rm -rf "$lock"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
printf '%s %s\n' "$host" "$$" >"$lock/owner"
if is_ready; then exit 0; fi
# What is installed: the file may be another one by the end, such as after a merge meanwhile.
cp "$root/package-lock.json" "$lock/installed.json"

# --- install ----------------------------------------------------------------------------------------------------------

command -v npm >/dev/null 2>&1 || fail "npm is needed for the set-up: install Node 20 or newer with npm (https://nodejs.org), then run this again"
version=$(node -p 'process.versions.node' 2>/dev/null) || fail 'node is needed for the set-up: install Node 20 or newer (https://nodejs.org)'
[ "${version%%.*}" -ge 20 ] || fail "Node $version is too old for the set-up: Node 20 or newer is needed"

started=$(date +%s)
say "setting up: installing what package-lock.json pins (about half a minute, once)"
log=$lock/npm.log
if ! (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1 </dev/null); then
  tail -n 20 "$log" >&2
  fail 'npm ci failed (its last lines are above); is the package registry reachable?'
fi
installed=$(($(date +%s) - started))

# --- the Node to run on -----------------------------------------------------------------------------------------------

is_new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number), [c, d] = process.argv[1].split(".").map(Number);
    process.exit(a > c || (a === c && b >= d) ? 0 : 1)' "$needed" >/dev/null 2>&1
}

chosen=''
for candidate in "$modules"/node-*/bin/node "$(command -v node)"; do
  if [ -x "$candidate" ] && is_new_enough "$candidate"; then
    chosen=$candidate
    break
  fi
done
[ -n "$chosen" ] || fail "no Node for $(uname -sm) comes with Gyre: install Node $needed or newer (https://nodejs.org); found $version"
# A relative link survives moving the checkout.
case $chosen in "$modules"/*) ln -sf "${chosen#"$modules"/}" "$node" ;; *) ln -sf "$chosen" "$node" ;; esac

# --- leave out what this machine never loads (300 MB) -----------------------------------------------------------------

platform=$("$node" -p 'process.platform')
arch=$("$node" -p 'process.arch')
for folder in "$modules"/onnxruntime-node/bin/napi-v*/*; do
  [ -d "$folder" ] || continue
  if [ "${folder##*/}" != "$platform" ]; then
    rm -rf "$folder"
  else
    for inner in "$folder"/*; do [ "${inner##*/}" = "$arch" ] || rm -rf "$inner"; done
  fi
done
rm -rf "$modules"/node-*/include "$modules"/node-*/share

# --- a quicker start --------------------------------------------------------------------------------------------------

"$node" "$root/tools/join-program.ts" >&2 || say 'the program could not be joined (see above): every start takes a second longer'

# --- the web pages ----------------------------------------------------------------------------------------------------

if [ -f "$root/ui/main.tsx" ]; then
  # Not the end of a set-up: every other verb works without them, and `gyre up` tries again.
  "$node" "$root/src/app/build-ui.ts" >&2 || say 'the web pages could not be bundled (see above)'
fi

# The stamp comes last and moves in place whole: a set-up that was killed half-way runs again.
cp "$lock/installed.json" "$stamp.$$"
mv "$stamp.$$" "$stamp"
say "ready in $(($(date +%s) - started)) s (packages $installed s, Node $("$node" -p 'process.versions.node'))"
