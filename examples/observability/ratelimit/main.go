// Command ratelimit spreads the calls of an Apono client over time with
// golang.org/x/time/rate, whatever the number of goroutines that make them.
package main

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
	"github.com/apono-go/apono/examples/observability/internal/calls"
)

func main() { program.Main("ratelimit", run) }

const about = "Makes calls at once and shows when a rate limiter let each of them go."

func run(ctx context.Context, p *program.Program) error {
	count := p.Flags.Int("calls", 10, "make this `number` of calls")
	perSecond := p.Flags.Float64("rate", 5, "let this `number` of calls go per second")
	burst := p.Flags.Int("burst", 2, "let this `number` of calls go at once after a pause")
	if err := p.Parse(about); err != nil {
		return err
	}
	if *count < 0 || !(*perSecond > 0) || *burst < 1 {
		return p.Misuse("-calls must not be negative, -rate must be positive and -burst at least 1")
	}
	// One limiter for the whole program: repeated attempts wait for it, too.
	limiter := rate.NewLimiter(rate.Limit(*perSecond), *burst)
	client, disconnect, err := p.Connect(nil, apono.WithLimiter(limiter))
	if err != nil {
		return err
	}
	defer disconnect()
	return calls.AtOnce(ctx, p.Stdout, client, *count)
}
