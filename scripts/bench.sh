#!/bin/bash
# What the overlay costs, against a named peer in the same run on this machine, as root:
#
#   namespace host 1 ── veth 192.0.2.1/2, MTU 1500 ── namespace host 2     one daemon and one container each
#
# Measures: the bare veth, two weave-ts daemons by IPv4 and by IPv6, and (where Debian's wireguard-go and wireguard-tools are installed)
# wireguard-go over the same veth, in turn, ROUNDS times; medians are printed. Then what a daemon costs that has nothing
# to do. SECONDS_EACH: length of one stream (default 4). ROUNDS (default 3). CEILING: a bare forwarder to measure in
# turn as well, a program that is called with TAP LOCAL_IP REMOTE_IP, and with AES=1 in its environment for AES-256-GCM.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "$(id -u)" = 0 ] || { echo 'bench: run as root' >&2; exit 77; }
for tool in ip iperf3 ping node; do
  command -v "$tool" >/dev/null || { echo "bench: $tool is missing: make setup" >&2; exit 69; }
done
readonly seconds=${SECONDS_EACH:-4} rounds=${ROUNDS:-3}
readonly h1=wbench-h1-$$ h2=wbench-h2-$$ c1=wbench-c1-$$ c2=wbench-c2-$$
work=$(mktemp -d)
pids=() hosts=()
clean() {
  for n in 1 2; do ./bin/weave-ts stop --state-dir "$work/state$n" >/dev/null 2>&1 || true; done
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for n in "$h1" "$h2" "$c1" "$c2" "${hosts[@]}"; do ip netns delete "$n" 2>/dev/null || true; done
  rm -rf "$work" "/var/run/wireguard/wgb1-$$.sock" "/var/run/wireguard/wgb2-$$.sock"
}
trap clean EXIT

for n in "$h1" "$h2" "$c1" "$c2"; do
  ip netns add "$n"
  ip -n "$n" link set lo up
done
ip -n "$h1" link add under0 type veth peer name under0 netns "$h2"
ip -n "$h1" address add 192.0.2.1/24 dev under0
ip -n "$h2" address add 192.0.2.2/24 dev under0
ip -n "$h1" link set under0 up
ip -n "$h2" link set under0 up

