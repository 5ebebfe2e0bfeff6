#!/usr/bin/env bash
# Puts a working @confluentinc/kafka-javascript into node_modules where its binary cannot be downloaded: built once from source
# with the system's libraries (about 75 s), then taken from the cache. Does nothing where the client loads already.
# Needs g++, make, python3 and the headers of OpenSSL and zlib (Debian: libssl-dev zlib1g-dev).
#
# Settings: GOGOBE_CACHE (~/.cache/gogobe).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
name=@confluentinc/kafka-javascript
node=$(npx --no-install node -p process.execPath)
loads() { "$node" -e "require('$name')" >/dev/null 2>&1; }
if loads; then exit 0; fi

version=$("$node" -p "require('./package-lock.json').packages['node_modules/$name'].version")
abi=$("$node" -p '[process.versions.modules, process.platform, process.arch].join("-")')
cached=${GOGOBE_CACHE:-$HOME/.cache/gogobe}/kafka-client-$version-$abi

# Builds in a directory of its own: a failing install must not touch the node_modules that are in use.
build() {
  local work headers
  work=$(mktemp -d)
  trap 'rm -rf "$work"' RETURN
  # npm's platform packages of node carry the headers that match the pinned version.
  headers=node-$("$node" -p '[process.platform, process.arch].join("-")')
  npm install --silent --no-save --prefix "$work/headers" "$headers@$("$node" -p process.versions.node)" >/dev/null
  headers=$work/headers/node_modules/$headers
  printf '{"private":true,"dependencies":{"%s":"%s"}}' "$name" "$version" >"$work/package.json"
  # JOBS and MAKEFLAGS would build librdkafka in the wrong order.
  (cd "$work" && env -u JOBS -u MAKEFLAGS CKJS_LINKING=dynamic npm_config_build_from_source=true \
    npm_config_nodedir="$headers" PATH="$(dirname "$node"):$PATH" npm install --foreground-scripts >build.log 2>&1) || {
    tail -30 "$work/build.log" >&2
    return 1
  }
  local package=$work/node_modules/$name
  rm -rf "$cached.tmp" && mkdir -p "$cached.tmp/$name/build/Release" "$cached.tmp/$name/build/deps"
  (cd "$package" && cp -r lib types index.d.ts librdkafka.js package.json LICENSE* "$cached.tmp/$name/")
  cp "$package"/build/Release/*.node "$cached.tmp/$name/build/Release/"
  cp -a "$package"/build/deps/*.so* "$cached.tmp/$name/build/deps/"
  strip "$cached.tmp/$name"/build/Release/*.node "$cached.tmp/$name"/build/deps/*.so.1 2>/dev/null || true
  # What it needs at run time, beside itself, so that nothing else in node_modules changes.
  mkdir -p "$cached.tmp/$name/node_modules"
  cp -r "$work/node_modules/bindings" "$work/node_modules/file-uri-to-path" "$cached.tmp/$name/node_modules/"
  rm -rf "$cached" && mv "$cached.tmp" "$cached"
}

[ -d "$cached/$name/build/Release" ] || build
rm -rf "node_modules/$name"
mkdir -p "node_modules/$(dirname "$name")"
cp -a "$cached/$name" "node_modules/$name"
loads || { echo "the Kafka client was put into node_modules but does not load" >&2; "$node" -e "require('$name')"; }
