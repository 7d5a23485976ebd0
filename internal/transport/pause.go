package transport

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// pauses are the times before which the server asked the users of a token to send
// nothing. All calls of a client wait for them, so that those that the server rejects
// do not use up their attempts, and each has its turn.
type pauses struct {
	mu    sync.Mutex
	until map[string]pause // by token
}

type pause struct {
	end    time.Time
	length time.Duration
}

// add records the Retry-After of a 429, 0 for none.
func (p *pauses) add(token string, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for other, pause := range p.until {
		if !pause.end.After(now) {
			delete(p.until, other)
		}
	}
	if end := now.Add(wait); end.After(p.until[token].end) && wait > 0 {
		if p.until == nil {
			p.until = map[string]pause{}
		}
		p.until[token] = pause{end, wait}
	}
}

// left returns how long a call waits, with up to a fifth more at random.
func (p *pauses) left(token string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause := p.until[token]
	left := time.Until(pause.end)
	if left <= 0 {
		return 0
	}
	return left + rand.N(pause.length/spread+1) //nolint:gosec // spreads load, hides nothing
}

type unpausedKey struct{}

// Unpaused returns a context whose calls are sent even if the server asked to wait.
func Unpaused(ctx context.Context) context.Context {
	return context.WithValue(ctx, unpausedKey{}, true)
}

func isUnpaused(ctx context.Context) bool { return ctx.Value(unpausedKey{}) != nil }
