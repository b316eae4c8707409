# shellcheck shell=bash disable=SC2154 # sourced after lib.sh
# The databases with their tables and first rows: made by the services' own migrations, which take longest of all, and
# therefore kept for the next cloud.

migrations=(nova neutron keystone octavia cinder designate glance placement barbican)
versions_of=(mariadb-server-core python3-nova python3-neutron python3-keystone python3-octavia python3-cinder
  python3-designate python3-glance python3-placement python3-barbican)

# databases: puts them into the state directory, from the cache when it has them.
databases() {
  if [ -z "$CACHE" ]; then
    make_databases "$DATA/mysql"
    return
  fi
  local kept
  kept=$CACHE/mysql-$({ dpkg-query -W "${versions_of[@]}"; cat "$here/databases.sh"; } | sha256sum | cut -c 1-16)
  if [ ! -d "$kept" ]; then
    mkdir -p "$CACHE"
    rm -rf "$kept.$$"
    make_databases "$kept.$$"
    mv -T "$kept.$$" "$kept" || rm -rf "$kept.$$" # another cloud's were first
  fi
  cp -a --sparse=always "$kept" "$DATA/mysql"
}

# make_databases DIRECTORY. Nothing in them depends on ports, so that a cloud on other ports can use them.
make_databases() {
  say 'migrating the databases, once on this machine'
  mariadb-install-db --no-defaults --user=root --datadir="$1" --auth-root-authentication-method=normal --skip-test-db \
    >"$LOG/mariadb-install.log" 2>&1 || fail 'mariadb-install-db failed' mariadb-install
  mariadb_on "$1"
  local name statements=''
  for name in keystone neutron nova_api nova_cell0 nova_cell1 placement glance octavia barbican cinder designate; do
    statements+="CREATE DATABASE $name;"
  done
  sql -e "$statements CREATE USER openstack@'%' IDENTIFIED BY '$PASSWORD'; GRANT ALL ON *.* TO openstack@'%';"

  # Three at a time keep two cores busy: each also waits for the database.
  local pids=()
  for name in "${migrations[@]}"; do
    [ ${#pids[@]} -lt 3 ] || collect_migration
    (
      began=$SECONDS
      "migrate_$name" >"$LOG/migrate-$name.log" 2>&1 || fail "the migration of $name failed" "migrate-$name"
      say "$name migrated in $((SECONDS - began)) s"
    ) 9>&- &
    pids+=("$!")
  done
  while [ ${#pids[@]} -gt 0 ]; do collect_migration; done
  end TERM mariadb
}

# collect_migration: waits for one of pids, and takes it out.
collect_migration() {
  local ended i
  wait -n -p ended "${pids[@]}" || exit 1
  for i in "${!pids[@]}"; do
    if [ "${pids[i]}" = "$ended" ]; then unset "pids[i]"; fi
  done
}

# The steps of a migration are joined by &&: "set -e" does not reach them.
migrate_keystone() {
  clean keystone-manage --config-file "$ETC/keystone.conf" db_sync &&
    clean keystone-manage --config-file "$ETC/keystone.conf" bootstrap --bootstrap-password "$PASSWORD"
}
migrate_neutron() { clean neutron-db-manage --config-file "$ETC/neutron.conf" --config-file "$ETC/ml2.ini" upgrade heads; }
migrate_nova() {
  local nova=(clean nova-manage --config-file "$ETC/nova.conf" --config-file "$ETC/nova-database.conf")
  # The cells' addresses are templates that nova fills in from its configuration.
  local server='{scheme}://{username}:{password}@{hostname}:{port}'
  "${nova[@]}" api_db sync && sql nova_api -e "INSERT INTO cell_mappings (created_at, uuid, name, transport_url, database_connection, disabled) VALUES
    (NOW(), '00000000-0000-0000-0000-000000000000', 'cell0', 'none:///', '$server/nova_cell0?{query}', 0),
    (NOW(), UUID(), 'cell1', '$server/', '$server/nova_cell1?{query}', 0)" &&
    "${nova[@]}" db sync
}
migrate_octavia() { clean octavia-db-manage --config-file "$ETC/octavia.conf" upgrade head; }
migrate_cinder() { clean cinder-manage --config-file "$ETC/cinder.conf" db sync; }
migrate_designate() { clean designate-manage --config-file "$ETC/designate.conf" database sync; }
migrate_glance() { clean glance-manage --config-file "$ETC/glance.conf" db_sync; }
migrate_placement() { clean placement-manage --config-file "$ETC/placement.conf" db sync; }
migrate_barbican() { clean barbican-manage db upgrade; }
