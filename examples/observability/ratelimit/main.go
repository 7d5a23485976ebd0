// Command ratelimit spreads the calls of an Apono client over time with
// golang.org/x/time/rate, whatever the number of goroutines that make them.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("ratelimit", run) }

const about = "Makes calls at once and shows when a rate limiter let each of them go."

func run(ctx context.Context, p *program.Program) error {
	calls := p.Flags.Int("calls", 10, "make this `number` of calls")
	perSecond := p.Flags.Float64("rate", 5, "let this `number` of calls go per second")
	burst := p.Flags.Int("burst", 2, "let this `number` of calls go at once after a pause")
	if err := p.Parse(about); err != nil {
		return err
	}
	if *calls < 0 || !(*perSecond > 0) || *burst < 1 {
		return p.Misuse("-calls must not be negative, -rate must be positive and -burst at least 1")
	}
	// One limiter for the whole program: repeated attempts wait for it, too.
	limiter := rate.NewLimiter(rate.Limit(*perSecond), *burst)
	client, disconnect, err := p.Connect(nil, apono.WithLimiter(limiter))
	if err != nil {
		return err
	}
	defer disconnect()
	return callAtOnce(ctx, p.Stdout, client, *calls)
}

// callAtOnce makes calls at the same time, and prints when each was answered.
func callAtOnce(ctx context.Context, out io.Writer, client *apono.Client, calls int) error {
	started := time.Now()
	answers := make(chan error, calls)
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			_, err := client.Users.List(ctx, apono.ListUsersOptions{Limit: 1})
			answers <- err
		})
	}
	go func() {
		group.Wait()
		close(answers)
	}()
	var failed error
	n := 0
	for err := range answers {
		n++
		text := "ok"
		if err != nil {
			failed = cmp.Or(failed, err)
			text = err.Error()
		}
		if _, err := fmt.Fprintf(out, "call %d of %d, after %.1f s: %s\n", n, calls, time.Since(started).Seconds(), text); err != nil {
			return err
		}
	}
	return failed
}
