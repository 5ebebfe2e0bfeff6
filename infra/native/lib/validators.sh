# Tools that only check files: `kubectl kustomize` and `docker compose config` need no cluster and no engine.

kubectl_ready() { require_program kubectl kubernetes-client; }

# Compose v2, with or without the Docker command line before it: Debian 12 has only v1, so the next release's is unpacked.
compose() {
  if docker compose version >/dev/null 2>&1; then
    docker compose "$@"
    return
  fi
  local home="$CACHE_DIR/docker-compose"
  local program="$home/usr/libexec/docker/cli-plugins/docker-compose"
  [ -x "$program" ] || unpack_from_trixie "$home" docker-compose
  "$program" "$@"
}
