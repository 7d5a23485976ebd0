// Command offboard takes the access of a person away who leaves: it revokes the
// person's open access requests and removes the person from all groups and
// spaces.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and offboards somebody there.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("offboard", run) }

const about = `Revokes the open access requests of a person, own ones and those that others
made for the person, and removes the person from all groups and spaces. Without
-apply it only says what it would do. Revocations are ordered, not waited for.
It can be run again at any time.

An address that is no user's is an error, for a slip leaves somebody's access as
it is: what is found by the address is done all the same.`

func run(ctx context.Context, p *program.Program) error {
	email := p.Flags.String("user", "", "the person's `e-mail`, required; letter case does not matter")
	missingOK := p.Flags.Bool("missing-ok", false, "a person whom Apono does not know is no error")
	apply := p.Flags.Bool("apply", false, "do it, instead of saying what would be done")
	if err := p.Parse(about); err != nil {
		return err
	}
	*email = program.Trim(*email)
	if !strings.Contains(*email, "@") || strings.ContainsFunc(*email, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return p.Misuse("-user is required, and an e-mail address")
	}
	client, disconnect, err := p.Connect(nil)
	if err != nil {
		return err
	}
	defer disconnect()

	o := &offboarding{Program: p, client: client, email: *email}
	// Groups and spaces come first, so that no access flow grants anew what was revoked.
	for _, find := range []func(context.Context) error{o.findPerson, o.findGroups, o.findSpaces, o.findRequests, o.findDelegated} {
		if err := find(ctx); errors.Is(err, apono.ErrUnauthorized) || ctx.Err() != nil {
			return err
		} else if err != nil {
			o.fail("could not read everything", err)
		}
	}
	if !o.known && !*missingOK {
		o.fail("could not find the person", errors.New("Apono has no such user: gone already, or a slip? -missing-ok accepts it")) //nolint:staticcheck // a name
	}
	for _, step := range o.steps {
		if *apply {
			err := step.do(ctx)
			if ctx.Err() != nil {
				fmt.Fprintf(p.Stderr, "Stopped after %d of %s. The same command goes on.\n", o.done, program.Plural(len(o.steps), "step"))
				return ctx.Err()
			}
			if err != nil {
				o.fail("could not "+step.text, err)
				continue
			}
			o.done++
		} else {
			fmt.Fprint(p.Stdout, "would ")
		}
		fmt.Fprintln(p.Stdout, step.text)
	}
	switch {
	case *apply:
		fmt.Fprintf(p.Stdout, "%s: %d of %s done", *email, o.done, program.Plural(len(o.steps), "step"))
	case len(o.steps) > 0:
		fmt.Fprintf(p.Stdout, "%s: %s to do; -apply does it", *email, program.Plural(len(o.steps), "step"))
	default:
		fmt.Fprintf(p.Stdout, "%s: nothing to do", *email)
	}
	fmt.Fprintf(p.Stdout, ", %s left to identity providers, %s\n", program.Plural(o.elsewhere, "group"), program.Plural(o.failures, "failure"))
	if o.failures > 0 {
		return fmt.Errorf("not complete, %s: run it again", program.Plural(o.failures, "failure"))
	}
	return nil
}

// offboarding is what is known about a person and what is to be done.
type offboarding struct {
	*program.Program
	client *apono.Client
	email  string
	// spellings are the address as Apono writes it, and ids are the person's, one
	// for each system that the person is known from.
	spellings, ids []string
	// known says that Apono knows the person, or that this could not be found out.
	known                     bool
	steps                     []step
	done, elsewhere, failures int
}

// step is something to do; text says what, to follow "would".
type step struct {
	text string
	do   func(context.Context) error
}

func (o *offboarding) fail(what string, err error) {
	o.failures++
	fmt.Fprintf(o.Stderr, "offboard: %s: %v\n", what, err)
}

func (o *offboarding) isPerson(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.EqualFold(name, o.email) || slices.Contains(o.ids, name)
	})
}

// findPerson looks up how Apono writes the address, for filters may mind the
// letter case. A person who is no user any more may still be in groups.
func (o *offboarding) findPerson(ctx context.Context) error {
	o.spellings = []string{o.email}
	for user, err := range o.client.Users.ListAll(ctx) {
		if err != nil {
			o.known = true // it is not known that not
			return err
		}
		if !o.isPerson(user.Email) {
			continue
		}
		if o.ids = append(o.ids, user.ID); len(o.ids) == 1 {
			o.spellings = nil
		}
		if !slices.Contains(o.spellings, user.Email) {
			o.spellings = append(o.spellings, user.Email)
		}
	}
	o.known = len(o.ids) > 0
	return nil
}

