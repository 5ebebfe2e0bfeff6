# Tools that only check files: `kubectl kustomize` and `docker compose config` need no cluster and no engine.

install_debian_package() {
  [ "$(id -u)" = 0 ] || fail "$1 is missing; install Debian's package $1 as root"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >"$RUN_DIR/apt-$1.log" 2>&1 ||
    { apt-get update -q >"$RUN_DIR/apt-update.log" 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >"$RUN_DIR/apt-$1.log" 2>&1; } ||
    fail "Debian's package $1 could not be installed; see $RUN_DIR/apt-$1.log"
}

kubectl_ready() { command -v kubectl >/dev/null || install_debian_package kubernetes-client; }

# Compose v2 as a plugin: Debian 12 has only v1, so the plugin is taken out of the next release's package, without installing it.
compose_ready() {
  docker compose version >/dev/null 2>&1 && return
  local plugins="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins" lists="$RUN_DIR/trixie"
  need docker "the Docker command line (no engine) reads compose files"
  mkdir -p "$plugins" "$lists/state/lists/partial" "$lists/cache/archives/partial" "$lists/deb"
  sed 's/bookworm/trixie/g' /etc/apt/sources.list.d/debian.sources >"$lists/trixie.sources"
  local options=(-o "Dir::Etc::sourcelist=$lists/trixie.sources" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$lists/state/lists" -o "Dir::Cache=$lists/cache" -o APT::Sandbox::User=root)
  (cd "$lists/deb" && apt-get -q "${options[@]}" update && apt-get -q "${options[@]}" download docker-compose && dpkg -x docker-compose_*.deb .) \
    >"$RUN_DIR/compose.log" 2>&1 || fail "the compose plugin could not be fetched; see $RUN_DIR/compose.log"
  cp "$(find "$lists/deb" -name docker-compose -path '*cli-plugins*' -type f)" "$plugins/docker-compose"
  docker compose version >/dev/null || fail "the compose plugin does not run"
}