# rate CLIENT_NETNS SERVER_NETNS ADDRESS: Mb/s of one TCP stream
rate() {
  ip netns exec "$2" iperf3 -s -1 -B "$3" >/dev/null &
  local server=$! tries=0
  until ip netns exec "$2" ss -ltn 2>/dev/null | grep -q ':5201 '; do
    ((++tries < 200)) || { echo 'bench: iperf3 does not listen' >&2; exit 70; }
    sleep 0.02
  done
  ip netns exec "$1" iperf3 -c "$3" -t "$seconds" -J |
    node -e 'const d = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(Math.round(d.end.sum_received.bits_per_second / 1e6))'
  wait "$server" || true
}
# latency NETNS ADDRESS: average round trip in ms
latency() { ip netns exec "$1" ping -q -c 50 -i 0.02 "$2" | sed -n 's|^rtt .* = [^/]*/\([^/]*\)/.*|\1|p'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

umask 077
./bin/weave-ts keygen >"$work/secret"
ip netns exec "$h1" ./bin/weave-ts launch --state-dir "$work/state1" --nickname h1 --password-file "$work/secret"
ip netns exec "$h2" ./bin/weave-ts launch --state-dir "$work/state2" --nickname h2 --password-file "$work/secret" 192.0.2.1
until ./bin/weave-ts status connections --state-dir "$work/state2" | grep -q established; do
  ((++waited < 100)) || { echo 'bench: the daemons do not connect' >&2; exit 70; }
  sleep 0.1
done
./bin/weave-ts attach "netns:$c1" --state-dir "$work/state1" >/dev/null
read -r overlay overlay6 <<<"$(./bin/weave-ts attach "netns:$c2" --state-dir "$work/state2")"
overlay=${overlay%/*} overlay6=${overlay6%/*}
for address in "$overlay" "$overlay6"; do ip netns exec "$c1" ping -q -c 3 -i 0.1 "$address" >/dev/null; done

wireguard=''
if command -v wireguard-go >/dev/null && command -v wg >/dev/null; then
  wireguard=10.250.0.2
  for n in 1 2; do wg genkey >"$work/key$n"; done
  for n in 1 2; do
    other=$((3 - n)) host=h$n dev=wgb$n-$$
    ip netns exec "${!host}" env WG_PROCESS_FOREGROUND=1 wireguard-go -f "$dev" >"$work/wg$n.log" 2>&1 &
    pids+=($!)
    waited=0
    until [ -S "/var/run/wireguard/$dev.sock" ]; do
      ((++waited < 100)) || { echo 'bench: wireguard-go does not start' >&2; exit 70; }
      sleep 0.05
    done
    ip netns exec "${!host}" wg set "$dev" listen-port 51820 private-key "$work/key$n" \
      peer "$(wg pubkey <"$work/key$other")" endpoint "192.0.2.$other:51820" allowed-ips 10.250.0.0/24
    ip -n "${!host}" address add "10.250.0.$n/24" dev "$dev"
    ip -n "${!host}" link set "$dev" up
  done
fi

# bare NAME [VARIABLE=VALUE]: two hosts of their own, with a bare forwarder each
bare() {
  for n in 1 2; do
    ip netns add "$1$n-$$"
    hosts+=("$1$n-$$")
  done
  ip -n "$1"1-$$ link add under0 type veth peer name under0 netns "$1"2-$$
  for n in 1 2; do
    ip -n "$1$n-$$" link set lo up
    ip -n "$1$n-$$" address add "192.0.2.$n/24" dev under0
    ip -n "$1$n-$$" link set under0 up
    ip netns exec "$1$n-$$" env "${@:2}" "$CEILING" bare0 "192.0.2.$n" "192.0.2.$((3 - n))" >"$work/$1$n.log" 2>&1 &
    pids+=($!)
    waited=0
    until ip -n "$1$n-$$" address add "10.251.0.$n/24" dev bare0 2>/dev/null; do
      ((++waited < 100)) || { echo "bench: $CEILING makes no bare0" >&2; exit 70; }
      sleep 0.05
    done
    ip -n "$1$n-$$" link set bare0 mtu 1400 up
  done
}
if [ -n "${CEILING:-}" ]; then
  bare wbench-cc
  bare wbench-ca AES=1
fi

for ((round = 1; round <= rounds; round++)); do
  rate "$h1" "$h2" 192.0.2.2 >>"$work/veth"
  # The first stream after the bare one was seen to be slower: each family is the first in turn.
  families=(weave weave6) addresses=("$overlay" "$overlay6")
  for ((turn = round; turn < round + 2; turn++)); do
    rate "$c1" "$c2" "${addresses[turn % 2]}" >>"$work/${families[turn % 2]}"
    latency "$c1" "${addresses[turn % 2]}" >>"$work/${families[turn % 2]}-ms"
  done
  if [ -n "${CEILING:-}" ]; then
    rate wbench-cc1-$$ wbench-cc2-$$ 10.251.0.2 >>"$work/bare-chacha"
    rate wbench-ca1-$$ wbench-ca2-$$ 10.251.0.2 >>"$work/bare-aes"
  fi
  [ -z "$wireguard" ] && continue
  rate "$h1" "$h2" "$wireguard" >>"$work/wireguard"
  latency "$h1" "$wireguard" >>"$work/wireguard-ms"
done

echo "machine: $(nproc) processors, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), Linux $(uname -r), Node $(node -p process.versions.node), load $(cut -d' ' -f1 /proc/loadavg)"
echo "one TCP stream, median of $rounds rounds of $seconds s; ping, median of averages of 50:"
weave=$(median <"$work/weave")
printf '  %-14s %8s Mb/s\n' 'bare veth' "$(median <"$work/veth")"
printf '  %-14s %8s Mb/s  %s ms\n' weave-ts "$weave" "$(median <"$work/weave-ms")"
weave6=$(median <"$work/weave6")
printf '  %-14s %8s Mb/s  %s ms  IPv6 / IPv4: %s\n' 'weave-ts, IPv6' "$weave6" "$(median <"$work/weave6-ms")" "$(node -p "($weave6 / $weave).toFixed(2)")"
if [ -n "${CEILING:-}" ]; then
  for cipher in chacha aes; do
    bare_rate=$(median <"$work/bare-$cipher")
    printf '  %-14s %8s Mb/s  weave-ts / bare: %s\n' "bare $cipher" "$bare_rate" "$(node -p "($weave / $bare_rate).toFixed(2)")"
  done
fi
if [ -n "$wireguard" ]; then
  wg_rate=$(median <"$work/wireguard")
  printf '  %-14s %8s Mb/s  %s ms\n' wireguard-go "$wg_rate" "$(median <"$work/wireguard-ms")"
  printf '  weave-ts / wireguard-go: %s\n' "$(node -p "($weave / $wg_rate).toFixed(2)")"
else
  echo '  wireguard-go: not installed (apt install --no-install-recommends wireguard-go wireguard-tools)'
fi
pid=$(./bin/weave-ts status --json --state-dir "$work/state1" | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).pid')
ticks() { sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }'; }
before=$(ticks)
sleep 10
after=$(ticks)
printf 'an idle daemon: %s %% of a processor over 10 s, %s MiB resident\n' \
  "$(node -p "((($after - $before) / $(getconf CLK_TCK) / 10) * 100).toFixed(2)")" \
  "$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status")"
