package apono

import (
	"context"
	"sync"
	"time"

	"github.com/apono-go/apono/internal/transport"
)

// CachedTokenSource returns a function for [WithTokenSource] that keeps the token
// of a source until the server rejects it or it expires in less than a minute; a
// zero time is no expiry.
//
// However many goroutines ask for the token, one call of the source is under way
// at a time, and each of them waits no longer than its own context. The context of
// the source has the values of the first one's and ends when nobody waits any
// more. An error is returned to those who wait, and the next one to ask has the
// source called again.
func CachedTokenSource(source func(ctx context.Context) (token string, expires time.Time, err error)) func(context.Context) (string, error) {
	if source == nil {
		return nil // which WithTokenSource rejects
	}
	return (&tokenCache{source: source}).get
}

// usedToken is the token that a call was last given, under usedTokenKey in its
// context: a token that another call was given since has not been rejected.
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
	pass      func() // panics where the source did
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
			r.pass()
			used.token = r.token
			return r.token, r.err
		}
	}
}

// isGood reports whether the token can be given to a call.
func (c *tokenCache) isGood(ctx context.Context, used *usedToken) bool {
	if TokenRefused(ctx) && (used.token == "" || used.token == c.token) {
		return false
	}
	return c.expires.IsZero() || time.Until(c.expires) > time.Minute
}

func (c *tokenCache) refresh(ctx context.Context) *tokenRefresh {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &tokenRefresh{cancel: cancel}
	c.running = r
	r.ended, r.pass = apart(func() {
		defer func() {
			cancel()
			c.mu.Lock()
			defer c.mu.Unlock()
			c.running = nil
		}()
		token, expires, err := c.source(ctx)
		if err == nil {
			err = checkToken("the token from the token source", token)
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

// leave ends the call of the source when nobody waits for it any more.
func (c *tokenCache) leave(r *tokenRefresh) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.waiting--; r.waiting == 0 {
		r.abandoned = true
		r.cancel()
	}
}
