// Command request-access requests access, waits until it is granted, and prints
// how to connect.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and requests access there.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("request-access", run) }

const about = `Requests a bundle, or a permission to a resource of an integration, waits until
it is granted, and prints how to connect. An interrupt revokes what it
requested.`

func run(ctx context.Context, p *program.Program) error {
	bundle := p.Flags.String("bundle", "", "request the bundle of this `name` or id")
	integration := p.Flags.String("integration", "", "request something of the integration of this `name`")
	resource := p.Flags.String("resource", "", "request the resource of this `name` or id")
	permission := p.Flags.String("permission", "", "request the permission of this `name`")
	justification := p.Flags.String("justification", "", "the `reason`, required")
	duration := p.Flags.Duration("duration", 0, "request access for this `time`, in whole seconds, 0 for the access flow's own")
	grantee := p.Flags.String("grantee", "", "request access for the person with this `e-mail`")
	timeout := p.Flags.Duration("timeout", 10*time.Minute, "wait at most this `time` for the access, then revoke the request")
	keep := p.Flags.Bool("keep", false, "leave the request open after -timeout")
	hold := p.Flags.Bool("hold", false, "keep running until interrupted, or until -duration or the access ends; then revoke")
	revokeAfter := p.Flags.Duration("revoke-after", 0, "-hold, but for this `time` at most")
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
	switch {
	case byParts == (*bundle != "") || !byParts && *integration+*resource+*permission != "":
		return p.Misuse("it takes either -bundle, or -integration, -resource and -permission")
	case strings.TrimSpace(*justification) == "":
		return p.Misuse("-justification is required")
	case *duration < 0 || *duration%time.Second != 0 || *revokeAfter < 0 || *timeout <= 0:
		return p.Misuse("-duration is in whole seconds, -timeout above 0, and no time below 0")
	}
	client, disconnect, err := p.Connect([]aponotest.Option{
		aponotest.WithApprovalAfter(2 * time.Second), aponotest.WithProvisioningTime(time.Second),
	})
	if err != nil {
		return err
	}
	defer disconnect()

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
	if err != nil {
		return err
	}
	// An interrupt must not cut the answer off, for it says what is to be revoked.
	requests, err := client.AccessRequests.Create(context.WithoutCancel(ctx), in)
	if err == nil && len(requests) == 0 {
		err = errNoRequest
	}
	if err != nil {
		if maybeMade(err) {
			fmt.Fprintln(p.Stderr, "The request may have been made all the same: look for it in the Apono portal.")
		}
		return err
	}
	ids := make([]string, len(requests))
	for i, request := range requests {
		ids[i] = request.ID
		fmt.Fprintf(p.Stderr, "Requested: %s\n", request.ID)
	}

	var granted, open []string // a request in neither list is over
	var failures []error
	waiting, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not granted within %s", *timeout))
	defer cancel()
	for i, err := range follow(waiting, client, ids, apono.UntilGranted, p.Progress()) {
		switch {
		case err == nil:
			granted = append(granted, ids[i])
			continue
		case errors.Is(err, apono.ErrRequestRejected), errors.Is(err, apono.ErrRequestFailed), errors.Is(err, apono.ErrRequestRevoked):
		case *keep && ctx.Err() == nil:
			fmt.Fprintf(p.Stderr, "Left open: %s\n", ids[i])
		default:
			open = append(open, ids[i])
		}
		failures = append(failures, fmt.Errorf("%s: %w", ids[i], err))
	}
	if ctx.Err() == nil {
		failures = append(failures, revoke(ctx, p, client, open), printSessions(ctx, p, client, granted))
		open = nil
	}
	holding := (*hold || *revokeAfter > 0) && len(granted) > 0 && ctx.Err() == nil
	if holding {
		fmt.Fprintln(p.Stderr, "Holding the access. Interrupt to revoke it.")
		limited := ctx
		if limit := cmp.Or(*revokeAfter, *duration); limit > 0 {
			limited, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		for i, err := range follow(limited, client, granted, apono.UntilRevoked, p.Progress()) {
			if err == nil {
				fmt.Fprintf(p.Stderr, "Ended: %s\n", granted[i])
			} else {
				open = append(open, granted[i])
			}
		}
	} else if ctx.Err() != nil {
		open = append(open, granted...)
		failures = []error{ctx.Err()}
	}
	return errors.Join(append(failures, revoke(ctx, p, client, open))...)
}

var errNoRequest = errors.New("the answer to the submission names no request")

// maybeMade reports whether a submission that failed may have been carried out.
func maybeMade(err error) bool {
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

// follow waits for requests, all at the same time, and shows their states.
func follow(ctx context.Context, client *apono.Client, ids []string, done func(*apono.AccessRequest) (bool, error), show func(string, ...any)) []error {
	states, errs := make([]string, len(ids)), make([]error, len(ids))
	changes, waiting := make(chan func()), len(ids)
	for i, id := range ids {
		states[i] = "…"
		go func() {
			_, err := client.AccessRequests.WaitFor(ctx, id, func(r *apono.AccessRequest) (bool, error) {
				changes <- func() { states[i] = string(r.Status) }
				return done(r)
			})
			changes <- func() { errs[i], waiting = err, waiting-1 }
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

// revoke revokes requests, after an interrupt too, and waits until that is done.
func revoke(ctx context.Context, p *program.Program, client *apono.Client, ids []string) error {
	const limit = 30 * time.Second
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, fmt.Errorf("not revoked within %s", limit))
	defer cancel()
	refused := map[string]error{}
	for _, id := range ids {
		_, refused[id] = client.AccessRequests.Revoke(ctx, id)
	}
	remaining := 0
	for i, err := range follow(ctx, client, ids, func(r *apono.AccessRequest) (bool, error) {
		revoked, err := apono.UntilRevoked(r)
		switch {
		case revoked || r.Status.Rejected(): // whoever did it
			return true, nil
		case refused[r.ID] != nil:
			return false, refused[r.ID]
		}
		return false, err
	}, p.Progress()) {
		if err != nil {
			remaining++
			fmt.Fprintf(p.Stderr, "NOT revoked: %s: %v\n", ids[i], err)
		} else {
			fmt.Fprintf(p.Stderr, "Revoked: %s\n", ids[i])
		}
	}
	if remaining > 0 {
		return fmt.Errorf("%s may remain: revoke it in the Apono portal", program.Plural(remaining, "request"))
	}
	return nil
}

// printSessions prints how to connect. It reads the details of a session once,
// for a read can use up one-time credentials.
func printSessions(ctx context.Context, p *program.Program, client *apono.Client, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	sessions, err := apono.Collect(client.Sessions.ListAll(ctx, apono.ListSessionsOptions{RequestIDs: ids}))
	if err != nil {
		return err
	}
	served := map[string]bool{}
	for _, session := range sessions {
		ours := slices.DeleteFunc(session.RequestIDs, func(id string) bool { return !slices.Contains(ids, id) })
		if len(ours) == 0 {
			continue // a server may ignore the filter
		}
		for _, id := range ours {
			served[id] = true
		}
		details, detailsErr := client.Sessions.GetAccessDetails(ctx, session.ID)
		if detailsErr != nil {
			err = errors.Join(err, fmt.Errorf("session %s: %w", session.ID, detailsErr))
			continue
		}
		fmt.Fprintf(p.Stdout, "%s:\n%s\n", session.Name, details.Instructions)
		for _, text := range []*string{details.CustomAdminMessage, details.CLI} {
			if text != nil {
				fmt.Fprintln(p.Stdout, *text)
			}
		}
		if details.Link != nil {
			fmt.Fprintln(p.Stdout, details.Link.URL)
		}
		for _, name := range slices.Sorted(maps.Keys(details.Parameters)) {
			fmt.Fprintf(p.Stdout, "%s: %s\n", name, details.Parameters[name])
		}
	}
	for _, id := range ids {
		if !served[id] {
			fmt.Fprintf(p.Stderr, "Granted, but there is no session to connect to: %s\n", id)
		}
	}
	return err
}
