# shellcheck shell=bash disable=SC2034 # the scripts that source this use the variables
# Settings, paths, ports; rendering of templates; starting, watching and ending daemons. Sourced by the scripts beside it.
set -euo pipefail
PATH=/usr/sbin:/usr/bin:/sbin:/bin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

# What a user may set; the README explains them.
STATE=${REALCLOUD_DIR:-/tmp/massif-openstack}
CACHE=${REALCLOUD_CACHE-/var/cache/massif-openstack}
FIRST_PORT=${REALCLOUD_PORT:-28000}

ETC=$STATE/etc LOG=$STATE/log RUN=$STATE/run DATA=$STATE/data
PASSWORD=massif
REGION=RegionOne

port=$FIRST_PORT
for name in KEYSTONE PLACEMENT GLANCE NEUTRON NOVA CINDER OCTAVIA BARBICAN DESIGNATE SWIFT \
  ACCOUNT CONTAINER OBJECT MDNS MARIADB RABBITMQ EPMD ERLANG MEMCACHED HEALTH; do
  printf -v "${name}_PORT" %s "$port"
  port=$((port + 1))
done
DATABASE="mysql+pymysql://openstack:$PASSWORD@127.0.0.1:$MARIADB_PORT"
KEYSTONE_URL="http://127.0.0.1:$KEYSTONE_PORT/v3"

# Daemons get this environment and nothing else: another Python, a proxy or a cloud's credentials in the caller's would
# reach them. HOME is where barbican and swift look for their files.
clean_environment=(env -i PATH="$PATH" HOME="$ETC" LANG=C.UTF-8 TZ=UTC PYTHONPATH="$here/plugins" PYTHONUNBUFFERED=1
  PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME="$STATE/cache" REALCLOUD_DIR="$STATE"
  REALCLOUD_PORT="$FIRST_PORT" OS_KEYSTONE_CONFIG_DIR="$ETC" OS_PLACEMENT_CONFIG_DIR="$ETC")
clean() { "${clean_environment[@]}" "$@"; }

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

# fail MESSAGE [LOG]: ends the script with a message and the end of a log.
fail() {
  printf 'openstack: %s\n' "$1" >&2
  if [ -n "${2:-}" ] && [ -s "$LOG/$2.log" ]; then
    printf 'the end of %s:\n' "$LOG/$2.log" >&2
    tail -n 20 "$LOG/$2.log" | sed 's/\x1b\[[0-9;]*m//g; s/^/    /' | cut -c 1-300 >&2
  fi
  exit 1
}

# render TEMPLATE: a file of etc/ with each @NAME@ replaced by that variable, and each line "@include FILE@" by
# etc/include/FILE.
render() {
  local line name
  while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line =~ ^@include\ ([a-z]+)@$ ]]; then
      render "include/${BASH_REMATCH[1]}"
      continue
    fi
    while [[ $line =~ @([A-Z_]+)@ ]]; do
      name=${BASH_REMATCH[1]}
      line=${line//"@$name@"/"${!name}"}
    done
    printf '%s\n' "$line"
  done <"$here/etc/$1"
}

# A daemon is known by its pid together with its start time, which no later process has: titles, command lines and
# environments are rewritten by some of them.
start_time() {
  local fields
  read -ra fields < <(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
  [ "${fields[0]}" != Z ] && echo "${fields[19]}"
}

# pid_of NAME: prints the pid of a daemon of ours that runs.
pid_of() {
  local pid since
  read -r pid since 2>/dev/null <"$RUN/$1.pid" || return 1
  [ "$(start_time "$pid")" = "$since" ] && echo "$pid"
}
running() { pid_of "$1" >/dev/null; }

# start NAME COMMAND...: each daemon leads a session, so that its children end with its process group.
start() {
  local name=$1
  shift
  running "$name" && return
  setsid "${clean_environment[@]}" "$@" >>"$LOG/$name.log" 2>&1 </dev/null 9>&- &
  printf '%s %s\n' "$!" "$(start_time "$!")" >"$RUN/$name.pid"
}

# end SIGNAL NAME...: ends daemons and waits until they are gone.
end() {
  local signal=$1 name pid groups=() group
  shift
  for name in "$@"; do
    if pid=$(pid_of "$name"); then
      kill "-$signal" -- "-$pid" 2>/dev/null || true
      groups+=("$pid")
    fi
  done
  for group in "${groups[@]}"; do
    # Not kill -0, which also finds zombies that nobody collects.
    while pgrep -g "$group" -r D,R,S >/dev/null; do sleep 0.1; done
  done
  for name in "$@"; do rm -f "$RUN/$name.pid"; done
}

# await NAME SECONDS COMMAND...: until the command succeeds. A daemon that has ended is reported at once.
await() {
  local name=$1 seconds=$2 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    running "$name" || fail "$name has ended" "$name"
    [ "$SECONDS" -lt "$deadline" ] || fail "$name is not ready after $seconds s" "$name"
    sleep 0.2
  done
}

answers() { # URL
  case $(curl -s -o /dev/null -m 5 -w '%{http_code}' "$1" || true) in
    2?? | 300 | 401) ;;
    *) return 1 ;;
  esac
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
sql() { mariadb --no-defaults -uroot -S "$RUN/mariadb.sock" "$@"; }
