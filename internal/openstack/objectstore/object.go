package objectstore

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Swift's ETag, no secret
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// ErrExists says that an object is there already.
var ErrExists = errors.New("there is an object of that name already")

// ErrNotModified says that an object is what the caller has.
var ErrNotModified = errors.New("the object has not changed")

// pageSize is how many objects are listed at once: every Swift lists that many.
const pageSize = 1000

// clockSkew is how far the cloud's clock may be behind ours.
const clockSkew = 30 * time.Second

// Object is what a listing or the headers say of an object.
type Object struct {
	Name    string
	ETag    string
	Size    int64
	Written time.Time
}

// ETag is what Swift calls content of one piece.
func ETag(content []byte) string {
	sum := md5.Sum(content) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// Container is a container of small objects.
type Container struct {
	client *gophercloud.ServiceClient
	name   string
}

// Open is the container of that name, which need not be there yet.
func Open(cloud *openstack.Cloud, name string) (*Container, error) {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return nil, err
	}
	return &Container{client, name}, nil
}

// URL is the address of the container.
func (c *Container) URL() string { return ContainerURL(c.client, c.name) }

// Make makes the container, or changes the headers of the one that is there.
func (c *Container) Make(ctx context.Context, headers map[string]string) error {
	if _, err := c.client.Request(ctx, http.MethodPut, c.URL(), &gophercloud.RequestOpts{
		MoreHeaders: headers, OkCodes: []int{http.StatusCreated, http.StatusAccepted, http.StatusNoContent},
	}); err != nil {
		return fmt.Errorf("make container %q: %w", c.name, err)
	}
	return nil
}

// Head are the settings of the container.
func (c *Container) Head(ctx context.Context) (http.Header, error) {
	headers, err := Head(ctx, c.client, c.name)
	if err != nil {
		return nil, fmt.Errorf("read container %q: %w", c.name, err)
	}
	return headers, nil
}

// Destroy deletes the container with all that is in it.
func (c *Container) Destroy(ctx context.Context) error { return Destroy(ctx, c.client, c.name) }

// Put writes an object and returns its ETag. With onlyNew it does not replace one: [ErrExists]. It may be sent several times, and
// the answer to one that arrived may have been lost, so what was written since with this content is taken to be ours.
func (c *Container) Put(ctx context.Context, name string, content []byte, contentType string, onlyNew bool) (string, error) {
	etag := ETag(content)
	headers := map[string]string{"Content-Type": contentType, "ETag": etag}
	if onlyNew {
		headers["If-None-Match"] = "*"
	}
	begin := time.Now()
	_, err := c.client.Request(ctx, http.MethodPut, ObjectURL(c.client, c.name, name), &gophercloud.RequestOpts{
		RawBody: bytes.NewReader(content), MoreHeaders: headers, OkCodes: []int{http.StatusCreated},
	})
	fault, _ := openstack.FaultOf(err)
	if fault.Status == http.StatusPreconditionFailed {
		there, headErr := c.Stat(ctx, name)
		if headErr == nil && there.ETag == etag && there.Written.After(begin.Add(-clockSkew)) {
			return etag, nil
		}
		return "", fmt.Errorf("write object %q of container %q: %w", name, c.name, ErrExists)
	}
	if err != nil {
		return "", fmt.Errorf("write object %q of container %q: %w", name, c.name, err)
	}
	return etag, nil
}

// Stat asks for the headers of an object.
func (c *Container) Stat(ctx context.Context, name string) (Object, error) {
	response, err := c.client.Head(ctx, ObjectURL(c.client, c.name, name), &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
	if err != nil {
		return Object{}, fmt.Errorf("read object %q of container %q: %w", name, c.name, err)
	}
	return ofHeaders(name, response.Header), nil
}

// Get reads an object, unless it is still the one with that ETag: [ErrNotModified].
func (c *Container) Get(ctx context.Context, name, unless string) ([]byte, Object, error) {
	headers := map[string]string{}
	if unless != "" {
		headers["If-None-Match"] = `"` + unless + `"`
	}
	response, err := c.client.Request(ctx, http.MethodGet, ObjectURL(c.client, c.name, name), &gophercloud.RequestOpts{
		MoreHeaders: headers, KeepResponseBody: true, OkCodes: []int{http.StatusOK, http.StatusNotModified},
	})
	if err != nil {
		return nil, Object{}, fmt.Errorf("read object %q of container %q: %w", name, c.name, err)
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, Object{}, fmt.Errorf("read object %q of container %q: %w", name, c.name, err)
	}
	if response.StatusCode == http.StatusNotModified {
		return nil, ofHeaders(name, response.Header), ErrNotModified
	}
	return content, ofHeaders(name, response.Header), nil
}

// Delete deletes an object. That it is gone already is no error.
func (c *Container) Delete(ctx context.Context, name string) error {
	if _, err := c.client.Delete(ctx, ObjectURL(c.client, c.name, name), nil); err != nil && !openstack.NotFound(err) {
		return fmt.Errorf("delete object %q of container %q: %w", name, c.name, err)
	}
	return nil
}

// List lists the objects whose names begin with the prefix, as of now by Swift's clock.
func (c *Container) List(ctx context.Context, prefix string) (all []Object, now time.Time, err error) {
	query := url.Values{"format": {"json"}, "prefix": {prefix}, "limit": {strconv.Itoa(pageSize)}}
	for {
		var page []struct {
			Name         string `json:"name"`
			Hash         string `json:"hash"`
			Bytes        int64  `json:"bytes"`
			LastModified string `json:"last_modified"`
		}
		response, err := c.client.Get(ctx, c.URL()+"?"+query.Encode(), &page, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
		if err != nil {
			return nil, now, fmt.Errorf("list container %q: %w", c.name, err)
		}
		if now, err = http.ParseTime(response.Header.Get("Date")); err != nil {
			now = time.Now()
		}
		for _, o := range page {
			written, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(o.LastModified, "Z"))
			if err != nil {
				return nil, now, fmt.Errorf("list container %q: read the time of %q: %w", c.name, o.Name, err)
			}
			all = append(all, Object{Name: o.Name, ETag: o.Hash, Size: o.Bytes, Written: written})
		}
		if len(page) < pageSize {
			return all, now, nil
		}
		query.Set("marker", page[len(page)-1].Name)
	}
}

func ofHeaders(name string, headers http.Header) Object {
	written, _ := http.ParseTime(headers.Get("Last-Modified")) // what cannot be read is as old as time
	return Object{Name: name, ETag: strings.Trim(headers.Get("Etag"), `"`), Written: written}
}
