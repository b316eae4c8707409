package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// copies are what was read from the container last, on the node's disk: a node that starts while the container cannot be read serves
// what it served before. What is secret in the container is encrypted in the copies as well.
type copies struct {
	directory string // "" keeps none
}

// newCopies keeps copies below a directory, those of each container apart.
func newCopies(directory, container string) (copies, error) {
	if directory == "" {
		return copies{}, nil
	}
	c := copies{filepath.Join(directory, url.PathEscape(container))}
	if err := os.MkdirAll(c.directory, 0o700); err != nil {
		return copies{}, fmt.Errorf("make the directory of copies: %w", err)
	}
	return c, nil
}

// file is where the copy of an object lies. No name of an object makes it another directory: a slash is escaped, and none is "..".
func (c copies) file(object string) string {
	return filepath.Join(c.directory, url.PathEscape(object)+".json")
}

// keep writes the copy of an object. Who reads it finds the one before or this one, never a part. A disk that is full is no reason not to serve.
func (c copies) keep(name string, o object) {
	if c.directory == "" {
		return
	}
	half := c.file(name) + ".new"
	data, err := json.Marshal(o)
	if err == nil {
		err = os.WriteFile(half, data, 0o600)
	}
	if err == nil {
		err = os.Rename(half, c.file(name))
	}
	if err != nil {
		caddy.Log().Warn("no copy is kept on the disk", zap.String("object", name), zap.Error(err))
	}
}

// read gives the copy of an object; fs.ErrNotExist when there is none.
func (c copies) read(name string) (object, error) {
	if c.directory == "" {
		return object{}, fs.ErrNotExist
	}
	data, err := os.ReadFile(c.file(name))
	if err != nil {
		return object{}, err
	}
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return object{}, fmt.Errorf("the copy of %s: %w", name, err)
	}
	return o, nil
}

// drop removes the copy of an object, if there is one.
func (c copies) drop(name string) {
	if c.directory == "" {
		return
	}
	if err := os.Remove(c.file(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		caddy.Log().Warn("a copy stays on the disk", zap.String("object", name), zap.Error(err))
	}
}

// all are the names of the objects of which there are copies.
func (c copies) all() []string {
	if c.directory == "" {
		return nil
	}
	files, err := os.ReadDir(c.directory)
	if err != nil {
		caddy.Log().Warn("the copies on the disk cannot be listed", zap.Error(err))
	}
	var names []string
	for _, file := range files {
		escaped, whole := strings.CutSuffix(file.Name(), ".json")
		if name, err := url.PathUnescape(escaped); whole && err == nil {
			names = append(names, name)
		}
	}
	return names
}
