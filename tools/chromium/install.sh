#!/usr/bin/env bash
# Sees to it that there is a Chromium for the test of the page: the one on PATH, else the distribution's, with what it
# needs. Unlike the other targets it installs for the whole machine: Chromium comes in a dozen packages.
set -euo pipefail

fail() {
  printf 'make chromium: %s\n' "$*" >&2
  exit 1
}

if ! command -v chromium >/dev/null; then
  command -v apt-get >/dev/null || fail "there is no 'chromium' and no 'apt-get' here; install Chromium in another way"
  [ "$(id -u)" = 0 ] || fail "there is no 'chromium' here; it is installed as root: sudo apt-get install chromium"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  install() { DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium >"$log" 2>&1; }
  # A machine that is new has no list of packages yet.
  install || { apt-get update >"$log" 2>&1 && install; } ||
    fail "it could not be installed: $(grep '^E:' "$log" | head -1)"
fi
echo "chromium: $(chromium --version 2>/dev/null)"
