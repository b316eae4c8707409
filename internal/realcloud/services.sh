# shellcheck shell=bash disable=SC2034,SC2154 # sourced after lib.sh, and the lists are used by the scripts
# The daemons of the cloud: which, in which order, with which command, and the address at which the APIs answer.

infrastructure=(epmd memcached rabbitmq mariadb)
services=(keystone neutron-server placement glance-api nova-conductor nova-scheduler nova-api nova-compute neutron-agents
  cinder-api cinder-scheduler cinder-volume octavia-api octavia-worker barbican
  swift-proxy swift-account swift-container swift-object swift-expirer swift-container-updater
  designate-central designate-api designate-worker designate-producer designate-mdns)

# address NAME: the URL that tells whether an API answers; nothing for a daemon without one.
address() {
  case $1 in
    keystone) echo "$KEYSTONE_URL" ;;
    neutron-server) echo "http://127.0.0.1:$NEUTRON_PORT/" ;;
    placement) echo "http://127.0.0.1:$PLACEMENT_PORT/" ;;
    glance-api) echo "http://127.0.0.1:$GLANCE_PORT/" ;;
    nova-api) echo "http://127.0.0.1:$NOVA_PORT/" ;;
    cinder-api) echo "http://127.0.0.1:$CINDER_PORT/" ;;
    octavia-api) echo "http://127.0.0.1:$OCTAVIA_PORT/" ;;
    barbican) echo "http://127.0.0.1:$BARBICAN_PORT/" ;;
    swift-proxy) echo "http://127.0.0.1:$SWIFT_PORT/healthcheck" ;;
    designate-api) echo "http://127.0.0.1:$DESIGNATE_PORT/" ;;
  esac
}

# python NAME MODULE ARGUMENT...: a console script whose Debian package would bring a service of systemd, or a
# hypervisor, is its entry point run by hand.
python() {
  local name=$1 module=$2
  shift 2
  start "$name" /usr/bin/python3 -c "import sys; sys.argv[0] = '$name'; from $module import main; sys.exit(main())" "$@"
}

# wsgi NAME PORT PROCESSES FILE ARGUMENT...: uwsgi closes connections without saying so, which clients that reuse them
# see as an unexpected end: hence the header. Each worker loads the application itself: what is loaded before the fork, they share, and
# oslo.log's lock (a pipe, watched through eventlet's epoll) then lets one of them wait for ever when two log at once. By default a
# request has 4 s to come in, and a busy machine may stop a client for longer.
wsgi() {
  local name=$1 port=$2 processes=$3 file=$4
  shift 4
  start "$name" uwsgi --plugin python3 --http-socket "127.0.0.1:$port" --add-header 'Connection: close' --master --lazy-apps --die-on-term \
    --no-orphans --need-app --enable-threads --processes "$processes" --threads 1 --thunder-lock --buffer-size 65535 \
    --listen 100 --socket-timeout 600 --procname-prefix "$name " --disable-logging --log-5xx --wsgi-file "$file" "$@"
}

launch() { # NAME
  case $1 in
    # The Erlang port mapper first and by hand: rabbitmq would leave one behind, on all interfaces.
    epmd) start epmd epmd -address 127.0.0.1 -port "$EPMD_PORT" ;;
    memcached) start memcached memcached -u root -l 127.0.0.1 -p "$MEMCACHED_PORT" -m 64 -c 2048 ;;
    mariadb) mariadb_on "$DATA/mysql" ;;
    rabbitmq)
      # Not the command of Debian's PATH, which changes to another user.
      start rabbitmq env HOME="$DATA/rabbitmq" ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$EPMD_PORT" \
        RABBITMQ_NODENAME="massif$FIRST_PORT@localhost" RABBITMQ_DIST_PORT="$ERLANG_PORT" RABBITMQ_NODE_PORT="$RABBITMQ_PORT" \
        RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_CONFIG_FILE="$ETC/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE=/dev/null \
        RABBITMQ_MNESIA_BASE="$DATA/rabbitmq" RABBITMQ_LOG_BASE="$LOG" RABBITMQ_LOGS=- \
        RABBITMQ_ENABLED_PLUGINS_FILE="$ETC/rabbitmq-plugins" RABBITMQ_PID_FILE="$DATA/rabbitmq/pid" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none' \
        /usr/lib/rabbitmq/bin/rabbitmq-server
      ;;
    keystone) wsgi keystone "$KEYSTONE_PORT" 3 /usr/bin/keystone-wsgi-public ;;
    placement) wsgi placement "$PLACEMENT_PORT" 1 /usr/bin/placement-api ;;
    barbican) wsgi barbican "$BARBICAN_PORT" 1 /usr/bin/barbican-wsgi-api ;;
    octavia-api) wsgi octavia-api "$OCTAVIA_PORT" 2 /usr/bin/octavia-wsgi --pyargv "--config-file $ETC/octavia.conf" ;;
    octavia-worker)
      start octavia-worker /usr/bin/python3 -c \
        "import sys; sys.argv[0] = 'octavia-worker'; import octavia_backports; from octavia.cmd.octavia_worker import main; sys.exit(main())" \
        --config-file "$ETC/octavia.conf"
      ;;
    neutron-server) python neutron-server neutron.cmd.eventlet.server --config-file "$ETC/neutron.conf" --config-file "$ETC/ml2.ini" ;;
    neutron-agents) start neutron-agents /usr/bin/python3 "$here/plugins/neutron_agents.py" --config-file "$ETC/neutron.conf" ;;
    glance-api) python glance-api glance.cmd.api --config-file "$ETC/glance.conf" ;;
    # nova-compute must not know the databases.
    nova-compute) python nova-compute nova.cmd.compute --config-file "$ETC/nova.conf" ;;
    nova-*) python "$1" "nova.cmd.${1#nova-}" --config-file "$ETC/nova.conf" --config-file "$ETC/nova-database.conf" ;;
    cinder-*) python "$1" "cinder.cmd.${1#cinder-}" --config-file "$ETC/cinder.conf" ;;
    designate-*) python "$1" "designate.cmd.${1#designate-}" --config-file "$ETC/designate.conf" ;;
    swift-proxy) start swift-proxy swift-proxy-server "$ETC/swift/proxy-server.conf" ;;
    swift-expirer) start swift-expirer swift-object-expirer "$ETC/swift/object-expirer.conf" ;;
    swift-container-updater) start swift-container-updater /usr/bin/python3 "$here/plugins/swift_container_updater.py" "$ETC/swift/container-server.conf" ;;
    swift-*) start "$1" "$1-server" "$ETC/swift/${1#swift-}-server.conf" ;;
    *) fail "no service $1" ;;
  esac
}

mariadb_answers() {
  sql -e 'SELECT 1' >/dev/null 2>"$LOG/mariadb-client.log"
}

# mariadb_on DIRECTORY: nothing is flushed to the disk, because nothing in it outlives this cloud.
mariadb_on() {
  start mariadb mariadbd --no-defaults --user=root --datadir="$1" --bind-address=127.0.0.1 --port="$MARIADB_PORT" \
    --socket="$RUN/mariadb.sock" --skip-name-resolve --skip-log-bin --innodb-flush-log-at-trx-commit=0 \
    --innodb-flush-method=nosync --innodb-doublewrite=0 --innodb-log-file-size=32M --innodb-buffer-pool-size=256M \
    --max-connections=1500 --performance-schema=0 --character-set-server=utf8mb3 --collation-server=utf8mb3_general_ci \
    --innodb-read-io-threads=2 --innodb-write-io-threads=2
  await mariadb 180 mariadb_answers
}
