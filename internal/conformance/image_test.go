package conformance

import (
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func TestImage(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	i := s.image(t)
	id := s.cirros(t)
	a := i.get(t, "/images/"+id)
	t.Run("an image is flat: its properties are beside its attributes", func(t *testing.T) {
		is(t, "image", a.body, obj{
			"id": anUUID, "name": someText, "status": "active", "visibility": "public", "size": aNumber, "min_disk": aNumber, "min_ram": aNumber, "checksum": someText,
			"os_hash_algo": "sha512", "os_hash_value": someText, "disk_format": someText, "container_format": "bare", "owner": someText, "protected": aBool,
			"os_hidden": false, "tags": aList, "created_at": aTimeZ, "updated_at": aTimeZ, "file": "/v2/images/" + id + "/file", "self": "/v2/images/" + id, "schema": "/v2/schemas/image",
			"virtual_size": present, "properties": missing,
		})
	})
	name := a.str(t, "name")
	t.Run("lists filter by name, status and visibility", func(t *testing.T) {
		same(t, "ids", i.get(t, "/images?name="+name+"&status=active&visibility=public").column(t, "images", "id"), []string{id})
		same(t, "part of a name", i.get(t, "/images?name="+name[:3]).at("images"), list{})
		same(t, "status", i.get(t, "/images?name="+name+"&status=queued").at("images"), list{})
		same(t, "private", i.get(t, "/images?name="+name+"&visibility=private").at("images"), list{})
	})
	t.Run("in: asks for several", func(t *testing.T) {
		same(t, "ids", i.get(t, "/images?id=in:"+id+","+nobody).column(t, "images", "id"), []string{id})
	})
	t.Run("a property that no image has finds none", func(t *testing.T) {
		same(t, "images", i.get(t, "/images?os_distro="+c.name("x")).at("images"), list{})
	})
	t.Run("pages are linked by a relative next", func(t *testing.T) {
		first := i.get(t, "/images?limit=1&sort=name:asc")
		same(t, "images", len(first.list(t, "images")), 1)
		same(t, "next", first.at("next"), containing("/v2/images?"))
		same(t, "first", first.at("first"), containing("/v2/images?"))
		host := i.base[:len(i.base)-len("/v2")]
		second := i.get(t, host+first.str(t, "next"))
		if second.at("images.0.id") == first.at("images.0.id") {
			t.Error("the next page is the first")
		}
	})
	t.Run("sorting goes both ways", func(t *testing.T) {
		up, down := i.get(t, "/images?sort=name:asc").list(t, "images"), i.get(t, "/images?sort=name:desc").list(t, "images")
		same(t, "last of down", dig(down[len(down)-1], "name"), dig(up[0], "name"))
	})
	i.refuses(t,
		refusal{"an unknown id is 404", "GET", "/images/" + nobody, nil, 404, "Not Found", "No image found with ID " + nobody},
		refusal{"a marker that is not there is 400", "GET", "/images?marker=" + nobody, nil, 400, "Bad Request", "No image found with ID " + nobody},
		refusal{"an unknown sort key is 400", "GET", "/images?sort=colour:asc", nil, 400, "Bad Request", "Invalid sort key: colour"},
	)
}
