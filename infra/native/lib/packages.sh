# What the machine lacks: Debian's packages where this runs as root there, a plain request to the reader elsewhere.

install_debian_package() {
  [ "$(id -u)" = 0 ] && [ -x /usr/bin/apt-get ] || fail "$1 is missing; install it (Debian's package is called $1)"
  say "installing Debian's package $1"
  apt_install "$1" || { apt-get update -q >"$RUN_DIR/apt-update.log" 2>&1 && apt_install "$1"; } ||
    fail "Debian's package $1 could not be installed; see $RUN_DIR/apt-$1.log"
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" >"$RUN_DIR/apt-$1.log" 2>&1; }

# require_program <program> <package>: installs the package where the program is missing.
require_program() { command -v "$1" >/dev/null 2>&1 || install_debian_package "$2"; }

# require_headers <package>…: development packages have no program to look for.
require_headers() {
  command -v dpkg >/dev/null 2>&1 || return 0
  local package
  for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || install_debian_package "$package"; done
}

# unpack_from_trixie <directory> <package>…: packages of the release after Debian 12, unpacked and not installed, so that the machine
# keeps its own.
unpack_from_trixie() {
  local target="$1" lists="$RUN_DIR/trixie" package
  shift
  [ -r /etc/apt/sources.list.d/debian.sources ] || fail "$1 is missing, and this is no Debian to take it from; install it"
  mkdir -p "$target" "$lists/state/lists/partial" "$lists/cache/archives/partial" "$lists/deb"
  sed 's/bookworm/trixie/g' /etc/apt/sources.list.d/debian.sources >"$lists/trixie.sources"
  local options=(-o "Dir::Etc::sourcelist=$lists/trixie.sources" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$lists/state/lists" -o "Dir::Cache=$lists/cache" -o APT::Sandbox::User=root)
  (cd "$lists/deb" && rm -f ./*.deb && apt-get -q "${options[@]}" update && apt-get -q "${options[@]}" download "$@" &&
    for package in *.deb; do dpkg -x "$package" "$target" || exit 1; done) >"$RUN_DIR/trixie.log" 2>&1 ||
    fail "$* could not be fetched; see $RUN_DIR/trixie.log"
}

# Go 1.21 or newer, which fetches the version that a module asks for; Debian 12's is older.
go_ready() {
  local home="$CACHE_DIR/go-1.24"
  ! go_is_new_enough || return 0
  if [ ! -x "$home/usr/lib/go-1.24/bin/go" ]; then
    unpack_from_trixie "$home.draft" golang-1.24-go golang-1.24-src
    # The package's source tree lies elsewhere and is linked by absolute paths.
    local link
    for link in api misc src test; do
      [ ! -L "$home.draft/usr/lib/go-1.24/$link" ] || ln -sfn "../../share/go-1.24/$link" "$home.draft/usr/lib/go-1.24/$link"
    done
    rm -rf "$home" && mv "$home.draft" "$home"
  fi
  # Debian sets its Go to refuse newer toolchains.
  export GOROOT="$home/usr/lib/go-1.24" GOTOOLCHAIN=auto PATH="$home/usr/lib/go-1.24/bin:$PATH"
  go version >/dev/null || fail "Go was fetched but does not run"
}

go_is_new_enough() {
  local version
  version="$(go version 2>/dev/null)" || return 1
  [[ $version =~ go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 21 ]
}
