package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
	"golang.org/x/sync/errgroup"
)

// tenant is what Apono has where a person may be named.
type tenant struct {
	client   *apono.Client
	parallel int
	progress func(format string, args ...any)
	stop     context.CancelCauseFunc // ends everything if the token is rejected

	users    []*apono.User
	usersErr error
	places   []*place
	flows    []*apono.AccessFlow
	reports  []*apono.ActivityReport
	noSpaces bool
	failures []error // of reading, in a fixed order
}

// place is a group or a space.
type place struct {
	kind, id, name string
	source         string // the identity provider that manages it, or ""
	members        []member
	list           func(context.Context) ([]member, error)
	siblings       func(context.Context) ([]*place, error) // all places of the kind
	remove         func(ctx context.Context, reference string) error
}

// member is a member of a place.
type member struct {
	reference string   // for removal
	names     []string // addresses and IDs; the first one is shown
}

// note records a failure to read something.
func (t *tenant) note(what string, err error) {
	if err != nil {
		t.failures = append(t.failures, fmt.Errorf("could not read %s: %w", what, err))
	}
}

// check stops everything if the token was rejected.
func (t *tenant) check(err error) error {
	if errors.Is(err, apono.ErrUnauthorized) {
		t.stop(err)
	}
	return err
}

// ended returns why ctx ended: a rejected token, or an interrupt.
func (t *tenant) ended(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, apono.ErrUnauthorized) {
		return cause
	}
	return ctx.Err()
}

// read reads everything that does not depend on the person. The members of groups and
// spaces are read at the same time as the users, whose pages follow one another.
func (t *tenant) read(ctx context.Context) {
	var calls errgroup.Group
	calls.SetLimit(t.parallel)
	start := func(read func() error) <-chan error {
		done := make(chan error, 1)
		calls.Go(func() error {
			done <- t.check(read())
			return nil
		})
		return done
	}
	var groups, spaces []*place
	groupsRead := start(func() (err error) { groups, err = t.groups(ctx); return err })
	spacesRead := start(func() (err error) { spaces, err = t.spaces(ctx); return err })
	flowsRead := start(func() (err error) { t.flows, err = apono.Collect(t.client.AccessFlows.ListAll(ctx)); return err })
	reportsRead := start(func() (err error) { t.reports, err = apono.Collect(t.client.Reports.ListAll(ctx)); return err })
	usersRead := start(func() (err error) { t.users, err = apono.Collect(t.client.Users.ListAll(ctx)); return err })

	groupsErr, spacesErr := <-groupsRead, <-spacesRead
	if program.NotFound(spacesErr) {
		t.noSpaces, spacesErr = true, nil
	}
	t.places = slices.Concat(groups, spaces)
	membersRead := make([]<-chan error, len(t.places))
	var read atomic.Int64
	for i, p := range t.places {
		membersRead[i] = start(func() (err error) {
			p.members, err = p.read(ctx)
			t.progress("Reading users and the members of groups and spaces (%d of %d)", read.Add(1), len(t.places))
			return err
		})
	}
	t.usersErr = <-usersRead
	t.note("the users", t.usersErr)
	t.note("the groups", groupsErr)
	t.note("the spaces", spacesErr)
	for i, p := range t.places {
		t.note(fmt.Sprintf("the members of %s %s", p.kind, p.name), <-membersRead[i])
	}
	t.note("the access flows", <-flowsRead)
	t.note("the reports", <-reportsRead)
	_ = calls.Wait() // the functions return no error
}

func (t *tenant) groups(ctx context.Context) ([]*place, error) {
	var places []*place
	for group, err := range t.client.Groups.ListAll(ctx) {
		if err != nil {
			return places, err
		}
		p := &place{
			kind: "group", id: group.ID, name: program.Clean(group.Name), siblings: t.groups,
			remove: func(ctx context.Context, email string) error {
				return t.client.Groups.RemoveMember(ctx, group.ID, email)
			},
			list: func(ctx context.Context) (members []member, err error) {
				for m, err := range t.client.Groups.ListAllMembers(ctx, group.ID) {
					if err != nil {
						return members, err
					}
					members = append(members, member{m.Email, []string{m.Email}})
				}
				return members, nil
			},
		}
		if group.SourceIntegrationID != nil {
			p.source = program.Clean(*group.SourceIntegrationID)
		}
		if p.source != "" && group.SourceIntegrationName != nil {
			p.source = program.Clean(*group.SourceIntegrationName)
		}
		places = append(places, p)
	}
	return places, nil
}

