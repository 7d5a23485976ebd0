package apono

import (
	"context"
	"sync"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

// CachedTokenSource returns a function for [WithTokenSource] that caches the token of a
// source until the server rejects it or it expires in less than a minute. A zero
// expiry time means that the token does not expire.
//
// Concurrent callers share one call of the source. Each of them waits until its own
// context ends. The context of the source has the values of the first caller's context,
// and is canceled when no caller waits any more. Errors are not cached.
func CachedTokenSource(source func(ctx context.Context) (token string, expires time.Time, err error)) func(context.Context) (string, error) {
	if source == nil {
		return nil // which WithTokenSource rejects
	}
	return (&tokenCache{source: source}).get
}

// usedToken is the last token that a call received, stored under usedTokenKey in its
// context. After a 401, a different token in the cache is newer and was not rejected.
type (
	usedToken    struct{ token string }
	usedTokenKey struct{}
)

type tokenCache struct {
	source  func(context.Context) (string, time.Time, error)
	mu      sync.Mutex
	token   string // empty for none
	expires time.Time
	running *tokenRefresh
}

// tokenRefresh is one call of the source.
type tokenRefresh struct {
	ended     <-chan struct{}
	rethrow   func() // panics if the source did
	cancel    context.CancelFunc
	waiting   int
	abandoned bool
	token     string
	err       error
}

func (c *tokenCache) get(ctx context.Context) (string, error) {
	used, _ := ctx.Value(usedTokenKey{}).(*usedToken)
	if used == nil {
		used = new(usedToken)
	}
	for {
		c.mu.Lock()
		if token := c.token; token != "" && c.isGood(ctx, used) {
			c.mu.Unlock()
			used.token = token
			return token, nil
		}
		r := c.running
		if r == nil {
			r = c.refresh(ctx)
		}
		joined := !r.abandoned
		if joined {
			r.waiting++
		}
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			if joined {
				c.leave(r)
			}
			return "", transport.ContextErr(ctx)
		case <-r.ended:
		}
		if joined {
			r.rethrow()
			used.token = r.token
			return r.token, r.err
		}
	}
}

// isGood reports whether a call can use the cached token.
func (c *tokenCache) isGood(ctx context.Context, used *usedToken) bool {
	if TokenRejected(ctx) && (used.token == "" || used.token == c.token) {
		return false
	}
	return c.expires.IsZero() || time.Until(c.expires) > time.Minute
}

func (c *tokenCache) refresh(ctx context.Context) *tokenRefresh {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &tokenRefresh{cancel: cancel}
	c.running = r
	r.ended, r.rethrow = async(func() {
		defer func() {
			cancel()
			c.mu.Lock()
			defer c.mu.Unlock()
			c.running = nil
		}()
		token, expires, err := c.source(ctx)
		if err == nil {
			err = checkToken("token from WithTokenSource", token)
		}
		if r.err = err; err != nil {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		r.token, c.token, c.expires = token, token, expires
	})
	return r
}

// leave cancels the call of the source when the last caller stops waiting.
func (c *tokenCache) leave(r *tokenRefresh) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.waiting--; r.waiting == 0 {
		r.abandoned = true
		r.cancel()
	}
}
