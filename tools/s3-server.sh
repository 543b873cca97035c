#!/bin/bash
# An S3 server for the tests: Ceph (one monitor, one storage daemon that keeps all in memory, one RADOS gateway) on free ports of
# loopback. It needs Debian's ceph-mon, ceph-osd and radosgw, and no root.
#
#   eval "$(tools/s3-server.sh start DIR)"    # exports GYRE_TEST_S3; DIR is made, and holds data, logs and process ids
#   tools/s3-server.sh stop DIR
set -euo pipefail

usage() { sed -n '5,6s/^#   //p' "$0" >&2; exit 2; }
[ $# = 2 ] || usage
action=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
node=$(dirname "$0")/../node_modules/.gyre-node

# At once: all is in memory, and a storage daemon that is asked would wait for the monitor's leave.
stop() {
  local pid_file
  for pid_file in "$dir"/run/*.pid; do
    if [ -s "$pid_file" ]; then kill -KILL "$(cat "$pid_file")" 2>/dev/null || true; fi
    rm -f "$pid_file"
  done
}

free_ports() {
  "$node" -e 'const servers = [1, 2].map(() => require("node:net").createServer().listen(0, "127.0.0.1"));
    setTimeout(() => { console.log(servers.map((s) => s.address().port).join(" ")); for (const s of servers) s.close(); }, 50);'
}

# A storage daemon that speaks before it was told the cluster's id is refused ("wrong fsid") and ends; then once more.
start_storage() {
  local try look
  for try in $(seq 8); do
    ceph-osd -i 0
    for look in $(seq 10); do
      if timeout 20 ceph osd stat | grep -q '1 up'; then return 0; fi
      if ! kill -0 "$(cat "$dir/run/osd.0.pid" 2>/dev/null || echo 0)" 2>/dev/null; then break; fi
      sleep 0.5
    done
    if [ -s "$dir/run/osd.0.pid" ]; then kill -KILL "$(cat "$dir/run/osd.0.pid")" 2>/dev/null || true; fi
    echo "storage daemon, try $try: not up"
  done
  return 1
}

start() {
  for program in ceph-mon ceph-osd radosgw radosgw-admin; do
    command -v "$program" >/dev/null || { echo "there is no $program: install ceph-mon, ceph-osd and radosgw" >&2; exit 1; }
  done
  local monitor_port gateway_port cluster osd
  read -r monitor_port gateway_port < <(free_ports)
  cluster=$(cat /proc/sys/kernel/random/uuid)
  osd=$(cat /proc/sys/kernel/random/uuid)
  stop
  rm -rf "${dir:?}"/{mon,osd,run,log}
  mkdir -p "$dir"/{mon,osd,run,log}
  export CEPH_CONF=$dir/ceph.conf
  # No replicas, no authentication within, everything small; only what the gateway itself checks is as it would be outside.
  cat >"$CEPH_CONF" <<CONF
[global]
fsid = $cluster
mon host = v1:127.0.0.1:$monitor_port
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = $dir/run
admin socket =
pid file = $dir/run/\$name.pid
log file = $dir/log/\$name.log
crash dir = $dir/log
mon data = $dir/mon
mon data avail warn = 1
mon data avail crit = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
paxos propose interval = 0.02
paxos min wait = 0.01
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw frontends = beast endpoint=127.0.0.1:$gateway_port
rgw run sync thread = false
rgw dynamic resharding = false
rgw gc max objs = 1
rgw lc max objs = 1
rgw usage max shards = 1
rgw md log max shards = 1
rgw data log num shards = 1
rgw objexp hints num shards = 1
CONF
  {
    monmaptool --create --clobber --fsid "$cluster" --addv a "[v1:127.0.0.1:$monitor_port]" "$dir/monmap"
    ceph-mon --mkfs -i a --monmap "$dir/monmap"
    ceph-mon -i a
    timeout 60 ceph osd new "$osd"
    timeout 60 ceph-osd -i 0 --mkfs --osd-uuid "$osd"
    start_storage
    timeout 60 radosgw-admin user create --uid=gyre --display-name=gyre --access-key=gyre-test --secret-key=gyre-test-secret
    radosgw -n client.rgw
  } >"$dir/log/start.log" 2>&1 </dev/null || { tail -n 20 "$dir/log/start.log" >&2; stop; exit 1; }
  for _ in $(seq 600); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$gateway_port") 2>/dev/null; then
      echo "export GYRE_TEST_S3=http://gyre-test:gyre-test-secret@127.0.0.1:$gateway_port"
      return
    fi
    sleep 0.1
  done
  echo "the gateway does not answer; $dir/log says why" >&2
  stop
  exit 1
}

case $action in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
