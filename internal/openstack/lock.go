package openstack

import (
	"context"
	"fmt"
	"sync"
)

// locks are mutual exclusions by name that give up when their context ends. The zero value is ready.
type locks struct {
	mu    sync.Mutex
	named map[string]*namedLock
}

type namedLock struct {
	held  chan struct{} // one token: whoever put it in holds the lock
	users int           // holder and waiters; the last one removes the entry
}

func (l *locks) lock(ctx context.Context, key string) (func(), error) {
	l.mu.Lock()
	entry, ok := l.named[key]
	if !ok {
		entry = &namedLock{held: make(chan struct{}, 1)}
		if l.named == nil {
			l.named = map[string]*namedLock{}
		}
		l.named[key] = entry
	}
	entry.users++
	l.mu.Unlock()

	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if entry.users--; entry.users == 0 {
			delete(l.named, key)
		}
	}
	// A context that ended must not win the lock by the luck of the select below.
	if err := ctx.Err(); err != nil {
		leave()
		return nil, fmt.Errorf("wait for the lock of %s: %w", key, err)
	}
	select {
	case entry.held <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, fmt.Errorf("wait for the lock of %s: %w", key, ctx.Err())
	}
	return sync.OnceFunc(func() {
		<-entry.held
		leave()
	}), nil
}
