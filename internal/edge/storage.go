package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// storage keeps what ACME gave in the container, encrypted, for all nodes.
type storage struct {
	container *container
	cipher    *reverseproxy.Cipher
	copies    copies

	mu    sync.Mutex
	locks map[string]*heldLock
}

var (
	_ certmagic.Storage = (*storage)(nil)
	_ certmagic.Locker  = (*storage)(nil)
)

func newStorage(container *container, cipher *reverseproxy.Cipher, copies copies) *storage {
	return &storage{container: container, cipher: cipher, copies: copies, locks: map[string]*heldLock{}}
}

func objectName(key string) string { return reverseproxy.StoragePrefix + strings.Trim(key, "/") }

// missing turns the storage's "not found" into what certmagic looks for.
func missing(key string, err error) error {
	if openstack.NotFound(err) {
		return fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return err
}

// Store writes a value.
func (s *storage) Store(ctx context.Context, key string, value []byte) error {
	name := objectName(key)
	sealed := s.cipher.Seal(name, value)
	if err := s.container.put(ctx, name, sealed, nil); err != nil {
		return err
	}
	s.copies.keep(name, object{Data: sealed})
	return nil
}

// Load reads a value; while the container cannot be read, the copy of what it was.
func (s *storage) Load(ctx context.Context, key string) ([]byte, error) {
	name := objectName(key)
	found, err := s.container.get(ctx, name, "")
	switch {
	case err == nil:
		s.copies.keep(name, found)
	case openstack.NotFound(err):
		s.copies.drop(name)
		return nil, missing(key, err)
	default:
		copied, copyErr := s.copies.read(name)
		if copyErr != nil {
			return nil, err
		}
		found = copied
	}
	value, err := s.cipher.Open(name, found.Data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return value, nil
}

// Delete removes a value, and all below it.
func (s *storage) Delete(ctx context.Context, key string) error {
	below, err := s.container.list(ctx, objectName(key)+"/", true)
	if err != nil {
		return err
	}
	for _, found := range append(below, listed{Name: objectName(key)}) {
		if err := s.container.remove(ctx, found.Name); err != nil {
			return err
		}
		s.copies.drop(found.Name)
	}
	return nil
}

// Exists tells whether there is such a value, or any below it.
func (s *storage) Exists(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

// List names what is below a key.
func (s *storage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	prefix := objectName(path) + "/"
	if strings.Trim(path, "/") == "" {
		prefix = reverseproxy.StoragePrefix
	}
	below, err := s.container.list(ctx, prefix, recursive)
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(below))
	for _, found := range below {
		keys = append(keys, strings.TrimSuffix(strings.TrimPrefix(found.Name+found.Subdir, reverseproxy.StoragePrefix), "/"))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	return keys, nil
}

// Stat tells about a value, or that there are any below it; while the container cannot be read, about the copy of a value. Without
// that, a certificate whose renewal is due would not be served in an outage: certmagic looks whether it is still stored.
func (s *storage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	name := objectName(key)
	found, err := s.container.request(ctx, http.MethodHead, name, nil, nil, nil, http.StatusOK)
	if openstack.NotFound(err) {
		below, listError := s.container.list(ctx, name+"/", false)
		if listError != nil {
			return certmagic.KeyInfo{}, listError
		}
		if len(below) > 0 {
			return certmagic.KeyInfo{Key: key}, nil
		}
	}
	switch {
	case openstack.NotFound(err):
		return certmagic.KeyInfo{}, missing(key, err)
	case err != nil:
		copied, copyErr := s.copies.read(name)
		if copyErr != nil {
			return certmagic.KeyInfo{}, err
		}
		return certmagic.KeyInfo{Key: key, Modified: copied.Modified, Size: int64(len(copied.Data)), IsTerminal: true}, nil
	}
	modified, err := http.ParseTime(found.header.Get("Last-Modified"))
	if err != nil {
		return certmagic.KeyInfo{}, fmt.Errorf("%s: read the time of its change: %w", name, err)
	}
	size, err := strconv.ParseInt(found.header.Get("Content-Length"), 10, 64)
	if err != nil {
		return certmagic.KeyInfo{}, fmt.Errorf("%s: read its size: %w", name, err)
	}
	return certmagic.KeyInfo{Key: key, Modified: modified, Size: size, IsTerminal: true}, nil
}

// A lock is an object that only one can create, and that the storage itself lets expire: nobody deletes a lock
// that may be another's, and no node's clock matters.
const (
	lockLife    = 60 * time.Second
	lockRefresh = 20 * time.Second
	lockPoll    = time.Second
	// lockSettle is how long whoever created a lock waits before it looks whether it has it: of two who create the same object at
	// the same time, Swift tells both that they did, and keeps what the later one wrote.
	lockSettle = 500 * time.Millisecond
)

type heldLock struct {
	owner string
	stop  context.CancelFunc
	done  chan struct{}
	until time.Time // by this process's monotonic clock
}

func lockObject(name string) string {
	return objectName("locks/" + certmagic.StorageKeys.Safe(name))
}

// Lock waits until nobody else holds the lock.
func (s *storage) Lock(ctx context.Context, name string) error {
	owner := rand.Text()
	for {
		taken, err := s.tryLock(ctx, name, owner)
		if err != nil || taken {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

func (s *storage) tryLock(ctx context.Context, name, owner string) (bool, error) {
	begin := time.Now()
	key := lockObject(name)
	err := s.container.put(ctx, key, []byte(owner), map[string]string{"If-None-Match": "*", "X-Delete-After": seconds(lockLife)})
	if err == nil {
		select {
		case <-ctx.Done():
			return false, errors.Join(ctx.Err(), s.container.remove(context.WithoutCancel(ctx), key))
		case <-time.After(max(lockSettle, 2*time.Since(begin))):
		}
	} else if !gophercloud.ResponseCodeIs(err, http.StatusPreconditionFailed) {
		return false, err
	}
	// Somebody else's may be there although ours was created, and ours although the answer to an earlier attempt was lost.
	held, err := s.container.get(ctx, key, "")
	if openstack.NotFound(err) {
		return false, nil
	}
	if err != nil || string(held.Data) != owner {
		return false, err
	}
	// The lock outlives the request that took it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	lock := &heldLock{owner: owner, stop: cancel, done: make(chan struct{}), until: begin.Add(lockLife)}
	s.mu.Lock()
	s.locks[name] = lock
	s.mu.Unlock()
	go s.keep(ctx, key, lock)
	return true, nil
}

// keep makes the lock last until it is given back. One that could not be kept in time is no longer ours to touch.
func (s *storage) keep(ctx context.Context, key string, lock *heldLock) {
	defer close(lock.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lockRefresh):
		}
		begin := time.Now()
		if begin.After(lock.until.Add(-requestTimeout)) {
			return
		}
		if err := s.container.put(ctx, key, []byte(lock.owner), map[string]string{"X-Delete-After": seconds(lockLife)}); err == nil {
			lock.until = begin.Add(lockLife)
		}
	}
}

// Unlock gives the lock back.
func (s *storage) Unlock(ctx context.Context, name string) error {
	s.mu.Lock()
	lock := s.locks[name]
	delete(s.locks, name)
	s.mu.Unlock()
	if lock == nil {
		return fmt.Errorf("the lock %s is not held", name)
	}
	lock.stop()
	<-lock.done
	if time.Now().After(lock.until.Add(-requestTimeout)) {
		return errors.New("the lock " + name + " was lost before it was given back")
	}
	return s.container.remove(ctx, lockObject(name))
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
