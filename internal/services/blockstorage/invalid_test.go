package blockstorage_test

import (
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func wrongs() []acctest.Wrong {
	volume := func(body string) string {
		return "resource \"massif_volume\" \"test\" {\nname = \"v\"\n" + body + "\n}\n"
	}
	snapshot := func(body string) string { return "resource \"massif_volume_snapshot\" \"test\" {\n" + body + "\n}\n" }
	data := func(typ, body string) string {
		return "data \"massif_" + typ + "\" \"test\" {\n" + body + "\n}\n"
	}
	const nobody = "00000000-0000-4000-8000-000000000000"
	long := strings.Repeat("x", 256)
	return []acctest.Wrong{
		{"volume: empty name", "resource \"massif_volume\" \"test\" {\nname = \"\"\nsize = 1\n}\n", "name", `string length must be between 1 and 255`},
		{"volume: no size", volume(``), "", `a blank volume needs a size in GiB`},
		{"volume: image without a size", volume(`image = "cirros-fake"`), "", `volume from an image needs a size in GiB`},
		{"volume: size of nothing", volume(`size = 0`), "size", `must be at least 1`},
		{"volume: size with words", volume(`size = "big"`), "size", `a number is required`},
		{"volume: description too long", volume("size = 1\ndescription = \"" + long + "\""), "description", `string length must be at most 255`},
		{"volume: no such type", volume("size = 1\nvolume_type = \"slow\""), "volume_type", `There is no volume type "slow"; there are:`},
		{"volume: empty type", volume("size = 1\nvolume_type = \"\""), "volume_type", `string length must be between 1 and 255`},
		{"volume: no such policy", volume("size = 1\nmigration_policy = \"always\""), "migration_policy", `value must be one of`},
		{"volume: no such image", volume("size = 1\nimage = \"no such image\""), "image", `There is no image "no such image"; there are:`},
		{"volume: two sources", volume("image = \"cirros-fake\"\nsize = 1\nsnapshot_id = \"a\""), "image", `cannot be specified when`},
		{"volume: snapshot and volume", volume("snapshot_id = \"a\"\nsource_volume_id = \"b\""), "snapshot_id", `cannot be specified when`},
		{"volume: backup and volume", volume("backup_id = \"a\"\nsource_volume_id = \"b\""), "source_volume_id", `cannot be specified when`},
		{"volume: empty snapshot", volume(`snapshot_id = ""`), "snapshot_id", `string length must be at least 1`},
		{"volume: no such snapshot", volume("size = 1\nsnapshot_id = \"" + nobody + "\""), "snapshot_id", `could not be found`},
		{"volume: no such volume", volume("size = 1\nsource_volume_id = \"" + nobody + "\""), "source_volume_id", `could not be found`},
		{"volume: no such zone", volume("size = 1\navailability_zone = \"nowhere\""), "availability_zone", `There is no availability zone "nowhere"; there are: nova`},
		{"volume: metadata too long", volume("size = 1\nmetadata = { a = \"" + long + "\" }"), "metadata", `string length must be at most 255`},
		{"volume: metadata of no name", volume("size = 1\nmetadata = { \"\" = \"a\" }"), "metadata", `string length must be between 1 and 255`},

		{"snapshot: no volume", snapshot(`name = "s"`), "", `"volume_id" is required`},
		{"snapshot: empty volume", snapshot("name = \"s\"\nvolume_id = \"\""), "volume_id", `string length must be at least 1`},
		{"snapshot: no name", snapshot(`volume_id = "v"`), "", `"name" is required`},
		{"snapshot: metadata too long", snapshot("name = \"s\"\nvolume_id = \"v\"\nmetadata = { a = \"" + long + "\" }"), "metadata", `string length must be at most 255`},

		{"data source: volume by nothing", data("volume", ``), "", `say which volume: by id, or by name or metadata`},
		{"data source: volume by both", data("volume", "id = \"a\"\nname = \"b\""), "id", `not by both`},
		{"data source: no such volume", data("volume", `name = "nobody"`), "", `no volume matches`},
		{"data source: type by both", data("volume_type", "id = \"a\"\nname = \"b\""), "name", `look a volume type up by name or by id, not by both`},
		{"data source: no such type", data("volume_type", `name = "slow"`), "", `no volume type matches; there are:`},
		{"data source: snapshot by nothing", data("volume_snapshot", ``), "", `say which snapshot: by id, or by name or volume_id`},
		{"data source: no such snapshot", data("volume_snapshot", `name = "nobody"`), "", `no snapshot matches`},
	}
}

func TestInvalid(t *testing.T) {
	acctest.Refused(t, wrongs())
}

// What is not known yet may become right: no such plan fails.
func TestUnknownsAreNotWrong(t *testing.T) {
	acctest.NotRefused(t, map[string]string{"all types": `
resource "massif_volume" "blank" {
  name              = local.text
  description       = local.text
  size              = local.number
  volume_type       = local.text
  migration_policy  = local.text
  availability_zone = local.text
  metadata          = { (local.text) = local.text }
  delete_snapshots  = local.yes
}

resource "massif_volume" "copies" {
  name             = "copies"
  image            = local.yes ? null : "cirros-fake"
  snapshot_id      = local.yes ? null : "s"
  source_volume_id = local.yes ? "v" : null
  backup_id        = local.yes ? null : "b"
}

resource "massif_volume_snapshot" "test" {
  name        = local.text
  description = local.text
  volume_id   = local.text
  force       = local.yes
  metadata    = { a = local.text }
}
`})
}
