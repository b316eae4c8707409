#!/bin/sh
# Installs one release of RKE2 or k3s on this node and starts it. What differs
# between nodes is in node.env beside this script, never in the script.
set -eu
umask 077

root=${MASSIF_ROOT:-}
here=$root/var/lib/massif
# shellcheck source=/dev/null
. "$here/node.env"

data=$root/var/lib/rancher/$DISTRIBUTION
dropins=$root/etc/rancher/$DISTRIBUTION/config.yaml.d
binary=$root/usr/local/bin/$DISTRIBUTION
downloads=$here/downloads

log() {
	echo "massif: $*"
}

# The console shows each failure, and whoever waits for the node decides when to give up.
retry() {
	delay=${MASSIF_RETRY_DELAY:-2}
	until "$@"; do
		log "$1 failed, trying again in $delay s"
		sleep "$delay"
		[ "$delay" -ge 60 ] || delay=$((delay * 2))
	done
}

# fetch URL FILE [CA]
fetch() {
	if command -v curl >/dev/null 2>&1; then
		curl --fail --silent --show-error --location --connect-timeout 10 --max-time 1800 ${3:+--cacert "$3"} --output "$2" "$1"
	else
		wget --quiet --timeout=30 --tries=1 ${3:+--ca-certificate="$3"} --output-document="$2" "$1"
	fi
}

artifact_name() {
	case $DISTRIBUTION-$arch in
	rke2-*) echo "rke2.linux-$arch.tar.gz" ;;
	k3s-amd64) echo k3s ;;
	*) echo "k3s-$arch" ;;
	esac
}

expected_checksum() {
	if [ -n "$SHA256" ]; then
		echo "$SHA256"
		return 0
	fi
	fetch "$SOURCE/sha256sum-$arch.txt" "$downloads/checksums" || return 1
	awk -v name="$artifact" '$2 == name || $2 == "*" name { print $1; exit }' "$downloads/checksums"
}

download() {
	fetch "$SOURCE/$artifact" "$downloads/$artifact" || return 1
	expected=$(expected_checksum) || return 1
	if [ -z "$expected" ]; then
		log "no checksum of $artifact at $SOURCE"
		return 1
	fi
	if ! echo "$expected  $downloads/$artifact" | sha256sum -c - >/dev/null 2>&1; then
		log "$artifact does not have the checksum $expected"
		rm -f "$downloads/$artifact"
		return 1
	fi
}

install_release() {
	if [ -x "$binary" ] && "$binary" --version 2>/dev/null | grep -qF " $VERSION "; then
		log "$DISTRIBUTION $VERSION is in the image"
		return 0
	fi
	case $(uname -m) in
	x86_64) arch=amd64 ;;
	aarch64) arch=arm64 ;;
	*)
		log "no release for $(uname -m)"
		exit 1
		;;
	esac
	artifact=$(artifact_name)
	mkdir -p "$downloads"
	retry download
	(
		umask 022
		mkdir -p "$root/usr/local/bin"
		if [ "$DISTRIBUTION" = rke2 ]; then
			tar -xzf "$downloads/$artifact" -C "$root/usr/local"
		else
			install -m 755 "$downloads/$artifact" "$binary"
		fi
	)
	rm -rf "$downloads"
}

# Only a server that finds no cluster may found one: a second start of the first
# server, or its replacement, joins what already answers.
found_or_join() {
	if [ -e "$data/server/db" ]; then
		return 0
	fi
	if fetch "$REGISTRATION/cacerts" /dev/null "$here/seed/tls/server-ca.crt" 2>/dev/null; then
		log "a cluster answers at $REGISTRATION, joining it"
		mkdir -p "$dropins"
		{
			echo "server: $REGISTRATION"
			[ "$DISTRIBUTION" = rke2 ] || echo "cluster-init: false"
		} >"$dropins/90-join.yaml"
		return 0
	fi
	log "founding the cluster"
	mkdir -p "$data/server/tls"
	cp -R "$here/seed/tls/." "$data/server/tls/"
}

install_release
if [ "$FIRST" = yes ]; then
	found_or_join
fi
if [ -d "$here/seed/manifests" ]; then
	mkdir -p "$data/server/manifests"
	cp "$here/seed/manifests/"* "$data/server/manifests/"
fi
systemctl daemon-reload
systemctl enable "$SERVICE"
retry systemctl start "$SERVICE"
rm -rf "$here/seed"
log "$SERVICE is running"
