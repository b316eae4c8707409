package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
)

// container is the proxy's object container. When the credential is refused, the settings are read again before the next
// request: a credential is renewed by writing the file.
type container struct {
	settings func() (Settings, error)

	mu      sync.Mutex
	client  *gophercloud.ServiceClient
	name    string
	refused error     // why the session could not be opened
	again   time.Time // when to try again
	skew    time.Duration
}

const (
	requestTimeout = 10 * time.Second
	reopenDelay    = 2 * time.Second
	// maxObject bounds what is read into memory.
	maxObject = 128 << 20
)

var errNotModified = errors.New("not modified")

// object is an object as it was read.
type object struct {
	Data     []byte
	ETag     string
	Modified time.Time
}

// open gives the client, from a session that may have to be opened first.
func (c *container) open(ctx context.Context) (*gophercloud.ServiceClient, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, c.name, nil
	}
	if c.refused != nil && time.Now().Before(c.again) {
		return nil, "", c.refused
	}
	c.client, c.refused = c.session(ctx)
	c.again = time.Now().Add(reopenDelay)
	return c.client, c.name, c.refused
}

func (c *container) session(ctx context.Context) (*gophercloud.ServiceClient, error) {
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	c.name = settings.Container
	cloud, err := openstack.Open(ctx, openstack.Config{
		Auth: gophercloud.AuthOptions{
			IdentityEndpoint:            settings.AuthURL,
			ApplicationCredentialID:     settings.ApplicationCredentialID,
			ApplicationCredentialSecret: settings.ApplicationCredentialSecret,
		},
		Region: settings.Region, CACertificate: []byte(settings.CACertificate), Insecure: settings.Insecure, MaxRetries: 1,
		UserAgent: "massif-edge",
		Timeouts:  openstack.Timeouts{Connect: 3 * time.Second, TLSHandshake: 3 * time.Second, ResponseHeader: requestTimeout},
	})
	if err != nil {
		return nil, err
	}
	return cloud.ObjectStorage()
}

// forget drops the session after the cloud has refused its credential.
func (c *container) forget(err error) {
	if !gophercloud.ResponseCodeIs(err, http.StatusUnauthorized) && !gophercloud.ResponseCodeIs(err, http.StatusForbidden) &&
		!errors.As(err, new(*gophercloud.ErrUnableToReauthenticate)) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client, c.refused, c.again = nil, err, time.Now().Add(reopenDelay)
	}
}

// answer is what the storage said.
type answer struct {
	status int
	header http.Header
	data   []byte
}

// request sends one request below the container; "" is the container itself.
func (c *container) request(ctx context.Context, method, name string, query url.Values, body []byte, header map[string]string, codes ...int) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	client, container, err := c.open(ctx)
	if err != nil {
		return answer{}, err
	}
	address := objectstore.ContainerURL(client, container)
	if name != "" {
		address = objectstore.ObjectURL(client, container, name)
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	options := &gophercloud.RequestOpts{MoreHeaders: header, OkCodes: codes, KeepResponseBody: true}
	if body != nil {
		options.RawBody = bytes.NewReader(body)
	}
	resp, err := client.Request(ctx, method, address, options)
	if err != nil {
		c.forget(err)
		return answer{}, fmt.Errorf("%s %s: %w", method, name, err)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxObject))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", method, name, err)
	}
	c.compareClocks(resp.Header.Get("Date"))
	return answer{resp.StatusCode, resp.Header, data}, nil
}

// compareClocks keeps by how much the clock here is ahead of the storage's.
func (c *container) compareClocks(date string) {
	there, err := http.ParseTime(date)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = time.Since(there)
}

// clockSkew is by how much the clock here is ahead of the storage's; 0 when that is within what cannot be told.
func (c *container) clockSkew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skew.Abs() < 3*time.Second {
		return 0
	}
	return c.skew.Round(time.Second)
}

// get reads an object unless it is the version with that ETag, which is errNotModified.
func (c *container) get(ctx context.Context, name, etag string) (object, error) {
	header := map[string]string{"Accept": "*/*"}
	if etag != "" {
		header["If-None-Match"] = `"` + etag + `"`
	}
	found, err := c.request(ctx, http.MethodGet, name, nil, nil, header, http.StatusOK, http.StatusNotModified)
	if err != nil {
		return object{}, err
	}
	if found.status == http.StatusNotModified {
		return object{}, errNotModified
	}
	modified, err := http.ParseTime(found.header.Get("Last-Modified"))
	if err != nil {
		return object{}, fmt.Errorf("GET %s: read the time of its change: %w", name, err)
	}
	return object{Data: found.data, ETag: strings.Trim(found.header.Get("Etag"), `"`), Modified: modified}, nil
}

// put writes an object.
func (c *container) put(ctx context.Context, name string, data []byte, header map[string]string) error {
	header = maps.Clone(header)
	if header == nil {
		header = map[string]string{}
	}
	header["Content-Type"] = "application/octet-stream"
	if strings.HasSuffix(name, ".json") {
		header["Content-Type"] = "application/json"
	}
	_, err := c.request(ctx, http.MethodPut, name, nil, data, header, http.StatusCreated, http.StatusAccepted)
	return err
}

// remove deletes an object; one that is not there is no error.
func (c *container) remove(ctx context.Context, name string) error {
	_, err := c.request(ctx, http.MethodDelete, name, nil, nil, nil, http.StatusNoContent, http.StatusAccepted, http.StatusNotFound)
	return err
}

// listed is an object in a listing.
type listed struct {
	Name     string `json:"name"`
	Hash     string `json:"hash"`
	Bytes    int64  `json:"bytes"`
	Modified string `json:"last_modified"`
	Subdir   string `json:"subdir"`
}

// list tells what is below a prefix: all of it, or what is before the next slash.
func (c *container) list(ctx context.Context, prefix string, recursive bool) ([]listed, error) {
	var all []listed
	query := url.Values{"prefix": {prefix}, "format": {"json"}}
	if !recursive {
		query.Set("delimiter", "/")
	}
	for {
		found, err := c.request(ctx, http.MethodGet, "", query, nil, map[string]string{"Accept": "application/json"}, http.StatusOK, http.StatusNoContent)
		if err != nil {
			return nil, err
		}
		var page []listed
		if len(found.data) > 0 {
			if err := json.Unmarshal(found.data, &page); err != nil {
				return nil, fmt.Errorf("list %s: %w", prefix, err)
			}
		}
		if len(page) == 0 {
			return all, nil
		}
		all = append(all, page...)
		last := page[len(page)-1]
		query.Set("marker", last.Name+last.Subdir)
	}
}
