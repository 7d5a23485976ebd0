// Command sharedlimit limits the rate of calls of all processes of an account
// together. The processes can run on several machines; the count is kept in Redis.
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

const about = `Makes concurrent calls through a rate limit that several processes share and
prints when each one ended. The count is kept in Redis, under a key for the
account.

If Redis is not available, calls fail with -away fail. With -away alone, each
process limits its calls to its share of the rate.`

func run(ctx context.Context, p *program.Program) error {
	count := p.Flags.Int("calls", 10, "make this `number` of calls")
	perSecond := p.Flags.Int("rate", 5, "allow this `number` of calls per second for all processes together")
	burst := p.Flags.Int("burst", 1, "allow a burst of this `number` of calls after a pause")
	address := p.Flags.String("redis", "localhost:6379", "connect to Redis at this `address`")
	key := p.Flags.String("key", "apono", "count under this `key` in Redis; use one key per account")
	away := p.Flags.String("away", "fail", "use this `mode` if Redis is not available: fail or alone")
	processes := p.Flags.Int("processes", 3, "share the rate between this `number` of processes, for -away alone")
	p.Examples = []string{
		`sharedlimit -demo`,
		`sharedlimit -demo -away alone -processes 2`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	switch {
	case *count < 0 || *perSecond < 1 || *burst < 1 || *processes < 1:
		return p.Misuse("-calls must not be negative, and -rate, -burst and -processes must be at least 1")
	case *away != "fail" && *away != "alone":
		return p.Misuse("-away must be fail or alone")
	}
	redis.SetLogger(silence{}) // Wait returns the errors
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

// sharedLimiter limits the rate of attempts of all processes that use the same key.
// It is a limiter for [apono.WithLimiter].
type sharedLimiter struct {
	shared *redis_rate.Limiter
	key    string
	limit  redis_rate.Limit
	alone  *rate.Limiter // used if Redis is not available; nil makes Wait fail
}

// Wait waits until the limit allows an attempt.
func (l *sharedLimiter) Wait(ctx context.Context) error {
	for {
		result, err := l.shared.Allow(ctx, l.key, l.limit)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && l.alone != nil:
			return l.alone.Wait(ctx)
		case err != nil:
			return fmt.Errorf("cannot read the shared limit: %w", err)
		case result.Allowed > 0:
			return nil
		}
		// Add jitter, so that waiting processes do not retry at the same time.
		wait := result.RetryAfter + rand.N(result.RetryAfter/4+time.Millisecond) //nolint:gosec // not for security
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// silence discards the log of the Redis client.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
