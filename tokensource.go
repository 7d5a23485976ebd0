package apono

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

// CachedTokenSource returns a function for [WithTokenSource] that caches the token of a
// source until the server rejects it or it is about to expire: a minute before, or a
// tenth of its life if that is shorter. A zero expiry time means that the token does not
// expire.
//
// The source is called by one goroutine at a time, with the context of a caller. Other
// callers that need its token wait for it, each until its own context ends, and share
// its error. If the source fails while the old token is still valid, the old one is used,
// and the source is called again after a second.
func CachedTokenSource(source func(ctx context.Context) (token string, expires time.Time, err error)) func(context.Context) (string, error) {
	if source == nil {
		return nil // which WithTokenSource rejects
	}
	return (&tokenCache{source: source, slot: make(chan struct{}, 1)}).get
}

type tokenCache struct {
	source func(context.Context) (string, time.Time, error)
	slot   chan struct{} // holds an element while the source runs

	mu      sync.Mutex
	token   string // empty for none
	expires time.Time
	renew   time.Time // when the source is called again, zero for never
	calls   int       // number of calls that ended while their caller waited
	err     error     // of the last one
}

func (c *tokenCache) get(ctx context.Context) (string, error) {
	token, fresh, calls := c.cached(transport.RejectedToken(ctx))
	if fresh {
		return token, nil
	}
	select {
	case c.slot <- struct{}{}:
	default:
		if token != "" {
			return token, nil // another goroutine renews it
		}
		select {
		case c.slot <- struct{}{}:
		case <-ctx.Done():
			return "", transport.ContextErr(ctx)
		}
	}
	c.mu.Lock()
	if c.calls != calls && (c.token != "" || c.err != nil) { // of another goroutine's call
		defer c.mu.Unlock()
		<-c.slot
		return c.token, c.err
	}
	c.mu.Unlock()
	var err error
	ended, rethrow := async(func() {
		defer func() { <-c.slot }()
		token, err = c.call(ctx)
	})
	select { // a source that ignores its context does not hold its caller
	case <-ended:
		rethrow()
		return token, err
	case <-ctx.Done():
		return "", transport.ContextErr(ctx)
	}
}

// cached returns the token while it is valid, and whether it need not be renewed. It
// drops a token that the server rejected.
func (c *tokenCache) cached(rejected string) (token string, fresh bool, calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == rejected || !c.expires.IsZero() && !time.Now().Before(c.expires) {
		c.token = ""
	}
	return c.token, c.token != "" && (c.renew.IsZero() || time.Now().Before(c.renew)), c.calls
}

// call calls the source and keeps its token. If it fails, it returns the old token, if
// there is one.
func (c *tokenCache) call(ctx context.Context) (string, error) {
	token, expires, err := c.source(ctx)
	if err == nil {
		err = checkToken("token from WithTokenSource", token)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if err == nil {
		c.token, c.expires, c.renew = token, expires, time.Time{}
		if !expires.IsZero() {
			c.renew = expires.Add(-min(time.Minute, expires.Sub(now)/10))
		}
	} else if c.token != "" {
		c.renew, err = now.Add(time.Second), nil
	}
	if err == nil || ctx.Err() == nil { // the end of one context is no error of other callers
		c.calls, c.err = c.calls+1, err
	}
	return c.token, err
}

// FileTokenSource returns a function for [WithTokenSource] that reads the token from a
// regular file of at most 64 KiB, without a line break at its end. It reads the file
// again when the file has changed or the server rejected the token. While the file
// cannot be read, it returns the previous token unless the server rejected it.
func FileTokenSource(path string) func(context.Context) (string, error) {
	var (
		mu    sync.Mutex
		token string
		seen  os.FileInfo // of the file when it was read
	)
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if token == transport.RejectedToken(ctx) {
			token = ""
		}
		info, err := os.Stat(path) //nolint:gosec // the caller chooses the file
		if err == nil && token != "" && os.SameFile(info, seen) && info.Size() == seen.Size() && info.ModTime().Equal(seen.ModTime()) {
			return token, nil
		}
		var text string
		if err == nil {
			text, err = readToken(path, info)
		}
		switch {
		case err == nil:
			token, seen = text, info
		case token == "":
			return "", err
		}
		return token, nil
	}
}

func readToken(path string, info os.FileInfo) (string, error) {
	const limit = 64 << 10
	reject := func(reason string) error { return &ArgumentError{Arg: "token file " + path, Reason: reason} }
	if !info.Mode().IsRegular() { // reading another one may block
		return "", reject("must be a regular file")
	}
	file, err := os.Open(path) //nolint:gosec // the caller chooses the file
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return "", err
	}
	if len(text) > limit {
		return "", reject(fmt.Sprintf("must have at most %d bytes", limit))
	}
	token := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	return token, checkToken("token file "+path, token)
}
