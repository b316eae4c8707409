package simulator

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// signed says whether the URL carries a valid signature by one of the keys of the account or the
// container (TempURL).
func (c *swiftCall) signed(account *swiftAccount) bool {
	query := c.r.URL.Query()
	signature := query.Get("temp_url_sig")
	expires, err := strconv.ParseInt(query.Get("temp_url_expires"), 10, 64)
	if err != nil {
		at, timeErr := time.Parse(time.RFC3339, query.Get("temp_url_expires"))
		if timeErr != nil {
			return false
		}
		expires = at.Unix()
	}
	if expires < time.Now().Unix() {
		return false
	}
	sum, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	digest, ok := map[int]func() hash.Hash{sha1.Size: sha1.New, sha256.Size: sha256.New, sha512.Size: sha512.New}[len(sum)]
	if !ok {
		return false
	}
	target := c.path
	if prefix, scoped := query["temp_url_prefix"]; scoped {
		if !strings.HasPrefix(c.object, prefix[0]) {
			return false
		}
		target = "prefix:/v1/" + c.account + "/" + c.container + "/" + prefix[0]
	}
	prefix := ""
	if sources, limited := query["temp_url_ip_range"]; limited {
		if !inside(c.r.RemoteAddr, sources[0]) {
			return false
		}
		prefix = "ip=" + sources[0] + "\n"
	}
	keys := []string{account.Headers["X-Account-Meta-Temp-Url-Key"], account.Headers["X-Account-Meta-Temp-Url-Key-2"]}
	if container, ok := account.Containers[c.container]; ok {
		keys = append(keys, container.Headers["X-Container-Meta-Temp-Url-Key"], container.Headers["X-Container-Meta-Temp-Url-Key-2"])
	}
	// Who may read or write an object may also ask for its headers.
	methods := []string{c.r.Method}
	if c.r.Method == http.MethodHead {
		methods = append(methods, http.MethodGet, http.MethodPut, http.MethodPost)
	}
	for _, key := range keys {
		for _, method := range methods {
			mac := hmac.New(digest, []byte(key))
			_, _ = fmt.Fprintf(mac, "%s%s\n%d\n%s", prefix, method, expires, target)
			if key != "" && hmac.Equal(mac.Sum(nil), sum) {
				return true
			}
		}
	}
	return false
}

// inside says whether a client's address is in a network, or is the address. Swift knows no network with host bits.
func inside(remote, network string) bool {
	client, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	if address, err := netip.ParseAddr(network); err == nil {
		return client.Addr().Unmap() == address
	}
	prefix, err := netip.ParsePrefix(network)
	return err == nil && prefix == prefix.Masked() && prefix.Contains(client.Addr().Unmap())
}

// disposition tells browsers what to do with an object that a signed URL gave: what the URL says, else what the
// object says, else to save it.
func (c *swiftCall) disposition(kept string) string {
	query := c.r.URL.Query()
	kind, name := "attachment", query.Get("filename")
	if query.Has("inline") {
		kind = "inline"
	}
	switch {
	case kind == "inline" && name == "":
		return kind
	case name == "" && kept != "":
		return kept
	case name == "":
		name = path.Base(c.object)
	}
	return fmt.Sprintf("%s; filename=%q; filename*=UTF-8''%s", kind, name, url.PathEscape(name))
}
