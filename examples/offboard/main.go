// Command offboard revokes a person's open access requests and removes the person
// from all groups and spaces.
//
// With -demo, it uses a fake server with demo data instead of Apono.
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

const about = `Revokes the open access requests of a person, including those that others
created for the person, and removes the person from all groups and spaces.
Without -apply it only prints what it would do. It does not wait until the
access is revoked. It is safe to run again.

If Apono has no user with the address, the program still does what it finds for
the address, but ends with an error, since the address may be misspelled.`

func run(ctx context.Context, p *program.Program) error {
	email := p.Flags.String("user", "", "the `e-mail` address of the person, case-insensitive (required)")
	missingOK := p.Flags.Bool("missing-ok", false, "accept an address that no user in Apono has")
	apply := p.Flags.Bool("apply", false, "carry out the steps instead of printing them")
	p.Examples = []string{
		`offboard -demo -user ada.orders@example.com`,
		`offboard -user ada@example.com -apply`,
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	*email = program.Trim(*email)
	if !strings.Contains(*email, "@") || strings.ContainsFunc(*email, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return p.Misuse("-user must be an e-mail address")
	}
	client, disconnect, err := p.Connect(nil)
	if err != nil {
		return err
	}
	defer disconnect()

	o := &offboarding{Program: p, client: client, email: *email}
	// Groups and spaces come first, so that no access flow grants revoked access again.
	for _, find := range []func(context.Context) error{o.findPerson, o.findGroups, o.findSpaces, o.findRequests, o.findDelegated} {
		if err := find(ctx); errors.Is(err, apono.ErrUnauthorized) || ctx.Err() != nil {
			return err
		} else if err != nil {
			o.fail("could not read everything", err)
		}
	}
	if !o.known && !*missingOK {
		o.fail("could not find the person", errors.New("Apono has no user with this address; check the spelling, or use -missing-ok")) //nolint:staticcheck // Apono is a name
	}
	for _, step := range o.steps {
		if *apply {
			err := step.do(ctx)
			if ctx.Err() != nil {
				fmt.Fprintf(p.Stderr, "Stopped after %d of %s. Run the same command to continue.\n", o.done, program.Plural(len(o.steps), "step"))
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
		fmt.Fprintf(p.Stdout, "%s: %s to do (use -apply)", *email, program.Plural(len(o.steps), "step"))
	default:
		fmt.Fprintf(p.Stdout, "%s: nothing to do", *email)
	}
	fmt.Fprintf(p.Stdout, ", %s managed by identity providers, %s\n", program.Plural(o.elsewhere, "group"), program.Plural(o.failures, "failure"))
	if o.failures > 0 {
		return fmt.Errorf("not complete, %s: run the command again", program.Plural(o.failures, "failure"))
	}
	return nil
}

// offboarding holds the steps for one person.
type offboarding struct {
	*program.Program
	client    *apono.Client
	email     string
	spellings []string // the address as the user objects in Apono spell it
	ids       []string // of the user objects with the address
	known     bool     // whether Apono has the user, true also if users cannot be read
	steps     []step

	done, elsewhere, failures int
}

// step is one change.
type step struct {
	text string // such as "remove ada@example.com from group orders"
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

// findPerson finds the ids of the person and the spellings of the address, since
// filters may be case-sensitive. A person who is not a user may still be a member
// of groups.
func (o *offboarding) findPerson(ctx context.Context) error {
	o.spellings = []string{o.email}
	for user, err := range o.client.Users.ListAll(ctx) {
		if err != nil {
			o.known = true // do not report the user as missing
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

// findGroups adds a step for each group to remove the person from. It only reports
// groups that an identity provider manages.
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
				break // deleted in the meantime
			}
			if err != nil {
				o.fail("could not read the members of group "+group.Name, err)
				break
			}
			switch email := member.Email; {
			case !o.isPerson(email):
			case group.SourceIntegrationID != nil:
				o.elsewhere++
				fmt.Fprintf(o.Stdout, "not removed: %s in group %s, which is managed in %s\n", email, group.Name, source(group))
			default:
				o.steps = append(o.steps, step{fmt.Sprintf("remove %s from group %s", email, group.Name), func(ctx context.Context) error {
					if err := o.client.Groups.RemoveMember(ctx, group.ID, email); !errors.Is(err, apono.ErrNotFound) {
						return err
					}
					return nil // removed in the meantime
				}})
			}
		}
	}
	return nil
}

// findSpaces adds a step for each space to remove the person from. A server
// without spaces responds with 404.
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
				return nil // removed in the meantime
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

// findRequests adds a step for each open request that the person created for
// themselves. It checks the requestor, since a server may ignore the filter.
func (o *offboarding) findRequests(ctx context.Context) error {
	for _, email := range o.spellings {
		for request, err := range o.client.AccessRequests.ListAll(ctx, apono.ListAccessRequestsOptions{Requestor: email}) {
			switch {
			case err != nil:
				return err
			case !open(request.Status):
			case request.Requestor == nil:
				o.fail("request "+request.ID+" is not revoked", errors.New("it has no requestor"))
			case o.isPerson(request.Requestor.SourceID, request.Requestor.ID) &&
				(request.Grantee == nil || o.isPerson(request.Grantee.SourceID, request.Grantee.ID)):
				o.revoke(request.ID, request.Status, request.Bundle, request.AccessGroups)
			}
		}
	}
	return nil
}

// findDelegated adds a step for each open request that others created for the
// person.
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

// open reports whether a request has access to revoke, now or later. An unknown
// status counts as open.
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
		return // found in several lists
	}
	o.steps = append(o.steps, step{text, func(ctx context.Context) error {
		_, err := o.client.AccessRequests.Revoke(ctx, id)
		return err
	}})
}
