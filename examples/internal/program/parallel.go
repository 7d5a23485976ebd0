package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/apono-go/apono"
	"golang.org/x/sync/errgroup"
)

// Parallel defines the flag -parallel. Its value must be checked with [Program.CheckParallel]
// after [Program.Parse].
func (p *Program) Parallel() *int {
	return p.Flags.Int("parallel", 10, "the highest `number` of calls at the same time")
}

// CheckParallel returns an error that ends the program unless the value of -parallel is
// at least 1.
func (p *Program) CheckParallel(parallel int) error {
	if parallel < 1 {
		return p.Misuse("-parallel must be at least 1")
	}
	return nil
}

// ErrNotStarted is reported by [Each] for what it did not start.
var ErrNotStarted = errors.New("not started")

// Each calls do for 0 to n-1, at most parallel at the same time, and report with each
// result, in order and not concurrently. A failure does not stop the others, except for
// a rejected token. Once ctx has ended, it starts no more calls and reports [ErrNotStarted]
// for the rest.
func Each(ctx context.Context, n, parallel int, do func(i int) error, report func(i int, err error)) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	results := make([]chan error, n)
	for i := range results {
		results[i] = make(chan error, 1)
	}
	var calls errgroup.Group
	calls.SetLimit(parallel)
	go func() {
		for i, result := range results {
			calls.Go(func() error {
				if ctx.Err() != nil {
					result <- ErrNotStarted
					return nil //nolint:nilerr // the result tells it
				}
				err := do(i)
				if errors.Is(err, apono.ErrUnauthorized) {
					stop()
				}
				result <- err
				return nil
			})
		}
	}()
	for i, result := range results {
		report(i, <-result)
	}
}

// Grace is how long calls that change something may go on after an interrupt.
const Grace = 10 * time.Second

// Finishing returns a context for calls that change something. It ends [Grace] after ctx,
// so that the result of a change is known although the program is interrupted.
func Finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	finishing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(Grace, cancel) })
	return finishing, func() { stop(); cancel() }
}

// TellStop prints that the program waits for calls, once ctx has ended. The function
// that it returns ends this.
func (p *Program) TellStop(ctx context.Context) (end func() bool) {
	return context.AfterFunc(ctx, func() { fmt.Fprintln(p.Stderr, "Stopping: waiting for the calls that are running.") })
}

// NotFound reports whether err is a 404 of the API, which has a JSON object as its body,
// and not one of a gateway in between.
func NotFound(err error) bool {
	var response *apono.APIError
	return errors.As(err, &response) && response.StatusCode == http.StatusNotFound &&
		json.Valid(response.Body) && bytes.HasPrefix(bytes.TrimSpace(response.Body), []byte("{"))
}

// Advice returns what to do after failures, by their causes, or "" if there is nothing
// to advise.
func Advice(failures []error) string {
	forbidden := 0
	for _, err := range failures {
		var argument *apono.ArgumentError
		switch {
		case errors.Is(err, apono.ErrForbidden):
			forbidden++
		case !errors.Is(err, apono.ErrBadRequest) && !errors.As(err, &argument):
			return "run the command again"
		}
	}
	if forbidden > 0 {
		return "the token needs more permissions"
	}
	return ""
}
