package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"go.yaml.in/yaml/v3"
)

// overridePrefix marks settings that are a service's URL.
const overridePrefix = "endpoint_override:"

// cloudsFile is a clouds.yaml, secure.yaml or clouds-public.yaml. Clouds stay untyped: tools put settings of their own
// there, and each of ours is looked up by its key.
type cloudsFile struct {
	Path   string          `yaml:"-"`
	Clouds map[string]node `yaml:"clouds"`
	Public map[string]node `yaml:"public-clouds"`
}

// node is any YAML value. Scalars stay text as written, for a password 0123 is no number.
type node struct {
	text  string
	inner map[string]node
	list  []node
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *node) UnmarshalYAML(source *yaml.Node) error {
	switch {
	case source.Kind == yaml.MappingNode:
		return source.Decode(&n.inner)
	case source.Kind == yaml.SequenceNode:
		return source.Decode(&n.list)
	case source.Kind == yaml.ScalarNode && source.Tag != "!!null":
		n.text = source.Value
	}
	return nil
}

// at follows a key such as auth.username.
func (n node) at(key string) node {
	for part := range strings.SplitSeq(key, ".") {
		n = n.inner[part]
	}
	return n
}

// configDirectories are where OpenStack tools look for their files, in order.
func configDirectories(getenv func(string) string) []string {
	directories := []string{"."}
	if user := getenv("XDG_CONFIG_HOME"); user != "" {
		directories = append(directories, filepath.Join(user, "openstack"))
	} else if home := getenv("HOME"); home != "" {
		directories = append(directories, filepath.Join(home, ".config", "openstack"))
	}
	return append(directories, filepath.Join(string(filepath.Separator), "etc", "openstack"))
}

// readCloud reads a cloud's settings: secure.yaml over clouds.yaml over the profile in clouds-public.yaml.
func (r *resolver) readCloud(name string, getenv func(string) string, directories []string) settings {
	main, err := findFile(getenv("OS_CLIENT_CONFIG_FILE"), "clouds", directories)
	if err != nil {
		r.unreadable(err)
		return nil
	}
	if main == nil {
		r.wrong("cloud", "there is no clouds.yaml in "+strings.Join(directories, ", ")+", and OS_CLIENT_CONFIG_FILE names none")
		return nil
	}
	own, ok := main.Clouds[name]
	if !ok {
		found := "no cloud"
		if len(main.Clouds) > 0 {
			found = strings.Join(slices.Sorted(maps.Keys(main.Clouds)), ", ")
		}
		r.wrong("cloud", fmt.Sprintf("%s has %s%s", main.Path, found, elsewhere(name, main.Path, directories)))
		return nil
	}
	layer := settings{}
	secure, err := findFile(getenv("OS_CLIENT_SECURE_FILE"), "secure", append([]string{filepath.Dir(main.Path)}, directories...))
	if err != nil {
		r.unreadable(err)
		return nil
	}
	if secure != nil {
		layer.add(secure.Clouds[name], fmt.Sprintf("the cloud %q in %s", name, secure.Path))
	}
	layer.add(own, fmt.Sprintf("the cloud %q in %s", name, main.Path))
	profile := profileOf(own)
	if profile == "" {
		return layer
	}
	public, err := findFile(getenv("OS_CLIENT_VENDOR_FILE"), "clouds-public", append([]string{filepath.Dir(main.Path)}, directories...))
	if err != nil {
		r.unreadable(err)
		return nil
	}
	if public != nil {
		layer.add(public.Public[profile], fmt.Sprintf("the profile %q in %s", profile, public.Path))
	}
	return layer
}

func (r *resolver) unreadable(err error) {
	r.diags.AddAttributeError(path.Root("cloud"), "Unreadable cloud configuration", err.Error()+".")
}

func profileOf(cloud node) string {
	if name := cloud.at("profile").text; name != "" {
		return name
	}
	return cloud.at("cloud").text
}

// add fills in what stronger files have left open.
func (s settings) add(cloud node, source string) {
	put := func(name, text string) {
		if text != "" && s[name].value == "" {
			s[name] = setting{text, source}
		}
	}
	for _, a := range arguments() {
		for _, key := range a.keys {
			put(a.name, cloud.at(key).text)
		}
	}
	put("insecure", cloud.at("insecure").text)
	if verify, err := parseBool(cloud.at("verify").text); err == nil {
		put("insecure", strconv.FormatBool(!verify))
	}
	if regions := cloud.at("regions").list; len(regions) == 1 {
		put("region", regions[0].text)
		put("region", regions[0].at("name").text)
	}
	for key, address := range cloud.inner {
		if service, ok := strings.CutSuffix(key, "_endpoint_override"); ok {
			put(overridePrefix+strings.ReplaceAll(service, "_", "-"), address.text)
		}
	}
}

// parseBool also knows the words of YAML 1.1, which OpenStack's own tools accept.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "on":
		return true, nil
	case "no", "off":
		return false, nil
	}
	return strconv.ParseBool(text)
}

// findFile reads the file that a variable names, else the first one of the name in the directories; nil when there is none.
func findFile(named, name string, directories []string) (*cloudsFile, error) {
	if named != "" {
		return readFile(named)
	}
	for _, directory := range directories {
		for _, extension := range []string{".yaml", ".yml", ".json"} {
			file, err := readFile(filepath.Join(directory, name+extension))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return file, err
		}
	}
	return nil, nil //nolint:nilnil // that there is none is an answer
}

func readFile(name string) (*cloudsFile, error) {
	content, err := os.ReadFile(name) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	file := &cloudsFile{Path: name}
	if err := yaml.Unmarshal(content, file); err != nil {
		return nil, fmt.Errorf("%s is not what OpenStack tools expect: %w", name, err)
	}
	return file, nil
}

// elsewhere tells of files further down the search path that have the cloud: only the first file counts.
func elsewhere(name, used string, directories []string) string {
	for _, directory := range directories {
		file, err := findFile("", "clouds", []string{directory})
		if err != nil || file == nil || file.Path == used {
			continue
		}
		if _, ok := file.Clouds[name]; ok {
			return fmt.Sprintf("; %s has it, but the first file found is the one that counts (OS_CLIENT_CONFIG_FILE chooses another)", file.Path)
		}
	}
	return ""
}

// describeFiles lists the clouds that could be chosen.
func describeFiles(directories []string) string {
	file, err := findFile("", "clouds", directories)
	if err != nil || file == nil {
		return "none was found in " + strings.Join(directories, ", ")
	}
	return fmt.Sprintf("%s has %s", file.Path, strings.Join(slices.Sorted(maps.Keys(file.Clouds)), ", "))
}
