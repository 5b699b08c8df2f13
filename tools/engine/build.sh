#!/usr/bin/env bash
# Builds the Pulumi CLI and its Python and YAML hosts from their Go modules, once per user and set of pins, and links
# .engine/bin to the result. Owns only that cache and that link; a `pulumi` on PATH is left alone and used as it is.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
root=$(cd ../.. && pwd)
serves_as_well="A 'pulumi' on PATH serves as well: https://www.pulumi.com/docs/install/"

fail() {
  printf 'make engine: %s\n' "$*" >&2
  printf '%s\n' "$serves_as_well" >&2
  exit 1
}

if on_path=$(command -v pulumi) && [ "${on_path#"$root/.engine/"}" = "$on_path" ]; then
  echo "engine: $on_path ($(pulumi version)), found on PATH"
  exit 0
fi

key=$(cat build.sh ./*/go.mod ./*/go.sum | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/lustre-batch-engine
built=$cache/$key

link() {
  mkdir -p "$root/.engine"
  ln -sfn "$built/bin" "$root/.engine/bin"
  echo "engine: $root/.engine/bin -> $built/bin ($("$built/bin/pulumi" version))"
}

if [ -x "$built/bin/pulumi" ]; then
  link
  exit 0
fi

command -v go >/dev/null || fail "there is no 'go' on PATH to build the Pulumi CLI with."
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two clones that start at once build it once
if [ -x "$built/bin/pulumi" ]; then
  link
  exit 0
fi

staging=$(mktemp -d "$cache/staging.XXXXXX")
trap 'rm -rf "$staging"' EXIT
mkdir -p "$staging/bin"

version_of() { # MODULE-FOLDER MODULE
  (cd "$here/$1" && go list -m -f '{{.Version}}' "$2" 2>"$staging/log") || fail "the module $2 could not be read: $(tail -1 "$staging/log")"
}

# One go.mod for each: they pin different versions of sdk, and 'go install PACKAGE@VERSION' refuses replace directives.
build() { # MODULE-FOLDER MODULE PACKAGE [LDFLAGS]
  local folder=$1 module=$2 package=$3 ldflags=${4:-} version
  version=$(version_of "$folder" "$module")
  echo "engine: building $package $version"
  (cd "$here/$folder" && go mod download "$module" 2>"$staging/log") ||
    fail "the module $module $version could not be downloaded: $(tail -1 "$staging/log")"
  (cd "$here/$folder" && go build -mod=readonly -trimpath -ldflags "-s -w $ldflags" -o "$staging/bin/" "$package" 2>"$staging/log") ||
    fail "$package $version could not be built. Go says: $(grep -v '^go: downloading' "$staging/log" | tail -3)"
}

pulumi=github.com/pulumi/pulumi
build python "$pulumi/sdk/v3" "$pulumi/sdk/v3/python/cmd/pulumi-language-python"
build yaml github.com/pulumi/pulumi-yaml github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml
# The Automation API refuses a CLI that does not know its own version.
build cli "$pulumi/pkg/v3" "$pulumi/pkg/v3/cmd/pulumi" \
  "-X $pulumi/sdk/v3/go/common/version.Version=$(version_of cli "$pulumi/pkg/v3")"

# The Python host starts the program through this script, which lies beside it on PATH.
sdk=$(cd cli && go list -m -f '{{.Dir}}' "$pulumi/sdk/v3")
[ -n "$sdk" ] || fail "the module $pulumi/sdk/v3 $(version_of cli "$pulumi/sdk/v3") could not be downloaded."
install -m 0755 "$sdk/python/cmd/pulumi-language-python-exec" "$staging/bin/"

rm -rf "$built"
mv "$staging" "$built"
trap - EXIT
link
