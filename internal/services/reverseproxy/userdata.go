package reverseproxy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// settings are the file that a node starts with.
type settings struct {
	Node                        string   `json:"node"`
	AuthURL                     string   `json:"auth_url"`
	ApplicationCredentialID     string   `json:"application_credential_id"`
	ApplicationCredentialSecret string   `json:"application_credential_secret"`
	Region                      string   `json:"region,omitempty"`
	CACertificate               string   `json:"ca_certificate,omitempty"`
	Insecure                    bool     `json:"insecure,omitempty"`
	Container                   string   `json:"container"`
	EncryptionKey               string   `json:"encryption_key"`
	ProxyProtocolFrom           []string `json:"proxy_protocol_from"`
	CacheDirectory              string   `json:"cache_directory"`
}

// The files of a node. The program lies where systemd lets its service write.
const (
	settingsFile = "/etc/massif-edge.json"
	installFile  = "/usr/local/sbin/massif-edge-install"
	unitFile     = "/etc/systemd/system/massif-edge.service"
	programFile  = "/var/lib/massif-edge/massif-edge"
	cacheFiles   = "/var/lib/massif-edge/cache"
)

// unit runs the program as root with nothing that root may do but to listen at low ports.
const unit = `[Unit]
Description=Edge node of a managed reverse proxy
Wants=network-online.target
After=network-online.target

[Service]
StateDirectory=massif-edge
StateDirectoryMode=0700
Environment=HOME=/var/lib/massif-edge
ExecStartPre=` + installFile + `
ExecStart=` + programFile + ` -config ` + settingsFile + `
Restart=always
RestartSec=3
TimeoutStartSec=15min
TimeoutStopSec=2min
LimitNOFILE=1048576
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=multi-user.target
`

// install is a script that downloads the program unless the right one is there.
func install(url, sha256 string) string {
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	return `#!/bin/sh
set -eu
url=` + quote(url) + `
sum=` + quote(sha256) + `
file="${1:-` + programFile + `}"
check() { echo "$sum  $1" | sha256sum --check --status 2>/dev/null; }
if check "$file"; then exit 0; fi
for pause in 1 2 4 8 16 32 64 0; do
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 10 -o "$file.new" "$url" && break
  else
    wget -q -T 30 -O "$file.new" "$url" && break
  fi
  sleep "$pause"
done
if ! check "$file.new"; then
  echo "massif-edge: what $url gave is not the program with the checksum $sum" >&2
  rm -f "$file.new"
  exit 1
fi
chmod 0755 "$file.new"
mv "$file.new" "$file"
`
}

// userData is the cloud-init configuration that a node boots from.
func userData(s settings, url, sha256 string) ([]byte, error) {
	config, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the settings of node %s: %w", s.Node, err)
	}
	type file struct {
		Path        string `json:"path"`
		Owner       string `json:"owner"`
		Permissions string `json:"permissions"`
		Encoding    string `json:"encoding"`
		Content     string `json:"content"`
	}
	write := func(path, permissions string, content []byte) file {
		return file{path, "root:root", permissions, "b64", base64.StdEncoding.EncodeToString(content)}
	}
	var out bytes.Buffer
	out.WriteString("#cloud-config\n") // of which JSON is a part
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(map[string]any{
		"hostname": s.Node,
		"write_files": []file{
			write(settingsFile, "0600", config),
			write(installFile, "0755", []byte(install(url, sha256))),
			write(unitFile, "0644", []byte(unit)),
		},
		"runcmd": [][]string{{"systemctl", "daemon-reload"}, {"systemctl", "enable", "--now", "--no-block", "massif-edge.service"}},
	})
	if err != nil {
		return nil, fmt.Errorf("write the user data of node %s: %w", s.Node, err)
	}
	return out.Bytes(), nil
}
