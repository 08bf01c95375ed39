#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ceph's S3 gateway from Debian's packages, alone on this machine, everything in memory and below one directory:
#   tests/s3/radosgw.sh start DIR    starts it and prints `export CORDWOOD_S3_…` lines for the tests
#   tests/s3/radosgw.sh stop DIR     stops what start began there
#   tests/s3/radosgw.sh packages     prints the packages it needs
# Needs root.  Loopback only.
set -Eeuo pipefail

packages="radosgw ceph-mon ceph-mgr ceph-osd ceph-base ceph-common"
port=${CORDWOOD_S3_PORT:-7480}
mon_port=${CORDWOOD_S3_MON_PORT:-16789}
access_key=cordwoodtest
secret_key=cordwoodtestsecret

say() { echo "radosgw: $*" >&2; }

failed() { # line, command
  say "line $1: failed: $2"
  tail -n 5 "$dir/setup.log" >&2
}

write_config() {
  cat >"$dir/ceph.conf" <<END
[global]
fsid = 5f7b3c1e-2f35-4f0c-9a7e-6d2a4d0f7c11
mon host = v1:127.0.0.1:$mon_port
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
mon warn on pool no redundancy = false
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 8589934592
osd class load list = *
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = $dir
admin socket = $dir/\$name.asok
log file = $dir/\$name.log
pid file = $dir/\$name.pid
keyring = $dir/keyring
crash dir = $dir/crash
mon data = $dir/mon
mgr data = $dir/mgr
osd data = $dir/osd
rgw data = $dir/rgw
# Without tcp_nodelay each small answer waits 40 ms.
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw lc debug interval = 10
rgw enable usage log = false
# What was deleted takes memory no longer than needed.
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
END
}

started() { # name command...
  local name=$1
  shift
  "$@" >"$dir/$name.out" 2>&1 &
  echo $! >>"$dir/pids"
}

start() {
  trap 'failed "$LINENO" "$BASH_COMMAND"' ERR
  rm -rf "$dir"
  mkdir -p "$dir"/{mon,mgr,osd,rgw,crash}
  touch "$dir/keyring"
  write_config
  export CEPH_CONF=$dir/ceph.conf
  local fsid=5f7b3c1e-2f35-4f0c-9a7e-6d2a4d0f7c11
  monmaptool --create --clobber --addv a "[v1:127.0.0.1:$mon_port]" --fsid $fsid "$dir/monmap" >"$dir/setup.log" 2>&1
  ceph-mon --mkfs -i a --monmap "$dir/monmap" >>"$dir/setup.log" 2>&1
  started mon ceph-mon -f -i a
  timeout 60 ceph -s >>"$dir/setup.log" 2>&1 || { say "the monitor does not answer"; return 1; }
  started mgr ceph-mgr -f -i x
  # A store in memory names itself.
  ceph-osd -i 0 --mkfs >>"$dir/setup.log" 2>&1
  ceph osd new "$(cat "$dir/osd/fsid")" 0 >>"$dir/setup.log" 2>&1
  started osd ceph-osd -f -i 0
  for _ in $(seq 120); do
    ceph osd stat 2>/dev/null | grep -q '1 up' && break
    # Now and then it asks the monitor before it knows the cluster's id, is told "wrong fsid", and ends.
    if ! kill -0 "$(tail -n 1 "$dir/pids")" 2>/dev/null; then
      sed -i '$d' "$dir/pids"
      started osd ceph-osd -f -i 0
    fi
    sleep 0.5
  done
  started rgw radosgw -f -n client.rgw
  for _ in $(seq 240); do
    curl -s -o "$dir/hello" "http://127.0.0.1:$port/" && break
    sleep 0.5
  done
  [ -s "$dir/hello" ] || { say "the gateway does not answer"; return 1; }
  radosgw-admin user create --uid=cordwood --display-name=cordwood --access-key=$access_key --secret-key=$secret_key \
    >>"$dir/setup.log" 2>&1
  for class in STANDARD_IA GLACIER; do
    radosgw-admin zonegroup placement add --rgw-zonegroup default --placement-id default-placement \
      --storage-class $class >>"$dir/setup.log" 2>&1
    radosgw-admin zone placement add --rgw-zone default --placement-id default-placement --storage-class $class \
      --data-pool default.rgw.buckets.data >>"$dir/setup.log" 2>&1
  done
  # The classes are read at the start.
  kill "$(tail -n 1 "$dir/pids")"
  wait "$(tail -n 1 "$dir/pids")" 2>/dev/null || true
  sed -i '$d' "$dir/pids"
  started rgw radosgw -f -n client.rgw
  python3 "$(dirname "$0")/make_bucket.py" "127.0.0.1:$port" cordwood-test $access_key $secret_key
  echo "export CORDWOOD_S3_ENDPOINT=http://127.0.0.1:$port CORDWOOD_S3_BUCKET=cordwood-test"
  echo "export CORDWOOD_S3_KEY=$access_key CORDWOOD_S3_SECRET=$secret_key CORDWOOD_S3_CLASS=STANDARD_IA"
}

stop() {
  [ -f "$dir/pids" ] || return 0
  # The last that was started first.
  for pid in $(tac "$dir/pids"); do kill "$pid" 2>/dev/null || true; done
  for pid in $(tac "$dir/pids"); do
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$dir"
}

verb=${1:-}
dir=${2:-}
case $verb in
  packages) echo "$packages" ;;
  start | stop)
    [ -n "$dir" ] || { say "name a directory"; exit 2; }
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    $verb
    ;;
  *)
    grep '^#  ' "$0" >&2
    exit 2
    ;;
esac
