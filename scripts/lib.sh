# What the entry points share: messages, and the Debian packages they need. To be sourced by bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=${JOBS:-$(nproc)}

build_packages="cmake ninja-build gcc libc6-dev pkg-config libpq-dev libssl-dev libck-dev libcjson-dev uuid-dev libprotobuf-c-dev protobuf-c-compiler libssh-dev libmicrohttpd-dev libzstd-dev"
server_packages="postgresql python3 python3-psycopg2"
test_packages="openssl openssh-server openssh-client pgbouncer man-db zsh python3-prometheus-client binutils zstd libcriterion-dev python3-pytest python3-pytest-xdist python3-pip python3-protobuf python3-yaml systemd git dpkg-dev file"
fuzz_packages="clang libclang-rt-dev"
lint_packages="clang-format clang-tidy"

say() {
    printf '\n==> %s\n' "$*"
}

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q ' installed$'
}

# require_packages NAME ...: install what is missing, and say so first.
require_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "This is not Debian or Ubuntu: please see that you have the equivalents of $*"
        return
    fi
    local missing=() name
    for name in "$@"; do
        installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ]; then
        say "Installing missing packages: ${missing[*]}"
    else
        command -v sudo >/dev/null || die "Missing packages, and no sudo to install them: ${missing[*]}"
        say "Installing missing packages with sudo: ${missing[*]}"
    fi
    without_default_cluster install_packages "${missing[@]}"
}

install_packages() {
    as_root apt-get update -qq || echo "apt-get update failed; trying with the lists that are there" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Debian's postgresql package creates and starts a server of its own. Nobody here needs it.
without_default_cluster() {
    local file=/etc/postgresql-common/createcluster.d/source-postgres.conf status=0
    if installed postgresql-common; then
        "$@"
        return
    fi
    as_root mkdir -p "$(dirname "$file")"
    echo "create_main_cluster = false" | as_root tee "$file" >/dev/null
    "$@" || status=$?
    as_root rm -f "$file"
    return "$status"
}

# The python3 that Debian's packages belong to, even where another one comes first in PATH.
python3=python3
[ ! -x /usr/bin/python3 ] || python3=/usr/bin/python3

python() {
    "$python3" -B "$@"
}

# build DIRECTORY TARGETS PRESET [cmake option ...]: configure and build, quietly unless it fails.
build() {
    local directory=$1 target=$2 preset=$3
    shift 3
    mkdir -p "$(dirname "$directory")"
    (cd "$root" && cmake --preset "$preset" -B "$directory" "$@") >"$directory.log" 2>&1 &&
        cmake --build "$directory" -j "$JOBS" --target "$target" >>"$directory.log" 2>&1 ||
        { tail -n 60 "$directory.log"; return 1; }
}
