#!/usr/bin/env bash
# `make up` and `make test` in a bare Debian 12: python3, make, git, ca-certificates and nothing more.
#
#   bare_debian.sh [root] [user] [engines]     default: root user
#
# root, user: a fresh clone as root, and as an ordinary user, on the embedded engines; cold and warm.
# engines: as root on PostgreSQL and Redis from Debian's packages, by DATABASE_URL and BROKER_URL.
# TESTS: pytest's arguments for `make test` (default: none, as the README prints it).
# TREE: where the tree is made (default: a new folder below /var/tmp); KEEP=1 leaves it there.
# Needs root, and installs debootstrap where it lacks. The tree sees this machine's apt sources and certificates, and
# its network.
set -euo pipefail

project=$(cd "$(dirname "$0")/../.." && pwd)
tree=${TREE:-$(mktemp -d /var/tmp/bare-debian.XXXXXX)}
declare -a report=()
status=0

inside() { # account, commands
  chroot "$tree" su - "$1" -s /bin/bash -c "export SHELL=/bin/bash; set -euo pipefail; $2"
}

timed() { # what, account, commands; a failure is reported and the walk goes on
  local began=$SECONDS verdict=passed
  inside "$2" "$3" || { verdict=FAILED; status=1; }
  report+=("$(printf '%-52s %5d s  %s' "$1" $((SECONDS - began)) $verdict)")
}

make_tree() {
  command -v debootstrap >/dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends debootstrap >/dev/null
  if [ ! -x "$tree/usr/bin/git" ]; then
    debootstrap --variant=minbase --include=python3,make,git,ca-certificates bookworm "$tree" >"$tree.log" 2>&1 ||
      { tail -n 20 "$tree.log"; return 1; }
  fi
  chmod 755 "$tree" # mktemp's 700 would shut everybody but root out of the whole tree
  cp -a /etc/apt/. "$tree/etc/apt/"
  cp /etc/resolv.conf /etc/hosts "$tree/etc/"
  cp -aL /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
  for place in proc dev; do
    mountpoint -q "$tree/$place" || mount --rbind "/$place" "$tree/$place"
    mount --make-rslave "$tree/$place"
  done
  chroot "$tree" useradd --create-home --shell /bin/bash walker 2>/dev/null || true
}

remove_tree() {
  for place in proc dev; do
    if mountpoint -q "$tree/$place"; then umount -R -l "$tree/$place"; fi
  done
  if [ -z "${KEEP:-}" ]; then rm -rf --one-file-system "$tree" "$tree.log"; fi
}

clone_for() { # account, folder
  rm -rf "${tree:?}$2"
  git clone -q --no-local "$project" "$tree$2"
  chroot "$tree" chown -R "$1:" "$2"
}

walk() { # account, folder
  clone_for "$1" "$2"
  timed "$1: make up, cold, main job included" "$1" "cd $2 && ONCE=1 make up"
  timed "$1: make up, warm" "$1" "cd $2 && ONCE=1 make up"
  timed "$1: make test" "$1" "cd $2 && make test ${TESTS:+ARGS='$TESTS'}"
}

walk_engines() {
  local folder=/srv/conductor
  inside root "apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
    --no-install-recommends postgresql redis-server >/dev/null"
  inside root "pg_ctlcluster --skip-systemctl-redirect 15 main start -o '-c port=55432' || true
    redis-server --daemonize yes --bind 127.0.0.1 --port 56379 --save '' --pidfile /run/bare-redis.pid >/dev/null
    su postgres -c \"psql -q -p 55432 -c \\\"CREATE ROLE conductor SUPERUSER LOGIN PASSWORD 'walk'\\\" \
      -c 'CREATE DATABASE conductor OWNER conductor'\""
  local urls="DATABASE_URL=postgresql://conductor:walk@127.0.0.1:55432/conductor BROKER_URL=redis://127.0.0.1:56379/0"
  clone_for root "$folder"
  timed "Debian's engines: make up, cold, main job included" root "cd $folder && $urls ONCE=1 make up"
  timed "Debian's engines: make up, warm" root "cd $folder && $urls ONCE=1 make up"
  timed "Debian's engines: make test" root "cd $folder && $urls make test ${TESTS:+ARGS='$TESTS'}"
  stop_engines
}

stop_engines() {
  [ -e "$tree/run/bare-redis.pid" ] || return 0
  inside root "kill \$(cat /run/bare-redis.pid) || true; rm -f /run/bare-redis.pid
    pg_ctlcluster --skip-systemctl-redirect 15 main stop -m fast || true"
}

trap 'stop_engines || true; remove_tree' EXIT
make_tree
for part in "${@:-root user}"; do
  for name in $part; do
    case $name in
      root) walk root /srv/fresh ;;
      user) walk walker /home/walker/fresh ;;
      engines) walk_engines ;;
      *) echo "unknown part: $name" >&2; exit 2 ;;
    esac
  done
done
printf '\nIn a bare Debian 12:\n'
printf '  %s\n' "${report[@]}"
exit $status
