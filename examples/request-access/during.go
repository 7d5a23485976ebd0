package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

// requester is one run of the program.
type requester struct {
	*program.Program
	client        *apono.Client
	timeout, poll time.Duration
	signals       chan os.Signal

	mu      sync.Mutex
	sent    bool     // whether access was requested
	ids     []string // of the requests
	polled  string   // id of the latest poll
	over    []string // ids of ended requests
	printed []string // formats passed to once
	command *command // nil if none is running
}

// use describes the use of the access.
type use struct {
	command      []string // empty to hold the access
	limit, grace time.Duration
}

// during requests access, holds it or runs a command, and revokes it.
func (r *requester) during(ctx context.Context, in apono.CreateAccessRequestInput, u use) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tooLate := time.AfterFunc(r.timeout, func() { cancel(fmt.Errorf("not granted within %s", r.timeout)) })
	defer tooLate.Stop()
	if u.limit == 0 && in.DurationInSec != nil {
		u.limit = time.Duration(*in.DurationInSec) * time.Second
	}
	options := r.waitOptions(ctx)
	say := options.OnPoll
	options.OnPoll = func(p apono.Poll) {
		if p.Err == nil && isOver(p.Request.Status) {
			r.over = append(r.over, p.ID)
		}
		say(p)
	}
	code, early := 0, false
	err := r.client.AccessRequests.During(ctx, in, func(ctx context.Context, grant *apono.Grant) (err error) {
		if !tooLate.Stop() {
			return context.Cause(ctx)
		}
		if u.limit > 0 {
			limited, cancel := context.WithTimeout(ctx, u.limit)
			defer cancel()
			ctx = limited
		}
		sessions, err := r.sessions(ctx, grant.Requests())
		if u.command == nil {
			err = errors.Join(err, r.printDetails(ctx, sessions))
			if ctx.Err() == nil {
				r.once("Holding the access. Interrupt to revoke it.")
			}
			<-ctx.Done()
			return err
		}
		if err != nil {
			return err
		}
		environment, err := r.environment(ctx, sessions)
		if err != nil {
			return err
		}
		code, err = r.run(ctx, u, environment)
		early = ended(ctx)
		return err
	}, apono.AcquireOptions{Wait: options})
	r.report(err)
	switch {
	case code != 0:
		if err != nil {
			fmt.Fprintf(r.Stderr, "%s: %v\n", r.Flags.Name(), err)
		}
		return program.ExitCode(code)
	case err == nil && early:
		return errors.New("the access ended before the command")
	}
	return err
}

// ended reports whether the context of During's function ended with the access.
func ended(ctx context.Context) bool { return isEnd(context.Cause(ctx)) }

// isEnd reports whether an error is the end of a request.
func isEnd(err error) bool {
	return errors.Is(err, apono.ErrRequestRevoked) || errors.Is(err, apono.ErrRequestRejected) || errors.Is(err, apono.ErrRequestFailed)
}

// isOver reports whether there is nothing to revoke. Part of a failed request may have
// been granted.
func isOver(status apono.AccessRequestStatus) bool {
	_, err := apono.UntilGranted(&apono.AccessRequest{Status: status})
	return err != nil && !status.Failed()
}

// report prints the outcome of each request.
func (r *requester) report(err error) {
	left := &apono.RevokeError{}
	errors.As(err, &left)
	for _, id := range r.ids {
		switch {
		case slices.Contains(left.IDs, id):
			fmt.Fprintf(r.Stderr, "NOT revoked: %s: %v\n", id, left.Err)
		case slices.Contains(r.over, id):
			fmt.Fprintf(r.Stderr, "Ended: %s\n", id)
		default:
			fmt.Fprintf(r.Stderr, "Revoked: %s\n", id)
		}
	}
	if left.MaybeRequested {
		fmt.Fprintln(r.Stderr, maybeRequested)
	}
}

// sameInterrupt is the time within which two interrupts count as one. Programs such as
// timeout(1) send each signal twice.
const sameInterrupt = 200 * time.Millisecond

// handleSignals returns a context that is canceled by a signal. While a command runs,
// signals are passed on to it instead. A second interrupt ends the program.
func (r *requester) handleSignals(main context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(main))
	r.signals = make(chan os.Signal, 16)
	endings := program.Endings()
	signal.Notify(r.signals, endings...)
	go func() {
		var first time.Time
		for sig := range r.signals {
			switch {
			case r.passOn(sig):
				first = time.Time{}
			case !slices.Contains(endings, sig): // the command has just ended
			case !first.IsZero():
				if sig == os.Interrupt && time.Since(first) > sameInterrupt {
					r.endAtOnce()
				}
			default:
				<-main.Done() // sets the exit code
				first = time.Now()
				if r.mayRemain() != "" {
					r.once("Revoking. Interrupt again to exit at once.")
				}
				cancel()
			}
		}
	}()
	return ctx, func() {
		signal.Stop(r.signals)
		close(r.signals)
		cancel()
	}
}

// endAtOnce exits without waiting for revocations.
func (r *requester) endAtOnce() {
	r.Progress()("")
	text := "interrupted"
	if left := r.mayRemain(); left != "" {
		text += "; " + left
	}
	fmt.Fprintf(r.Stderr, "%s: %s\n", r.Flags.Name(), text)
	os.Exit(130)
}

// mayRemain describes what may remain if the program exits now. It is empty if nothing
// does.
func (r *requester) mayRemain() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.ids) > 0:
		return "revoke in the Apono portal what may remain: " + strings.Join(r.ids, ", ")
	case r.sent:
		return "a request may have been created: look for it in the Apono portal"
	}
	return ""
}

// waitOptions returns the options of a wait. It prints once that it waits, and once that
// polls fail.
func (r *requester) waitOptions(ctx context.Context) apono.WaitOptions {
	return apono.WaitOptions{Interval: r.poll, OnPoll: func(p apono.Poll) {
		switch {
		case ctx.Err() != nil || errors.Is(p.Err, context.Canceled): // the wait has ended
		case p.Err != nil:
			r.once("Cannot read the request, retrying: %v", p.Err)
		default:
			if granted, over := apono.UntilGranted(p.Request); !granted && over == nil {
				r.once("Waiting at most %[2]s for the access; its status is %[1]s.", p.Request.Status, r.timeout)
			}
		}
	}}
}

// once prints a line for each format, and none while a command runs.
func (r *requester) once(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.command == nil && !slices.Contains(r.printed, format) {
		r.printed = append(r.printed, format)
		r.Progress()("")
		fmt.Fprintf(r.Stderr, format+"\n", args...)
	}
}

// requested prints the id of a new request.
func (r *requester) requested(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.polled = id; !slices.Contains(r.ids, id) {
		r.ids = append(r.ids, id)
		fmt.Fprintf(r.Stderr, "Requested: %s\n", id)
	}
}

// middleware reads the ids of requests from the paths of polls and revocations, because
// During does not report them before the access is granted.
func (r *requester) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		switch name, _, _ := apono.OperationFromContext(req.Context()); name {
		case "AccessRequests.Create":
			r.mu.Lock()
			r.sent = true
			r.mu.Unlock()
		case "AccessRequests.Get", "AccessRequests.Revoke":
			_, path, _ := strings.Cut(req.URL.EscapedPath(), "/access-requests/")
			id, _, _ := strings.Cut(path, "/")
			if id, err := url.PathUnescape(id); err == nil {
				r.requested(id)
			}
		}
		return next.RoundTrip(req)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
