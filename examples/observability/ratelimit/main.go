// Command ratelimit limits the rate of calls of an Apono client with
// golang.org/x/time/rate. The limit holds for all goroutines together.
package main

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
	"github.com/apono-go/apono/examples/observability/internal/calls"
)

func main() { program.Main("ratelimit", run) }

const about = "Makes concurrent calls through a rate limiter and prints when each one ended."

func run(ctx context.Context, p *program.Program) error {
	count := p.Flags.Int("calls", 10, "make this `number` of calls")
	perSecond := p.Flags.Float64("rate", 5, "allow this `number` of calls per second")
	burst := p.Flags.Int("burst", 2, "allow a burst of this `number` of calls after a pause")
	p.Examples = []string{
		`ratelimit -demo`,
		`ratelimit -demo -calls 20 -rate 10 -burst 5`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	if *count < 0 || !(*perSecond > 0) || *burst < 1 {
		return p.Misuse("-calls must not be negative, -rate must be positive and -burst at least 1")
	}
	// All attempts of all calls wait for this limiter, including retries.
	limiter := rate.NewLimiter(rate.Limit(*perSecond), *burst)
	client, disconnect, err := p.Connect(nil, apono.WithLimiter(limiter))
	if err != nil {
		return err
	}
	defer disconnect()
	return calls.AtOnce(ctx, p.Stdout, client, *count)
}
