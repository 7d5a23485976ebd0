// Command request-access requests access, waits until it is granted, and prints
// how to connect, or runs a command that connects. It can hold the access and
// revoke it at the end.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and requests access there.
package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("request-access", run) }

const about = `Requests a bundle, or a permission to a resource of an integration, waits until
it is granted, prints how to connect, and ends. An interrupt before that revokes
what it requested.

With -hold, -revoke-after or COMMAND it holds the access and revokes it at the
end: after an interrupt, a termination or a hangup, when the time is over, when
COMMAND ends. Of several requests either all are granted or all are revoked.
An outage of Apono does not end the access. -hold ends with exit code 0 when it
is interrupted. A second interrupt ends the program at once; it names what may
remain.

COMMAND has the access details of the sessions in its environment. They are read
once and printed nowhere:

  APONO_SESSION_COUNT          the number of sessions
  APONO_SESSION_ID             the id of the session
  APONO_SESSION_NAME           its name
  APONO_SESSION_INTEGRATION    the name of its integration
  APONO_SESSION_INSTRUCTIONS   the steps for a person
  APONO_SESSION_MESSAGE        the administrator's note
  APONO_SESSION_CLI            a command line
  APONO_SESSION_LINK           the address of a console
  APONO_SESSION_PARAM_X        the parameter X, such as PASSWORD: in upper case,
                               with "_" for what is no letter or digit
  APONO_SESSION_JSON           all access details as JSON

A variable is not set if the session has no such detail. Several sessions are
sorted by integration and name: APONO_SESSION_CLI is for the first,
APONO_SESSION_2_CLI for the second. COMMAND does not get the API token.

COMMAND has the program's input, output and signals. An interrupt does not end
the program while COMMAND runs. After a termination or a hangup, and when the
access or the time ends, COMMAND is told to end, and killed after -grace. The
revocation is the last step. The exit code is that of COMMAND, or 128 plus the
number of the signal that ended it. It is 1 instead of 0 if the access ended
before COMMAND or may remain.`

func run(ctx context.Context, p *program.Program) error {
	command := p.Command()
	bundle := p.Flags.String("bundle", "", "request the bundle of this `name` or id")
	integration := p.Flags.String("integration", "", "request something of the integration of this `name`")
	resource := p.Flags.String("resource", "", "request the resource of this `name` or id")
	permission := p.Flags.String("permission", "", "request the permission of this `name`")
	justification := p.Flags.String("justification", "", "the `reason`, required")
	duration := p.Flags.Duration("duration", 0, "request access for this `time`, in whole seconds, 0 for the access flow's own")
	grantee := p.Flags.String("grantee", "", "request access for the person with this `e-mail`")
	timeout := p.Flags.Duration("timeout", 10*time.Minute, "wait at most this `time` for the access, then revoke the request")
	poll := p.Flags.Duration("poll", time.Second, "look at a request again after this `time`, and less often later")
	keep := p.Flags.Bool("keep", false, "leave the request open after -timeout")
	hold := p.Flags.Bool("hold", false, "keep running until interrupted, or until -duration or the access ends; then revoke")
	revokeAfter := p.Flags.Duration("revoke-after", 0, "-hold, or COMMAND, but for this `time` at most")
	grace := p.Flags.Duration("grace", 10*time.Second, "kill COMMAND this `time` after it was told to end")
	fields := map[string]string{}
	p.Flags.Func("field", "set a custom field, as `id=value`; may be given several times", func(field string) error {
		id, value, ok := strings.Cut(field, "=")
		if !ok || id == "" {
			return errors.New("it must be id=value")
		}
		fields[id] = value
		return nil
	})
	if err := p.Parse(about); err != nil {
		return err
	}
	byParts := *integration != "" && *resource != "" && *permission != ""
	during := *hold || *revokeAfter > 0 || command != nil
	switch {
	case byParts == (*bundle != "") || !byParts && *integration+*resource+*permission != "":
		return p.Misuse("it takes either -bundle, or -integration, -resource and -permission")
	case strings.TrimSpace(*justification) == "":
		return p.Misuse("-justification is required")
	case *duration < 0 || *duration%time.Second != 0 || *revokeAfter < 0 || min(*timeout, *poll, *grace) <= 0:
		return p.Misuse("-duration is in whole seconds, -timeout, -poll and -grace above 0, and no time below 0")
	case *keep && during:
		return p.Misuse("-keep goes without -hold, -revoke-after and COMMAND, which revoke what they request")
	case *hold && command != nil:
		return p.Misuse("-hold goes without COMMAND: the access lives until COMMAND ends")
	case command != nil && len(command) == 0:
		return p.Misuse("COMMAND is missing after --")
	}
	if command != nil { // sooner than after an approval
		if _, err := exec.LookPath(command[0]); err != nil {
			return p.Misuse("%v", err)
		}
	}
	r := &requester{Program: p, timeout: *timeout, poll: *poll}
	ctx, stop := r.handleSignals(ctx)
	defer stop()
	client, disconnect, err := p.Connect([]aponotest.Option{
		aponotest.WithApprovalAfter(2 * time.Second), aponotest.WithProvisioningTime(time.Second),
	}, apono.WithMiddleware(r.middleware))
	if err != nil {
		return err
	}
	defer disconnect()
	r.client = client

	in := apono.CreateAccessRequestInput{Justification: justification, CustomFields: fields}
	if *grantee != "" {
		in.Grantee = grantee
	}
	if *duration > 0 {
		in.DurationInSec = apono.Ptr(int(*duration / time.Second))
	}
	if byParts {
		err = pickEntitlement(ctx, client, &in, *grantee, *integration, *resource, *permission)
	} else {
		err = pickBundle(ctx, client, &in, *grantee, *bundle)
	}
	switch {
	case err != nil:
		return err
	case during:
		return r.during(ctx, in, use{command: command, limit: *revokeAfter, grace: *grace})
	}
	return r.untilGranted(ctx, in, *keep)
}

