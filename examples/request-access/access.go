package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
	started       time.Time
	save          io.Writer // for IDs, nil not to save them
	json          bool      // print the access details as JSON
	session       string    // name or ID of the session for the command, or empty
	signals       chan os.Signal

	mu      sync.Mutex
	sent    bool             // whether access was requested
	ids     []string         // of the requests
	over    map[string]bool  // requests that have ended
	failed  map[string]error // of the latest poll of each request
	printed []string         // formats passed to once
	command *command         // nil if none is running
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
	tooLate := time.AfterFunc(r.timeout, func() { cancel(fmt.Errorf("not granted within %s", inWords(r.timeout))) })
	defer tooLate.Stop()
	if u.limit == 0 && in.DurationInSec != nil {
		u.limit = time.Duration(*in.DurationInSec) * time.Second
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
		sessions, err := r.sessions(ctx, grant)
		if u.command == nil {
			err = errors.Join(err, r.printDetails(ctx, sessions))
			if ctx.Err() == nil {
				r.once("Access is held. Press Ctrl-C to revoke it.")
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
	}, apono.AcquireOptions{Wait: r.waitOptions(ctx), OnCreated: r.created})
	r.report(r.ids, err)
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

// report prints the outcome of requests, and returns the number of those that may remain.
func (r *requester) report(ids []string, err error) (remaining int) {
	left := &apono.RevokeError{}
	errors.As(err, &left)
	for _, id := range ids {
		switch {
		case slices.Contains(left.IDs, id):
			fmt.Fprintf(r.Stderr, "NOT revoked: %s: %v\n", id, left.Err)
		case r.over[id]:
			fmt.Fprintf(r.Stderr, "Ended: %s\n", id)
		default:
			fmt.Fprintf(r.Stderr, "Revoked: %s\n", id)
		}
	}
	if left.MaybeRequested {
		fmt.Fprintln(r.Stderr, maybeRequested)
	}
	return len(left.IDs)
}

// waitOptions returns the options of a wait. It prints once that it waits, and once that
// polls fail.
func (r *requester) waitOptions(ctx context.Context) apono.WaitOptions {
	return apono.WaitOptions{Interval: r.poll, OnPoll: func(p apono.Poll) {
		r.mu.Lock()
		failure := r.failed[p.ID] // before; a rejection may have ended the wait, unless there is another poll
		granted := false
		var over error
		if r.failed[p.ID] = p.Err; p.Err == nil {
			granted, over = apono.UntilGranted(p.Request)
			r.over[p.ID] = over != nil && !p.Request.Status.Failed() // part of a failed one may have been granted
		}
		r.mu.Unlock()
		if ctx.Err() != nil || errors.Is(p.Err, context.Canceled) { // the wait has ended
			return
		}
		if rejected := (*apono.APIError)(nil); failure == nil && (!errors.As(p.Err, &rejected) || rejected.StatusCode >= 500) {
			failure = p.Err
		}
		if failure != nil {
			r.once("Cannot read the access, retrying: %v", failure)
		}
		switch {
		case len(p.Missing) > 0:
			r.once("Waiting for a session of %s", missing(p.Missing[0]))
		case p.Err == nil && !granted && over == nil:
			awaited := "access"
			if p.Request.Status.Pending() {
				awaited = "approval"
			}
			r.once("Waiting up to %s for %s (%s).", inWords(r.timeout), awaited, p.Request.Status)
			r.Progress()("%s, %s", p.Request.Status, program.Since(r.started).Round(time.Second))
		}
	}}
}

// inWords formats a duration such as "10 minutes".
func inWords(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return program.Plural(int(d/time.Hour), "hour")
	case d%time.Minute == 0:
		return program.Plural(int(d/time.Minute), "minute")
	case d%time.Second == 0:
		return program.Plural(int(d/time.Second), "second")
	}
	return d.String()
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

// created prints and saves the IDs of new requests.
func (r *requester) created(ids []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = ids
	for _, id := range ids {
		fmt.Fprintf(r.Stderr, "Requested: %s\n", id)
	}
	if r.save == nil {
		return nil
	}
	_, err := fmt.Fprintln(r.save, strings.Join(ids, "\n"))
	return err
}

const maybeRequested = "The request may have been created: look for it in the Apono portal."

// untilGranted requests access and prints how to connect. It does not revoke granted
// access.
func (r *requester) untilGranted(ctx context.Context, in apono.CreateAccessRequestInput, keep bool) error {
	// An interrupt must not cancel this call: its response has the IDs to revoke.
	requests, err := r.client.AccessRequests.Create(context.WithoutCancel(ctx), in)
	if err == nil && len(requests) == 0 {
		err = errNoRequest
	}
	if err != nil {
		if errors.Is(err, apono.ErrMaybeDone) || errors.Is(err, errNoRequest) {
			fmt.Fprintln(r.Stderr, maybeRequested)
		}
		return err
	}
	var ids []string
	for _, request := range requests {
		ids = append(ids, request.ID)
	}
	if err := r.created(ids); err != nil {
		return errors.Join(err, r.revoke(ctx, ids))
	}
	waiting, cancel := context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("not granted within %s", inWords(r.timeout)))
	defer cancel()
	grants, errs := make([]*apono.Grant, len(ids)), make([]error, len(ids))
	var waits sync.WaitGroup
	for i, id := range ids { // one that is rejected does not end the others
		waits.Go(func() { grants[i], errs[i] = r.client.AccessRequests.Adopt(waiting, []string{id}, r.waitOptions(ctx)) })
	}
	waits.Wait()
	var granted []*apono.Grant
	var open []string // to revoke; requests in neither list have ended
	var failures []error
	for i, err := range errs {
		switch {
		case err == nil:
			granted = append(granted, grants[i])
			continue
		case isEnd(err):
		case keep && ctx.Err() == nil:
			fmt.Fprintf(r.Stderr, "Left open: %s\n", ids[i])
		default:
			open = append(open, ids[i])
		}
		failures = append(failures, err)
	}
	if ctx.Err() == nil {
		failures = append(failures, r.revoke(ctx, open))
		open = nil
		if len(granted) > 0 {
			sessions, err := r.sessions(ctx, granted...)
			failures = append(failures, err, r.printDetails(ctx, sessions))
		}
	}
	if ctx.Err() != nil {
		for _, grant := range granted {
			open = append(open, grant.IDs()...)
		}
		return errors.Join(ctx.Err(), r.revoke(ctx, open))
	}
	return errors.Join(failures...)
}

var errNoRequest = errors.New("the response has no access request")

// revoke revokes requests, also after an interrupt.
func (r *requester) revoke(ctx context.Context, ids []string) error {
	err := r.client.AccessRequests.EnsureRevoked(context.WithoutCancel(ctx), ids...)
	switch remaining := r.report(ids, err); remaining {
	case 0:
		return nil
	case 1:
		return errors.New("1 request may remain: revoke it in the Apono portal")
	default:
		return fmt.Errorf("%d requests may remain: revoke them in the Apono portal", remaining)
	}
}

// revokeSaved revokes the requests whose IDs are in a file.
func revokeSaved(ctx context.Context, p *program.Program, name string) error {
	data, err := p.ReadFile(ctx, name, 1<<20)
	if err != nil {
		return err
	}
	client, disconnect, err := p.Connect(nil)
	if err != nil {
		return err
	}
	defer disconnect()
	ids := strings.Fields(string(data))
	if len(ids) == 0 {
		fmt.Fprintf(p.Stderr, "No requests in %s.\n", name)
	}
	return (&requester{Program: p, client: client}).revoke(ctx, ids)
}
