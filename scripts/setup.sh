#!/bin/bash
# Makes sure of what a build (`setup.sh build`) or everything (`setup.sh all`) needs: Node.js, system packages, npm packages.
# As root on a system with apt, missing system packages are installed; else one line says which ones are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly SCOPE=${1:-all}
readonly NODE_MAJOR_MIN=20 NODE_MINOR_MIN=19

fail() {
  echo "setup: $*" >&2
  exit 1
}

check_node() {
  command -v node >/dev/null || fail "Node.js was not found; install Node.js $NODE_MAJOR_MIN.$NODE_MINOR_MIN or later (https://nodejs.org)"
  command -v npm >/dev/null || fail "npm was not found; it comes with Node.js from https://nodejs.org, or: apt install npm"
  local version major minor
  version=$(node -p process.versions.node)
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  if ((major < NODE_MAJOR_MIN || (major == NODE_MAJOR_MIN && minor < NODE_MINOR_MIN))); then
    fail "Node.js is $version; needed is $NODE_MAJOR_MIN.$NODE_MINOR_MIN or later (https://nodejs.org)"
  fi
}

# Debian packages whose program is not there. /usr/sbin is where the network tools are, also for who is not root.
missing_packages() {
  local PATH=$PATH:/usr/sbin:/sbin
  local pairs=(g++=g++ make=make)
  if [[ $SCOPE == all ]]; then
    pairs+=(ip=iproute2 ping=iputils-ping tcpdump=tcpdump iperf3=iperf3 nft=nftables sysctl=procps flock=util-linux
      ethtool=ethtool iptables=iptables busybox=busybox-static dockerd=docker.io dig=bind9-dnsutils)
  fi
  local pair
  for pair in "${pairs[@]}"; do
    command -v "${pair%%=*}" >/dev/null || echo "${pair#*=}"
  done
}

ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)); then
    # Who is not root cannot run the system tests either: only the compilers stop them.
    local -r wanted="apt install --no-install-recommends ${missing[*]}"
    [[ " ${missing[*]} " =~ " g++ "|" make " ]] && fail "missing system packages; as root: $wanted"
    echo "setup: for the demo and the system tests, as root: $wanted" >&2
    return 0
  fi
  command -v apt-get >/dev/null || fail "missing programs; install what holds them on this system: ${missing[*]}"
  echo "setup: installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 || fail "apt-get update failed; install by hand: ${missing[*]}"
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    fail "apt-get install failed; install by hand: ${missing[*]}"
}

# Of what one of the system tests needs, which is skipped without it: not every system has the packages.
ensure_optional() {
  local -r program=$1
  shift
  [[ $SCOPE == all && $EUID == 0 ]] || return 1
  ! command -v "$program" >/dev/null && apt-cache show "$@" >/dev/null 2>&1 || return 1
  echo "setup: installing $*" >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
    echo "setup: $* could not be installed: what it tests is skipped" >&2
}

# Prometheus reads our metrics.
ensure_prometheus() {
  ensure_optional prometheus prometheus || return 0
  # Only its programs are wanted.
  if [[ -d /run/systemd/system ]]; then systemctl disable --now prometheus >&2 || true; fi
}

# The page is looked at in a real browser.
ensure_browser() {
  ensure_optional chromedriver chromium chromium-driver || return 0
}

# npm writes node_modules/.package-lock.json when it is done.
ensure_modules() {
  local -r done=node_modules/.package-lock.json
  [[ -e $done && ! package-lock.json -nt $done ]] && return 0
  echo "setup: installing npm packages" >&2
  npm ci --loglevel=error >&2 || fail "npm ci failed; see above, then run make again"
  touch "$done"
}

check_node
ensure_packages
ensure_prometheus
ensure_browser
ensure_modules
