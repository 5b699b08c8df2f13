#!/usr/bin/env bash
# Checks the GitHub workflows: with an `actionlint` on PATH, or with the one that go.mod pins, which Go builds once and
# keeps in its own cache. Without either it says so; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! checker=$(command -v actionlint); then
  if ! command -v go >/dev/null; then
    echo "make lint: .github/workflows is not checked, since there is neither 'actionlint' nor 'go' on PATH" >&2
    [ "${CI:-}" != true ] || exit 1
    exit 0
  fi
  checker=$(go -C tools/actionlint tool -n actionlint)
fi
exec "$checker" -shellcheck .venv/bin/shellcheck "$@"
