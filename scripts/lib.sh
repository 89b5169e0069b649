# shellcheck shell=bash
# What the scripts share: where things are, what the build needs, how it is said when something is missing.
# To be sourced by a script in this folder.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/lectern/target}
BIN=$CARGO_TARGET_DIR/release
# A compiler cache, where there is one, makes a second target directory cheap. It is never required.
if [ -d /usr/lib/ccache ]; then PATH=/usr/lib/ccache:$PATH; fi

QUIET=${QUIET:-}
say() { [ -n "$QUIET" ] || printf '%s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
usage_error() { printf 'error: %s\n' "$*" >&2; exit 2; }

# The names of what the build needs and this machine lacks, one a line.
missing_tools() {
  command -v cargo >/dev/null 2>&1 || printf 'rust\n'
  command -v protoc >/dev/null 2>&1 || printf 'protoc\n'
  command -v c++ >/dev/null 2>&1 || command -v g++ >/dev/null 2>&1 || command -v clang++ >/dev/null 2>&1 || printf 'a C++ compiler\n'
  have_libclang || printf 'libclang\n'
}

have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  ldconfig -p 2>/dev/null | grep -q 'libclang[-.]' && return 0
  compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null && return 0
  compgen -G '/usr/lib*/libclang*.so*' >/dev/null && return 0
  command -v xcrun >/dev/null 2>&1
}

# The command that installs the three, for this machine; empty when its package manager is not known.
install_command() {
  local sudo=''
  [ "$(id -u)" = 0 ] || sudo='sudo '
  if command -v apt-get >/dev/null 2>&1; then
    printf '%s' "${sudo}apt-get update && ${sudo}env DEBIAN_FRONTEND=noninteractive apt-get install -y protobuf-compiler libclang-dev g++"
  elif command -v dnf >/dev/null 2>&1; then
    printf '%s' "${sudo}dnf install -y protobuf-compiler clang-devel gcc-c++"
  elif command -v brew >/dev/null 2>&1; then
    printf '%s' 'brew install protobuf llvm'
  fi
}

# Installs protoc, libclang and a C++ compiler where they are missing; asks first when a person is there.
ensure_tools() {
  local missing command answer
  missing=$(missing_tools | paste -sd, - | sed 's/,/, /g')
  [ -n "$missing" ] || return 0
  case $missing in
    *rust*) fail 'cargo is missing. Install Rust 1.95 or newer (https://rustup.rs), open a new shell, and run this again.' ;;
  esac
  command=$(install_command)
  [ -n "$command" ] || fail "the build needs: $missing. Install them with this system's packages, and run this again."
  command -v apt-get >/dev/null 2>&1 || say "note: installing this way is untested on this system: $command"
  if [ -t 0 ] && [ -z "${CI:-}" ]; then
    printf 'The build needs %s. Install with\n  %s\n? [Y/n] ' "$missing" "$command" >&2
    read -r answer
    case $answer in [nN]*) fail "nothing was installed; the build needs: $missing" ;; esac
  else
    say "Installing what the build needs: $missing"
  fi
  bash -c "$command" >&2 || fail "the installation failed: $command"
  missing=$(missing_tools | paste -sd, -)
  [ -z "$missing" ] || fail "still missing after the installation: $missing"
}

# Refuses to start what the disk cannot hold: MiB needed, and where.
ensure_disk() {
  local need_mib=$1 where=$2 free_kib
  mkdir -p "$where" || fail "cannot make the folder $where"
  free_kib=$(df -Pk "$where" | awk 'NR==2 {print $4}')
  [ "$free_kib" -ge $((need_mib * 1024)) ] ||
    fail "$where has $((free_kib / 1024)) MiB free and $need_mib MiB are needed. Free some space, or choose a folder on a larger disk."
}

# Whether RocksDB is compiled in this target directory.
have_rocksdb() { compgen -G "$BIN/build/librocksdb-sys-*/out/librocksdb.a" >/dev/null; }

# Builds the whole workspace in the one profile, unless a caller that has built it says so.
build() {
  [ -z "${LECTERN_SKIP_BUILD:-}" ] || return 0
  ensure_tools
  if have_rocksdb; then
    say 'Building (RocksDB is compiled already: a few minutes at most) …'
  else
    ensure_disk 6144 "$CARGO_TARGET_DIR"
    say 'Building for the first time: about 25 minutes on two cores, most of it RocksDB, once …'
  fi
  (cd "$ROOT" && cargo build --release --workspace --locked --quiet) >&2 || fail 'the build failed: see above'
}
