#!/usr/bin/env bash
# Installs what the tests need and runs them all. `tests/run.sh --help` says more.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tests/run.sh [--install] [NEXTEST ARGUMENTS...]

Installs what the tests need, where it is missing, and runs all tests:

  1. the crate's tests, with all features       cargo nextest run --all-features
  2. those that need no feature, without any    cargo nextest run --no-default-features
  3. the examples in its documentation          cargo test --doc --all-features
  4. the worker against a Temporal dev server,
     and the commands of README and the manual   cargo nextest run -p private-ca-worker
  5. the namespace API against a stand-in       cargo nextest run -p private-ca-cloud-ops-stand-in

  --install     install only, and run nothing
  --help        this text
  ARGUMENTS     go to `cargo nextest run` of step 1, and only that step runs:
                tests/run.sh -E 'test(verify)'      tests/run.sh --no-capture local_ca

What it installs:
  with apt       nginx-light, openssl, libssl-dev and pkg-config (for the benchmarks' peer),
                 openssh-client, ca-certificates, python3-venv, each only if missing or unfit; with
                 sudo for a user who is not root
  with pip       tests/tools.txt, into a virtual environment in the target folder
What it expects: a Rust toolchain with a C compiler, and Python 3.10 or later.

What is not run: tests/aws_account.rs, which creates CAs in an AWS account and so costs money. With
credentials and region where every AWS tool looks for them:
  cargo nextest run --features aws --test aws_account --run-ignored only --no-capture
All others that speak to AWS speak to stand-ins on loopback; moto is one.

CARGO_TARGET_DIR is honoured. A test that finds a tool missing fails: no other is skipped.
END
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."

install_only=false
case "${1-}" in
  -h | --help) usage; exit 0 ;;
  --install) install_only=true; shift ;;
esac

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
tools=$target/test-tools
venv=$tools/venv
summary=$tools/summary.txt
mkdir -p "$tools"

# Debian keeps servers where an ordinary user's PATH does not look.
export PATH="$venv/bin:$PATH:/usr/sbin:/sbin"

