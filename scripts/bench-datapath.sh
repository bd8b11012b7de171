#!/bin/bash
# Speed of the packet engine against a bare forwarder, in one run on this machine, as root:
#
#   scripts/bench-datapath.sh CEILING.cpp [BUILD_DIR]
#
# CEILING.cpp: the yardstick's source (a forwarder called as `ceiling TAP LOCAL_IP REMOTE_IP`). BUILD_DIR: the compiled
# TypeScript (default: build).
#
#   namespace wb-a ── veth 192.0.2.1/2, MTU 1500 ── namespace wb-b
#   tap 198.51.100.1 ════════ datagrams ═══════════ tap 198.51.100.2
#
# One TCP stream by iperf3, SECONDS_EACH (default 4) per round, ROUNDS (default 3) rounds; the best of each is compared.
# CIPHER: chacha20-poly1305 (default) or aes-256-gcm. SHAPE: split (default) or single. OFF: offloads to switch off.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,14p' "$0" >&2; exit 2; }
ceiling_source=$1 build=${2:-build}
cipher=${CIPHER:-chacha20-poly1305} shape=${SHAPE:-split} seconds=${SECONDS_EACH:-4} rounds=${ROUNDS:-3}
project=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo 'bench-datapath: run as root' >&2; exit 77; }
for tool in ip iperf3 jq bc c++ node; do
  command -v "$tool" >/dev/null || { echo "bench-datapath: $tool is missing" >&2; exit 69; }
done

work=$(mktemp -d)
a=wb-a-$$ b=wb-b-$$
pids=()
stop_all() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
clean() {
  stop_all
  ip netns delete "$a" 2>/dev/null || true
  ip netns delete "$b" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

c++ -O2 -I/usr/include/node -o "$work/ceiling" "$ceiling_source" -l:libcrypto.so.3 -lpthread
ip netns add "$a"
ip netns add "$b"
ip -n "$a" link add under0 type veth peer name under0 netns "$b"
ip -n "$a" address add 192.0.2.1/24 dev under0
ip -n "$b" address add 192.0.2.2/24 dev under0
for n in "$a" "$b"; do
  ip -n "$n" link set lo up
  ip -n "$n" link set under0 up
done

# Processor time of both sides' forwarders; with that of both iperf3 it tells the cost, which other load on the machine
# disturbs less than it does the rate.
ticks() {
  local pid
  for pid in "${pids[@]:0:2}"; do
    sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f12,13 | tr ' ' '+'
  done | paste -sd+ | bc
}

# `${1}` and the words after it: the command of each side, with @ for the side's number, % for the other's.
measure() {
  local side n before
  for side in 1 2; do
    n=$a; [ $side = 1 ] || n=$b
    local words=("${@//@/$side}")
    ip netns exec "$n" "${words[@]//%/$((3 - side))}" >"$work/log.$side" 2>&1 &
    pids+=($!)
  done
  for side in 1 2; do
    n=$a; [ $side = 1 ] || n=$b
    for _ in $(seq 100); do ip -n "$n" link show tap0 >/dev/null 2>&1 && break; sleep 0.05; done
    ip -n "$n" link set tap0 mtu 1400 up
    ip -n "$n" address add "198.51.100.$side/24" dev tap0
  done
  for _ in $(seq 100); do ip netns exec "$a" ping -c 1 -W 1 198.51.100.2 >/dev/null 2>&1 && break; sleep 0.05; done
  ip netns exec "$b" iperf3 -s -1 >/dev/null 2>&1 &
  local server=$!
  pids+=("$server")
  for _ in $(seq 100); do
    ip netns exec "$b" ss -ltn 'sport = :5201' | grep -q 5201 && break
    sleep 0.05
  done
  before=$(ticks)
  ip netns exec "$a" iperf3 -c 198.51.100.2 -t "$seconds" -J >"$work/result"
  jq -r --argjson s "$(bc <<<"scale=2; ($(ticks) - $before) / $(getconf CLK_TCK)")" \
    '.end as $e | ($s + ($e.cpu_utilization_percent | .host_total + .remote_total) / 100 * $e.sum_sent.seconds)
      / $e.sum_received.bytes * 1e11 | floor / 100' "$work/result" >"$work/cpu"
  jq -r '.end.sum_received.bits_per_second / 1e6 | floor' "$work/result"
  ping_ms=$(ip netns exec "$a" ping -c 50 -i 0.01 -q 198.51.100.2 | sed -n 's,.*= [0-9.]*/\([0-9.]*\)/.*,\1,p')
  echo "$ping_ms" >"$work/ping"
  stop_all
  cat "$work/log.1" "$work/log.2" >>"$work/log"
}

best_ceiling=0 best_engine=0
for round in $(seq "$rounds"); do
  export AES=; unset AES
  [ "$cipher" = aes-256-gcm ] && export AES=1
  measure "$work/ceiling" tap0 192.0.2.@ 192.0.2.% >"$work/rate" || { cat "$work"/log.*; exit 1; }
  rate=$(cat "$work/rate")
  echo "round $round: ceiling $rate Mb/s, $(cat "$work/cpu") CPU s/GB, ping $(cat "$work/ping") ms"
  [ "$rate" -gt "$best_ceiling" ] && best_ceiling=$rate
  measure node "$project/$build/scripts/bench-datapath.js" tap0 192.0.2.@ 192.0.2.% @ "$cipher" "$shape" >"$work/rate" || { cat "$work"/log.*; exit 1; }
  rate=$(cat "$work/rate")
  echo "round $round: engine  $rate Mb/s, $(cat "$work/cpu") CPU s/GB, ping $(cat "$work/ping") ms"
  [ "$rate" -gt "$best_engine" ] && best_engine=$rate
done
[ "${VERBOSE:-0}" = 0 ] || grep -h -e ready -e '{' "$work/log" || true
echo "$cipher $shape: engine $best_engine, ceiling $best_ceiling Mb/s: ratio $(jq -n "$best_engine / $best_ceiling * 100 | floor / 100")"
