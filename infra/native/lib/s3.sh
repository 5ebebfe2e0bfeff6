# Two S3 servers, so that nothing depends on one: MinIO (its community project is archived) and versitygw (kept).
MINIO_VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
VERSITYGW_VERSION=v1.8.0

# install_go_program <name> <module@version>: into the cache, once.
install_go_program() {
  local target="$CACHE_DIR/bin/$1-${2##*@}"
  if [ ! -x "$target" ]; then
    go_ready
    say "building $1 (once on this machine)"
    mkdir -p "$CACHE_DIR/bin" "$CACHE_DIR/go"
    GOBIN="$CACHE_DIR/go" go install -ldflags="-s -w" "$2" >&2
    mv "$CACHE_DIR/go/$1" "$target"
  fi
  echo "$target"
}

s3_up() {
  local program
  export S3_USER=gogobe
  S3_PASSWORD="$(secret_of s3)"
  case "$1" in
    minio)
      program="$(install_go_program minio "github.com/minio/minio@$MINIO_VERSION")"
      if ! alive "$RUN_DIR/minio.pid"; then
        MINIO_ROOT_USER="$S3_USER" MINIO_ROOT_PASSWORD="$S3_PASSWORD" \
          start minio "$program" server "$RUN_DIR/minio" --address "127.0.0.1:$(port_of minio)"
      fi
      wait_for MinIO 60 curl -fsS "http://127.0.0.1:$(port_of minio)/minio/health/live"
      ;;
    versitygw)
      program="$(install_go_program versitygw "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW_VERSION")"
      if ! alive "$RUN_DIR/versitygw.pid"; then
        mkdir -p "$RUN_DIR/versitygw"
        ROOT_ACCESS_KEY="$S3_USER" ROOT_SECRET_KEY="$S3_PASSWORD" \
          start versitygw "$program" --port "127.0.0.1:$(port_of versitygw)" posix "$RUN_DIR/versitygw"
      fi
      wait_for versitygw 30 curl -sS "http://127.0.0.1:$(port_of versitygw)/"
      ;;
    *) fail "unknown S3 server \"$1\": minio or versitygw" ;;
  esac
}