die() { printf 'tests/run.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# --- Debian's packages: the versions are pinned by the Debian release. ---------------------------

apt_install() {
  local as_root=env
  have apt-get || die "missing: $*. This system has no apt: install it with the system's own" \
    "package manager, then run this again."
  if [ "$(id -u)" -ne 0 ]; then
    have sudo || die "missing: $*. Installing it takes root, and there is no sudo. As root:" \
      "apt-get install $*"
    as_root="sudo env"
  fi
  printf 'installing %s\n' "$*"
  # RUNLEVEL and SYSTEMD_OFFLINE: a package is installed, but its service is not started.
  local -a apt
  # shellcheck disable=SC2206 # as_root is one or two words
  apt=($as_root DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get -qq)
  # The lists are fetched only when what is there does not suffice.
  "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >"$tools/apt.log" 2>&1 ||
    { "${apt[@]}" update </dev/null >"$tools/apt.log" 2>&1 &&
      "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >>"$tools/apt.log" 2>&1; } ||
    { cat "$tools/apt.log" >&2; die "apt could not install: $*"; }
}

# The frontend of the mTLS tests: TLS, HTTP/2 and gRPC.
nginx_fits() {
  local built
  have nginx && built=$(nginx -V 2>&1) &&
    [[ $built == *http_ssl_module* && $built == *http_v2_module* &&
      $built != *without-http_grpc_module* ]]
}
openssl_fits() {
  local options
  have openssl && options=$(openssl s_client -help 2>&1) && [[ $options == *-tls1_3* ]]
}
# The benchmarks' peer: `RUSTFLAGS="--cfg bench_openssl" cargo bench`.
openssl_headers_fit() {
  printf '#include <openssl/opensslv.h>\n' | cc -E - >/dev/null 2>&1
}
# moto asks for 3.10.
venv_fits() {
  python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

install_tools() {
  nginx_fits || apt_install nginx-light
  nginx_fits || die "nginx is here, but without TLS, HTTP/2 or gRPC: $(command -v nginx)"
  openssl_fits || apt_install openssl
  openssl_fits || die "openssl is here, but does not know TLS 1.3: $(command -v openssl)"
  have ssh-keygen || apt_install openssh-client
  if have apt-get && [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
    apt_install ca-certificates
  fi
  venv_fits || apt_install python3 python3-venv
  venv_fits || die "python3 is here, but older than 3.10 or without venv: $(command -v python3)"

  # A virtual environment that was left half made is made anew.
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$venv"
  # Asks no server when the pinned versions are there already.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tests/tools.txt

  have cargo || die "cargo is missing: install Rust, at least the version in Cargo.toml"
  have cc || apt_install gcc libc6-dev
  openssl_headers_fit || apt_install libssl-dev pkg-config
  openssl_headers_fit || die "OpenSSL's headers are not where the C compiler looks for them"
  printf '%s\n' "$(nginx -v 2>&1)" "$(openssl version)" "$(temporal --version)" \
    "moto $("$venv/bin/python" -c 'from importlib.metadata import version; print(version("moto"))')" \
    "$(cargo nextest --version | sed -n 1p)"
}

# --- The runs. -----------------------------------------------------------------------------------

show() { printf '\n$ %s\n' "$*"; }

# Runs a test runner, shows all it prints, and keeps its closing line under a name.
closing() {
  local name=$1 pattern=$2 log=$tools/run.log
  shift 2
  show "$@"
  "$@" 2>&1 | tee "$log"
  {
    printf '%s\n' "$name"
    # Without colours, so that the line can be matched.
    sed $'s/\x1b\\[[0-9;]*m//g' "$log" | grep -E "$pattern" ||
      { printf 'tests/run.sh: no closing line from: %s\n' "$*" >&2; exit 1; }
  } >>"$summary"
}

install_tools
if $install_only; then exit 0; fi

# The tests end with a failure, not a skip, when a tool is missing under CI=true. Here the tools were
# just installed, so that one which is missing is a fault everywhere, not only in CI.
export CI=true
profile=${NEXTEST_PROFILE:-ci}
# What is shown passes through a pipe.
if [ -t 1 ]; then export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-always}; fi

if [ "$#" -gt 0 ]; then
  show cargo nextest run --locked --all-features --profile "$profile" "$@"
  exec cargo nextest run --locked --all-features --profile "$profile" "$@"
fi

: >"$summary"
closing 'documentation' '^test result:' \
  cargo test --locked --doc --all-features
# The worker's journey on AWS talks to it; the tests of the namespace API run the command.
show cargo build --locked --all-features --example aws-stand-in --bin private-ca
cargo build --locked --all-features --example aws-stand-in --bin private-ca
closing 'worker' '^ +Summary ' \
  cargo nextest run --locked --profile "$profile" -p private-ca-worker
closing 'cloud' '^ +Summary ' \
  env PRIVATE_CA="$target/debug/private-ca" \
  cargo nextest run --locked --profile "$profile" -p private-ca-cloud-ops-stand-in
closing 'core' '^ +Summary ' \
  cargo nextest run --locked --profile "$profile" --no-default-features
closing 'crate' '^ +Summary ' \
  cargo nextest run --locked --profile "$profile" --all-features

# The tests that need an AWS account are all that may be left out.
account_tests=$(cargo nextest list --locked --all-features --profile "$profile" \
  --run-ignored only --message-format oneline --cargo-quiet)
if others=$(grep -v '^private-ca::aws_account ' <<<"$account_tests"); then
  die "only the tests of tests/aws_account.rs may be ignored:" "$others"
fi
account_count=$(wc -l <<<"$account_tests")

printf '\n'
cat "$summary"
if sed "/^crate\$/,\$ s/, $account_count skipped\$//" "$summary" |
  grep -E '\b[1-9][0-9]* (skipped|ignored|filtered out)' >&2; then
  die "a test was skipped; only the $account_count of tests/aws_account.rs may be"
fi
printf '%s\n' "not run: $account_count tests that need an AWS account and cost money; to run them:" \
  '  cargo nextest run --features aws --test aws_account --run-ignored only --no-capture' |
  tee -a "$summary"