// untilGranted requests access and prints how to connect. The access stays.
func (r *requester) untilGranted(ctx context.Context, in apono.CreateAccessRequestInput, keep bool) error {
	// An interrupt must not cut the response off, for it says what is to be revoked.
	requests, err := r.client.AccessRequests.Create(context.WithoutCancel(ctx), in)
	if err == nil && len(requests) == 0 {
		err = errNoRequest
	}
	if err != nil {
		if maybeCreated(err) {
			fmt.Fprintln(r.Stderr, maybeRequested)
		}
		return err
	}
	for _, request := range requests {
		r.requested(request.ID)
	}
	waiting, cancel := context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("not granted within %s", r.timeout))
	defer cancel()
	var granted []*apono.AccessRequest
	var open []string // a request in neither list is over
	var failures []error
	for i, err := range r.follow(waiting, requests, r.Progress()) {
		id := requests[i].ID
		switch {
		case err == nil:
			granted = append(granted, requests[i])
			continue
		case errors.Is(err, apono.ErrRequestRejected), errors.Is(err, apono.ErrRequestFailed), errors.Is(err, apono.ErrRequestRevoked):
		case keep && ctx.Err() == nil:
			fmt.Fprintf(r.Stderr, "Left open: %s\n", id)
		default:
			open = append(open, id)
		}
		failures = append(failures, fmt.Errorf("%s: %w", id, err))
	}
	if ctx.Err() == nil {
		failures = append(failures, r.revoke(ctx, open))
		open = nil
		if len(granted) > 0 {
			sessions, err := r.sessions(ctx, granted)
			failures = append(failures, err, r.printDetails(ctx, sessions))
		}
	}
	if ctx.Err() != nil {
		for _, request := range granted {
			open = append(open, request.ID)
		}
		failures = []error{ctx.Err(), r.revoke(ctx, open)}
	}
	return errors.Join(failures...)
}

const maybeRequested = "The request may have been created all the same: look for it in the Apono portal."

var errNoRequest = errors.New("the response to the submission names no request")

// maybeCreated reports whether a submission that failed may have been carried out.
func maybeCreated(err error) bool {
	lost, unreadable := (*apono.TransportError)(nil), (*apono.DecodeError)(nil)
	return errors.As(err, &lost) && lost.MaybeSent || errors.As(err, &unreadable) || errors.Is(err, apono.ErrServer) || errors.Is(err, errNoRequest)
}

func pickBundle(ctx context.Context, client *apono.Client, in *apono.CreateAccessRequestInput, grantee, name string) error {
	bundles := client.AvailableAccess.ListAllBundles(ctx, apono.ListAvailableBundlesOptions{Grantee: grantee})
	picked, err := pick(bundles, func(b *apono.AvailableBundle) (bool, string) {
		return called(name, b.Name, b.ID), fmt.Sprintf("%s: -bundle %s", b.Name, b.ID)
	})
	if err == nil {
		in.BundleReference = &picked.ID
	}
	return err
}