func (t *tenant) spaces(ctx context.Context) ([]*place, error) {
	var places []*place
	for space, err := range t.client.Spaces.ListAll(ctx) {
		if err != nil {
			return places, err
		}
		places = append(places, &place{
			kind: "space", id: space.ID, name: program.Clean(space.Name), siblings: t.spaces,
			remove: func(ctx context.Context, id string) error { return t.client.Spaces.RemoveMember(ctx, space.ID, id) },
			list: func(ctx context.Context) (members []member, err error) {
				for m, err := range t.client.Spaces.ListAllMembers(ctx, space.ID) {
					switch {
					case err != nil:
						return members, err
					case m.IdentityType == apono.SpaceIdentityTypeGroup:
					case m.Email != nil:
						members = append(members, member{m.IdentityID, []string{*m.Email, m.IdentityID}})
					default:
						members = append(members, member{m.IdentityID, []string{m.IdentityID}})
					}
				}
				return members, nil
			},
		})
	}
	return places, nil
}

// read returns the members of the place. A place that was deleted in the meantime has
// none. A 404 alone does not prove that: the place must not be listed any more.
func (p *place) read(ctx context.Context) ([]member, error) {
	members, err := p.list(ctx)
	if !program.NotFound(err) {
		return members, err
	}
	places, failed := p.siblings(ctx)
	if failed != nil || slices.ContainsFunc(places, func(other *place) bool { return other.id == p.id }) {
		return nil, err
	}
	return nil, nil
}

// request is an open access request.
type request struct {
	id       string
	status   apono.AccessRequestStatus
	contents []string // what it gives access to
	unclear  bool     // has no requestor
}

// readRequests reads the open requests of a person: those that the person created for
// themselves, and those that others created for the person.
func (t *tenant) readRequests(ctx context.Context, who person) []request {
	t.progress("Reading access requests")
	lists := make([][]request, 2*len(who.addresses))
	program.Each(ctx, len(lists), t.parallel, func(i int) (err error) {
		if address := who.addresses[i%len(who.addresses)]; i < len(who.addresses) {
			lists[i], err = t.own(ctx, who, address)
		} else {
			lists[i], err = t.delegated(ctx, who, address)
		}
		return t.check(err)
	}, func(i int, err error) {
		if i < len(who.addresses) {
			t.note("the access requests", err)
		} else {
			t.note("the access requests of others for the person", err)
		}
	})
	var requests []request
	for _, r := range slices.Concat(lists...) {
		if !slices.ContainsFunc(requests, func(other request) bool { return other.id == r.id }) {
			requests = append(requests, r)
		}
	}
	return requests
}

// own returns the open requests that a person created for themselves. It checks the
// requestor, since a server may ignore the filter.
func (t *tenant) own(ctx context.Context, who person, address string) ([]request, error) {
	var requests []request
	for r, err := range t.client.AccessRequests.ListAll(ctx, apono.ListAccessRequestsOptions{Requestor: address}) {
		switch {
		case err != nil:
			return requests, err
		case !open(r.Status):
		case r.Requestor == nil:
			requests = append(requests, request{id: r.ID, unclear: true})
		case who.is(r.Requestor.SourceID, r.Requestor.ID) && (r.Grantee == nil || who.is(r.Grantee.SourceID, r.Grantee.ID)):
			requests = append(requests, newRequest(r.ID, r.Status, r.Bundle, r.AccessGroups))
		}
	}
	return requests, nil
}

// delegated returns the open requests that others created for a person.
func (t *tenant) delegated(ctx context.Context, who person, address string) ([]request, error) {
	var requests []request
	for r, err := range t.client.DelegatedRequests.ListAll(ctx, apono.ListDelegatedRequestsOptions{Grantee: address}) {
		if err != nil {
			return requests, err
		}
		if open(r.Status) && who.is(r.Grantee.SourceID, r.Grantee.ID) {
			requests = append(requests, newRequest(r.ID, r.Status, r.Bundle, r.AccessGroups))
		}
	}
	return requests, nil
}

// open reports whether a request has access to revoke, now or later. An unknown
// status counts as open.
func open(status apono.AccessRequestStatus) bool {
	return !status.Rejected() && !status.Failed() && !status.Revoked() && !status.Is(apono.AccessRequestStatusRevoking)
}

func newRequest(id string, status apono.AccessRequestStatus, bundle *apono.Ref, groups []apono.AccessGroup) request {
	r := request{id: id, status: status}
	for _, group := range groups {
		r.contents = append(r.contents, program.Clean(group.Integration.Name))
	}
	if bundle != nil {
		r.contents = append(r.contents, "bundle "+program.Clean(bundle.Name))
	}
	return r
}
