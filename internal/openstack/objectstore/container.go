// Package objectstore reads, writes and removes the objects of Swift's containers. It lives below services because more than one
// of them keeps something there.
package objectstore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// bulkSize is how many objects one bulk request deletes: every Swift takes a thousand.
const bulkSize = 1000

// versionsHeader says whether a container keeps old versions of its objects.
const versionsHeader = "X-Versions-Enabled"

// Listed is an object, or one version of it, in a listing.
type Listed struct {
	Name    string `json:"name"`
	Version string `json:"version_id"`
}

// Destroy deletes a container with its objects. It tries again while objects appear, and while objects that
// have expired still show: until Swift's expirer has run, the container counts them.
func Destroy(ctx context.Context, client *gophercloud.ServiceClient, name string) error {
	return openstack.WaitGone(ctx, openstack.Waiting[int]{
		What: fmt.Sprintf("container %q", name),
		Fetch: func(ctx context.Context) (int, error) {
			left, err := empty(ctx, client, name)
			if err != nil {
				return 0, err
			}
			err = Remove(ctx, client, name)
			if err != nil && !openstack.Conflict(err) {
				return 0, err
			}
			if err == nil {
				return 0, openstack.ErrGone
			}
			return left, nil
		},
		State: func(left int) string { return fmt.Sprintf("not empty (%d objects deleted in the last round)", left) },
	})
}

// empty deletes all objects of a container and says how many.
func empty(ctx context.Context, client *gophercloud.ServiceClient, name string) (int, error) {
	headers, err := Head(ctx, client, name)
	if err != nil {
		return 0, err
	}
	// Versions are there as long as the container knows the setting, on or off.
	versioned := headers.Get(versionsHeader) != ""
	deleted := 0
	err = EachPage(ctx, client, name, "", versioned, func(page []Listed) error {
		for chunk := range slices.Chunk(page, bulkSize) {
			var err error
			if versioned {
				err = deleteEach(ctx, client, name, chunk)
			} else {
				err = DeleteBulk(ctx, client, name, chunk)
			}
			if err != nil {
				return err
			}
			deleted += len(chunk)
		}
		return nil
	})
	return deleted, err
}

// EachPage lists the objects of a container that begin with a prefix, page by page.
func EachPage(ctx context.Context, client *gophercloud.ServiceClient, name, prefix string, versioned bool, f func([]Listed) error) error {
	query := url.Values{}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	for {
		page, err := listPage(ctx, client, name, versioned, query)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := f(page); err != nil {
			return err
		}
		last := page[len(page)-1]
		query.Set("marker", last.Name)
		if last.Version != "" {
			query.Set("version_marker", last.Version)
		}
	}
}

func listPage(ctx context.Context, client *gophercloud.ServiceClient, name string, versioned bool, filter url.Values) ([]Listed, error) {
	query := url.Values{"format": {"json"}}
	maps.Copy(query, filter)
	if versioned {
		query.Set("versions", "")
	}
	var page []Listed
	_, err := client.Get(ctx, ContainerURL(client, name)+"?"+query.Encode(), &page, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
	if err != nil {
		return nil, fmt.Errorf("list container %q: %w", name, err)
	}
	return page, nil
}

// DeleteBulk deletes many objects with one request, or one by one where Swift has no bulk middleware.
func DeleteBulk(ctx context.Context, client *gophercloud.ServiceClient, name string, objects []Listed) error {
	var body strings.Builder
	for _, object := range objects {
		body.WriteString(url.PathEscape(name) + "/" + url.PathEscape(object.Name) + "\n")
	}
	response, err := client.Request(ctx, http.MethodPost, client.Endpoint+"?bulk-delete", &gophercloud.RequestOpts{
		RawBody:          strings.NewReader(body.String()),
		MoreHeaders:      map[string]string{"Content-Type": "text/plain", "Accept": "application/json"},
		OkCodes:          []int{http.StatusOK, http.StatusNoContent},
		KeepResponseBody: true,
	})
	if err != nil {
		if fault, ok := openstack.FaultOf(err); ok && fault.Status < http.StatusInternalServerError {
			return deleteEach(ctx, client, name, objects)
		}
		return fmt.Errorf("delete objects of container %q: %w", name, err)
	}
	text, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("delete objects of container %q: %w", name, err)
	}
	var answer struct {
		Status string     `json:"Response Status"`
		Errors [][]string `json:"Errors"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		// Without the middleware, the POST has only changed the account's metadata, of which it had none.
		return deleteEach(ctx, client, name, objects)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("delete objects of container %q: %d of %d failed, the first: %s", name, len(answer.Errors), len(objects), strings.Join(answer.Errors[0], ": "))
	}
	if !strings.HasPrefix(answer.Status, "200") {
		return fmt.Errorf("delete objects of container %q: %s", name, answer.Status)
	}
	return nil
}

func deleteEach(ctx context.Context, client *gophercloud.ServiceClient, name string, objects []Listed) error {
	for _, object := range objects {
		target := ContainerURL(client, name) + "/" + url.PathEscape(object.Name)
		if object.Version != "" {
			target += "?version-id=" + url.QueryEscape(object.Version)
		}
		if _, err := client.Delete(ctx, target, nil); err != nil && !openstack.NotFound(err) {
			return fmt.Errorf("delete object %q of container %q: %w", object.Name, name, err)
		}
	}
	return nil
}

// ContainerURL is the address of a container.
func ContainerURL(client *gophercloud.ServiceClient, name string) string {
	return client.ServiceURL(url.PathEscape(name))
}

// ObjectURL is the address of an object.
func ObjectURL(client *gophercloud.ServiceClient, container, name string) string {
	return ContainerURL(client, container) + "/" + EscapeName(name)
}

// EscapeName is the name of an object in an address: slashes stay.
func EscapeName(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), "%2F", "/")
}

// Head are the settings of a container.
func Head(ctx context.Context, client *gophercloud.ServiceClient, name string) (http.Header, error) {
	response, err := client.Head(ctx, ContainerURL(client, name), &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
	if err != nil {
		return nil, err
	}
	return response.Header, nil
}

// Remove deletes a container, which must be empty. Swift tells its containers of a deleted object later when it is busy: what
// they still count and nobody can read any more is waited for.
func Remove(ctx context.Context, client *gophercloud.ServiceClient, name string) error {
	return openstack.Unused(ctx, func(ctx context.Context) error {
		_, err := client.Delete(ctx, ContainerURL(client, name), nil)
		return err
	}, func(err error) bool { return openstack.Conflict(err) && deserted(ctx, client, name) })
}

// deserted tells whether none of the objects that a container shows first is there.
func deserted(ctx context.Context, client *gophercloud.ServiceClient, name string) bool {
	headers, err := Head(ctx, client, name)
	if err != nil || headers.Get(versionsHeader) != "" { // versions are there without being shown
		return false
	}
	page, err := listPage(ctx, client, name, false, url.Values{"limit": {"10"}})
	if err != nil {
		return false
	}
	for _, object := range page {
		if _, err := client.Head(ctx, ObjectURL(client, name, object.Name), nil); !openstack.NotFound(err) {
			return false
		}
	}
	return true
}
