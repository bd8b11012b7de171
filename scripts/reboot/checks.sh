#!/bin/bash
# Runs inside the guest of scripts/reboot.sh, once in every boot: `web` is a container of this host, `db` one of the host
# `far`, which is a namespace on a cable. /srv/outside/phase says which boot it is.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
readonly phase=$(cat /srv/outside/phase)
readonly WAIT=180 FAR=/var/lib/weave-ts-far KEPT=/var/lib/reboot-checks

say() { echo "reboot-check: $*"; }
finish() {
  echo "$1" >/srv/outside/phase
  systemctl start --no-block poweroff.target
  exit
}
# check WHAT COMMAND...: waits for the command to succeed
check() {
  local what=$1 began=$SECONDS
  shift
  until "$@" >/run/said 2>&1; do
    if ((SECONDS - began > WAIT)); then
      say "not ok: $phase boot: $what: $(tail -n 3 /run/said)"
      systemctl --no-pager status weave-ts weave-ts-far
      journalctl --no-pager -n 100 -u weave-ts -u weave-ts-far
      finish failed
    fi
    sleep 0.2
  done
  say "ok: $phase boot: $what ($((SECONDS - began)) s)"
}
address() { weave-ts ps "netns:$1" --state-dir "${2:-/var/lib/weave-ts}" --json | jq -r '.[0].cidrs[0]'; }
answers() { [ "$(dig +short +time=1 +tries=1 @192.0.2.1 "$1.weave.local")" = "${2%/*}" ]; }
says_ready() { systemctl show -P StatusText weave-ts | grep '^1 link'; }
restarted() { (($(systemctl show -P NRestarts weave-ts) > 0)) && systemctl is-active weave-ts; }
replaced() { [ "$(systemctl show -P MainPID weave-ts)" != "$pid" ] && [ "$(systemctl show -P NRestarts weave-ts)" = 0 ]; }
silent() { [ "$(weave-ts status --json | jq -c .warnings)" = '[]' ]; }

# What must hold after every boot.
look() {
  check 'systemd hears that both daemons are ready' systemctl is-active weave-ts weave-ts-far
  check 'the containers of both hosts reach each other' ip netns exec web ping -c 1 -W 1 "${db%/*}"
  check 'a container has its name' answers web "$web"
  check 'that of the other host, too' answers db "$db"
  check 'nothing is warned of' silent
  [ -n "$exposed" ] || return 0
  check 'the host reaches its container' ping -c 1 -W 1 "${web%/*}"
  check 'a container of the other host reaches this host' ip netns exec db ping -c 1 -W 1 "${exposed%/*}"
  check 'the firewall has its table' nft list table inet weave-ts
}

if [ "$phase" = first ]; then
  mkdir -m 700 /etc/weave-ts $KEPT
  (umask 077; weave-ts keygen >/etc/weave-ts/secret)
  secret='--password-file /etc/weave-ts/secret'
  check 'launch by hand' weave-ts launch $secret --no-docker --dns-listen-address 192.0.2.1
  check 'launch of the other host' ip netns exec far weave-ts launch $secret --no-docker --state-dir $FAR --dns-listen-address 192.0.2.2 192.0.2.1
  check 'stop' weave-ts stop
  check 'stop of the other' weave-ts stop --state-dir $FAR
  check 'service install' weave-ts service install --now
  mkdir -p /etc/systemd/system/weave-ts-far.service.d
  printf '[Unit]\nAfter=reboot-containers.service\n[Service]\nNetworkNamespacePath=/run/netns/far\n' \
    >/etc/systemd/system/weave-ts-far.service.d/namespace.conf
  check 'service install of the other' weave-ts service install --now --name weave-ts-far --state-dir $FAR
  check 'attach' weave-ts attach --name web netns:web
  check 'attach at the other host' weave-ts attach --name db netns:db --state-dir $FAR
  address web >$KEPT/web
  address db $FAR >$KEPT/db
  : >$KEPT/exposed
  if nft add table inet reboot-checks; then
    nft delete table inet reboot-checks
    check 'expose' weave-ts expose
    weave-ts status --json | jq -r '.exposed[0].cidr' >$KEPT/exposed
  else
    say 'skipped: expose, for this kernel has no nftables for IP'
  fi
fi
exposed=$(cat $KEPT/exposed) web=$(cat $KEPT/web) db=$(cat $KEPT/db)
look
case $phase in
  first)
    check 'systemd shows how it does' says_ready
    if [ -n "$exposed" ]; then
      nft flush ruleset
      check 'the table of the firewall is put back' nft list table inet weave-ts
    fi
    pid=$(systemctl show -P MainPID weave-ts)
    check 'restart has systemd replace the daemon' weave-ts restart
    check 'systemd watches the new one' replaced
    look
    kill -STOP "$(systemctl show -P MainPID weave-ts)"
    check 'the watchdog ends a daemon that stands still, and it is started again' restarted
    look
    say 'reboots'
    echo second >/srv/outside/phase
    systemctl start --no-block reboot.target
    ;;
  second)
    say 'the power is cut'
    echo third >/srv/outside/phase
    echo b >/proc/sysrq-trigger
    ;;
  third)
    check 'reset' weave-ts reset --yes
    check 'service uninstall' weave-ts service uninstall
    finish done
    ;;
esac
