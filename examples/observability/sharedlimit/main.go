// Command sharedlimit spreads the calls of all programs of an account over time,
// on however many machines they run: what they may do together is counted in
// Redis.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
	"github.com/apono-go/apono/examples/observability/internal/calls"
)

func main() { program.Main("sharedlimit", run) }

const about = `Makes calls at once, and shows when a limit that all processes share let each of
them go. The count is kept in Redis, under a key for the account.

While Redis is away, -away fail lets no call go, and -away alone limits each
process by itself to its share of the rate.`

func run(ctx context.Context, p *program.Program) error {
	count := p.Flags.Int("calls", 10, "make this `number` of calls")
	perSecond := p.Flags.Int("rate", 5, "let this `number` of calls go per second, of all processes together")
	burst := p.Flags.Int("burst", 1, "let this `number` of calls go at once after a pause")
	address := p.Flags.String("redis", "localhost:6379", "the `address` of Redis")
	key := p.Flags.String("key", "apono", "count under this `key`, one for each account")
	away := p.Flags.String("away", "fail", "what happens while Redis is away: `fail` or alone")
	processes := p.Flags.Int("processes", 3, "the `number` of processes that share the rate, for -away alone")
	if err := p.Parse(about); err != nil {
		return err
	}
	switch {
	case *count < 0 || *perSecond < 1 || *burst < 1 || *processes < 1:
		return p.Misuse("-calls must not be negative, and -rate, -burst and -processes be at least 1")
	case *away != "fail" && *away != "alone":
		return p.Misuse("-away is fail or alone")
	}
	redis.SetLogger(silence{}) // Wait says what is wrong
	counter := redis.NewClient(&redis.Options{
		Addr: *address, DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second, MaxRetries: -1,
	})
	defer func() { _ = counter.Close() }()
	limiter := &sharedLimiter{
		shared: redis_rate.NewLimiter(counter), key: *key,
		limit: redis_rate.Limit{Rate: *perSecond, Burst: *burst, Period: time.Second},
	}
	if *away == "alone" {
		limiter.alone = rate.NewLimiter(rate.Limit(*perSecond)/rate.Limit(*processes), 1)
	}
	client, disconnect, err := p.Connect(nil, apono.WithLimiter(limiter))
	if err != nil {
		return err
	}
	defer disconnect()
	return calls.AtOnce(ctx, p.Stdout, client, *count)
}

// sharedLimiter lets calls go at a rate that all processes with its key share. Each
// attempt of a call waits for it.
type sharedLimiter struct {
	shared *redis_rate.Limiter
	key    string
	limit  redis_rate.Limit
	// alone limits this process while Redis is away; nil lets no call go then.
	alone *rate.Limiter
}

// Wait waits until a call may go.
func (l *sharedLimiter) Wait(ctx context.Context) error {
	for {
		result, err := l.shared.Allow(ctx, l.key, l.limit)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && l.alone != nil:
			return l.alone.Wait(ctx)
		case err != nil:
			return fmt.Errorf("the shared limit is not known, so no call goes: %w", err)
		case result.Allowed > 0:
			return nil
		}
		// Those who wait do not come back all at once.
		wait := result.RetryAfter + rand.N(result.RetryAfter/4+time.Millisecond) //nolint:gosec // no secret
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
