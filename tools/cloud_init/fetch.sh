#!/usr/bin/env bash
# Unpacks the distribution's cloud-init, and what it imports, into .cloud-init for the tests of the user data. Owns that
# folder only: nothing is installed, and a cloud-init that this machine boots with is left alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$PWD/.cloud-init
# The rest of what it imports is in .venv.
packages=(cloud-init python3-configobj python3-jinja2 python3-markupsafe python3-oauthlib python3-six)

fail() {
  printf 'make cloud-init: %s\n' "$*" >&2
  exit 1
}

if [ -e "$target/complete" ]; then
  echo "cloud-init: $(cat "$target/complete"), in $target"
  exit 0
fi
for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || fail "there is no '$program' here; it takes the packages of Debian or Ubuntu"
done
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
chmod 755 "$staging"
download() { (cd "$staging" && apt-get download "${packages[@]}" >log 2>&1); }
# A machine that is new has no list of packages yet.
download || { apt-get update >"$staging/log" 2>&1 && download; } ||
  fail "the packages could not be downloaded: $(grep '^E:' "$staging/log" | head -1)"
rm -rf "$target"
for package in "$staging"/*.deb; do dpkg-deb --extract "$package" "$target"; done
dpkg-deb --field "$staging"/cloud-init_*.deb Version >"$target/complete"
echo "cloud-init: $(cat "$target/complete"), in $target"