func pickEntitlement(ctx context.Context, client *apono.Client, in *apono.CreateAccessRequestInput, grantee, integration, resource, permission string) error {
	// What fits is decided here too: a server may ignore a filter.
	compare := func(e *apono.AvailableEntitlement) (bool, string) {
		return called(integration, e.Integration.Name) && called(resource, e.Resource.Name, e.Resource.ID) && called(permission, e.Permission.Name),
			fmt.Sprintf("%s, %s: -resource %s -permission %s", e.Resource.Type.Label, e.Resource.Name, e.Resource.ID, e.Permission.Name)
	}
	filter := apono.ListAvailableEntitlementsOptions{Grantee: grantee, IntegrationName: integration, ResourceName: resource, PermissionName: []string{permission}}
	picked, err := pick(client.AvailableAccess.ListAllEntitlements(ctx, filter), compare)
	if errors.Is(err, errNone) { // an id perhaps, for which there is no filter, or a slip
		filter.ResourceName, filter.PermissionName = "", nil
		picked, err = pick(client.AvailableAccess.ListAllEntitlements(ctx, filter), compare)
	}
	if err == nil {
		in.Entitlements = []apono.CreateAccessRequestEntitlement{{ResourceID: picked.Resource.ID, PermissionID: picked.Permission.ID}}
	}
	return err
}

func called(wanted string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, wanted) })
}

var errNone = errors.New("nothing that may be requested has this name")

// pick returns the only item that fits; otherwise the error says what there is.
func pick[T any](items iter.Seq2[*T, error], compare func(*T) (fits bool, text string)) (picked *T, err error) {
	var fitting, others []string
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		if fits, text := compare(item); fits {
			picked, fitting = item, append(fitting, text)
		} else {
			others = append(others, text)
		}
	}
	switch n := len(others); {
	case len(fitting) == 1:
		return picked, nil
	case len(fitting) > 1:
		return nil, fmt.Errorf("several have this name, be more exact:\n  %s", strings.Join(fitting, "\n  "))
	case n >= 12:
		return nil, fmt.Errorf("%w, but %d others", errNone, n)
	case n > 0:
		return nil, fmt.Errorf("%w, but there is:\n  %s", errNone, strings.Join(others, "\n  "))
	}
	return nil, errNone
}

// follow waits until requests are granted, all at the same time, and shows their
// states. It puts the requests as they are then in the place of the old ones.
func (r *requester) follow(ctx context.Context, requests []*apono.AccessRequest, show func(string, ...any)) []error {
	states, errs := make([]string, len(requests)), make([]error, len(requests))
	changes, waiting := make(chan func()), len(requests)
	for i, request := range requests {
		states[i] = "…"
		go func() {
			last, err := r.client.AccessRequests.WaitFor(ctx, request.ID, func(r *apono.AccessRequest) (bool, error) {
				changes <- func() { states[i] = string(r.Status) }
				return apono.UntilGranted(r)
			}, r.waitOptions(ctx))
			changes <- func() {
				if errs[i], waiting = err, waiting-1; err == nil {
					requests[i] = last
				}
			}
		}()
	}
	started, tick := time.Now(), time.NewTicker(time.Second)
	defer tick.Stop()
	for waiting > 0 {
		select {
		case change := <-changes:
			change()
		case <-tick.C:
		}
		show("%s, %s", strings.Join(states, ", "), time.Since(started).Round(time.Second))
	}
	show("")
	return errs
}

// revoke revokes requests, after an interrupt too.
func (r *requester) revoke(ctx context.Context, ids []string) error {
	remaining := 0
	for _, id := range ids {
		if err := r.revokeOne(context.WithoutCancel(ctx), id); err != nil {
			remaining++
			fmt.Fprintf(r.Stderr, "NOT revoked: %s: %v\n", id, err)
		} else {
			fmt.Fprintf(r.Stderr, "Revoked: %s\n", id)
		}
	}
	if remaining > 0 {
		return fmt.Errorf("%s may remain: revoke it in the Apono portal", program.Plural(remaining, "request"))
	}
	return nil
}

// revokeOne revokes a request. If that fails, the state of the request says whether
// it is over nevertheless, whoever did it.
func (r *requester) revokeOne(ctx context.Context, id string) error {
	const limit = 30 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not revoked within %s", limit))
	defer cancel()
	_, failure := r.client.AccessRequests.Revoke(ctx, id)
	if failure == nil {
		return nil
	}
	_, err := r.client.AccessRequests.WaitFor(ctx, id, func(r *apono.AccessRequest) (bool, error) {
		if _, over := apono.UntilGranted(r); over != nil && !r.Status.Failed() {
			return true, nil
		}
		return false, failure
	}, apono.WaitOptions{Interval: r.poll})
	return err
}