// findGroups finds the groups to remove the person from. Those of an identity
// provider are changed there.
func (o *offboarding) findGroups(ctx context.Context) error {
	for group, err := range o.client.Groups.ListAll(ctx) {
		if err != nil {
			return err
		}
		for member, err := range o.client.Groups.ListAllMembers(ctx, group.ID) {
			if errors.Is(err, apono.ErrUnauthorized) || ctx.Err() != nil {
				return err
			}
			if errors.Is(err, apono.ErrNotFound) {
				break // the group is gone meanwhile, and the person from it
			}
			if err != nil {
				o.fail("could not read the members of group "+group.Name, err)
				break
			}
			switch email := member.Email; {
			case !o.isPerson(email):
			case group.SourceIntegrationID != nil:
				o.elsewhere++
				fmt.Fprintf(o.Stdout, "left: %s in group %s, to be removed in %s\n", email, group.Name, source(group))
			default:
				o.steps = append(o.steps, step{fmt.Sprintf("remove %s from group %s", email, group.Name), func(ctx context.Context) error {
					if err := o.client.Groups.RemoveMember(ctx, group.ID, email); !errors.Is(err, apono.ErrNotFound) {
						return err
					}
					return nil // somebody else was faster
				}})
			}
		}
	}
	return nil
}

// findSpaces finds the spaces to remove the person from. A server that has no
// spaces yet says that it does not find them.
func (o *offboarding) findSpaces(ctx context.Context) error {
	for space, err := range o.client.Spaces.ListAll(ctx) {
		if errors.Is(err, apono.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for member, err := range o.client.Spaces.ListAllMembers(ctx, space.ID) {
			if errors.Is(err, apono.ErrUnauthorized) || ctx.Err() != nil {
				return err
			}
			if errors.Is(err, apono.ErrNotFound) {
				break
			}
			if err != nil {
				o.fail("could not read the members of space "+space.Name, err)
				break
			}
			names := []string{member.IdentityID}
			if member.Email != nil {
				names = []string{*member.Email, member.IdentityID}
			}
			if member.IdentityType == apono.SpaceIdentityTypeGroup || !o.isPerson(names...) {
				continue
			}
			text := fmt.Sprintf("remove %s from space %s", names[0], space.Name)
			o.steps = append(o.steps, step{text, func(ctx context.Context) error {
				if err := o.client.Spaces.RemoveMember(ctx, space.ID, member.IdentityID); !errors.Is(err, apono.ErrNotFound) {
					return err
				}
				return nil // somebody else was faster
			}})
		}
	}
	return nil
}

func source(group *apono.Group) string {
	if group.SourceIntegrationName != nil {
		return *group.SourceIntegrationName
	}
	return *group.SourceIntegrationID
}

// findRequests finds what the person requested, and what others requested for
// the person. Whose a request is, is checked: a server may ignore a filter.
func (o *offboarding) findRequests(ctx context.Context) error {
	for _, email := range o.spellings {
		for request, err := range o.client.AccessRequests.ListAll(ctx, apono.ListAccessRequestsOptions{Requestor: email}) {
			switch {
			case err != nil:
				return err
			case !open(request.Status):
			case request.Requestor == nil:
				o.fail("request "+request.ID+" is left alone", errors.New("it does not say whose it is"))
			case o.isPerson(request.Requestor.SourceID, request.Requestor.ID) &&
				(request.Grantee == nil || o.isPerson(request.Grantee.SourceID, request.Grantee.ID)):
				o.revoke(request.ID, request.Status, request.Bundle, request.AccessGroups)
			}
		}
	}
	return nil
}

func (o *offboarding) findDelegated(ctx context.Context) error {
	for _, email := range o.spellings {
		for request, err := range o.client.DelegatedRequests.ListAll(ctx, apono.ListDelegatedRequestsOptions{Grantee: email}) {
			if err != nil {
				return err
			}
			if open(request.Status) && o.isPerson(request.Grantee.SourceID, request.Grantee.ID) {
				o.revoke(request.ID, request.Status, request.Bundle, request.AccessGroups)
			}
		}
	}
	return nil
}

// open reports whether there is access to take away, now or later. A status that
// nobody knows may stand for that.
func open(status apono.AccessRequestStatus) bool {
	return !status.Rejected() && !status.Failed() && !status.Revoked() && !status.Is(apono.AccessRequestStatusRevoking)
}

func (o *offboarding) revoke(id string, status apono.AccessRequestStatus, bundle *apono.Ref, groups []apono.AccessGroup) {
	words := []string{fmt.Sprintf("revoke request %s (%s)", id, status)}
	for _, group := range groups {
		words = append(words, group.Integration.Name)
	}
	if bundle != nil {
		words = append(words, "bundle "+bundle.Name)
	}
	text := strings.Join(words, ", ")
	if slices.ContainsFunc(o.steps, func(s step) bool { return s.text == text }) {
		return // in several lists
	}
	o.steps = append(o.steps, step{text, func(ctx context.Context) error {
		_, err := o.client.AccessRequests.Revoke(ctx, id)
		return err
	}})
}
