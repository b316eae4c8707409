package objectstorage

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what Swift's ETags are
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

const (
	// largestObject is what every Swift takes in one piece.
	largestObject = 5 << 30
	// usualSegment is the size of the segments of what is larger.
	usualSegment = 1 << 30
	minSegment   = 1 << 20
	maxSegments  = 1000
	// hashed is how much is hashed between two looks at the context.
	hashed = 1 << 20
)

// source is the content of an object. A file is never in memory as a whole.
type source struct {
	io.ReaderAt
	io.Closer
	size int64
}

// open opens the content that is in a file or in the model.
func (m *objectModel) open() (*source, error) {
	switch {
	case !m.File.IsNull():
		return openFile(m.File.ValueString())
	case !m.ContentBase64.IsNull():
		content, err := base64.StdEncoding.DecodeString(m.ContentBase64.ValueString())
		if err != nil {
			return nil, lifecycle.Invalid(path.Root("content_base64"), "it must be base64: %w", err)
		}
		return inMemory(content), nil
	case !m.Content.IsNull():
		return inMemory([]byte(m.Content.ValueString())), nil
	default:
		return inMemory([]byte(m.ContentWO.ValueString())), nil
	}
}

func inMemory(content []byte) *source {
	return &source{bytes.NewReader(content), io.NopCloser(nil), int64(len(content))}
}

func openFile(name string) (*source, error) {
	file, err := os.Open(name) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, lifecycle.Invalid(path.Root("file"), "it cannot be read: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	if err != nil {
		return nil, errors.Join(lifecycle.Invalid(path.Root("file"), "it must be a file: %w", err), file.Close())
	}
	return &source{file, file, info.Size()}, nil
}

// notYet tells whether an error is that the file does not exist.
func notYet(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// segmentLimit is the size above which content of so many bytes is cut into pieces of this size.
func (m *objectModel) segmentLimit(size int64) int64 {
	switch {
	case !m.SegmentSize.IsNull():
		return m.SegmentSize.ValueInt64()
	case size > largestObject:
		return usualSegment
	}
	return largestObject
}

// piece is a part of a source that is sent as one object.
type piece struct {
	offset, size int64
	etag         string
}

// fingerprint is what Swift will say about a content.
type fingerprint struct {
	etag   string
	size   int64
	pieces []piece
	begin  []byte // of the content, to guess its type by
}

func (p fingerprint) segmented() bool { return len(p.pieces) > 1 }

// hash reads the content once, and says what Swift would refuse about it.
func (m *objectModel) hash(ctx context.Context, content *source) (fingerprint, error) {
	if err := m.checkCount(content.size); err != nil {
		return fingerprint{}, err
	}
	mark, err := content.hash(ctx, m.segmentLimit(content.size))
	if err == nil {
		err = mark.check(m)
	}
	return mark, err
}

// hash reads the source once.
func (s *source) hash(ctx context.Context, limit int64) (fingerprint, error) {
	out := fingerprint{size: s.size, begin: make([]byte, min(s.size, 512))}
	if _, err := s.ReadAt(out.begin, 0); err != nil && !errors.Is(err, io.EOF) {
		return out, fmt.Errorf("read the content: %w", err)
	}
	all := md5.New() //nolint:gosec // what Swift's ETags are
	for offset := int64(0); offset == 0 || offset < s.size; offset += limit {
		p := piece{offset: offset, size: min(limit, s.size-offset)}
		sum := md5.New() //nolint:gosec // what Swift's ETags are
		if err := s.sum(ctx, sum, p); err != nil {
			return out, err
		}
		p.etag = hex.EncodeToString(sum.Sum(nil))
		if _, err := io.WriteString(all, p.etag); err != nil {
			return out, fmt.Errorf("hash the content: %w", err)
		}
		out.pieces = append(out.pieces, p)
	}
	out.etag = out.pieces[0].etag
	if out.segmented() {
		out.etag = hex.EncodeToString(all.Sum(nil))
	}
	return out, nil
}

// sum hashes one piece, until the context ends.
func (s *source) sum(ctx context.Context, into hash.Hash, p piece) error {
	for done := int64(0); done < p.size; done += hashed {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("hash the content: %w", err)
		}
		n := min(hashed, p.size-done)
		if read, err := io.Copy(into, io.NewSectionReader(s, p.offset+done, n)); err != nil || read != n {
			return fmt.Errorf("read the content: %d of %d bytes at %d: %w", read, n, p.offset+done, errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
	return nil
}

// reader is the content of a piece, which can be read again from its beginning.
func (s *source) reader(p piece) *io.SectionReader { return io.NewSectionReader(s, p.offset, p.size) }

// contentType guesses the type of a content.
func (p fingerprint) contentType(name string) string {
	if known, ok := map[string]string{ // the same on every machine, whatever its tables say
		".css": "text/css; charset=utf-8", ".gz": "application/gzip", ".htm": "text/html; charset=utf-8", ".html": "text/html; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".json": "application/json", ".md": "text/markdown; charset=utf-8", ".pdf": "application/pdf",
		".png": "image/png", ".svg": "image/svg+xml", ".tar": "application/x-tar", ".txt": "text/plain; charset=utf-8",
		".xml": "text/xml; charset=utf-8", ".yaml": "application/yaml", ".yml": "application/yaml", ".zip": "application/zip",
	}[extension(name)]; ok {
		return known
	}
	if known := mime.TypeByExtension(extension(name)); known != "" {
		return known
	}
	if len(p.begin) == 0 {
		return "application/octet-stream"
	}
	return strings.TrimSpace(http.DetectContentType(p.begin))
}
