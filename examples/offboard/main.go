// Command offboard revokes a person's open access requests, removes the person from all
// groups and spaces, and lists the rights that are left.
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
A removal is done when the person is not listed any more; the program does not
wait until the access is revoked.

The aliases of the person's user in Apono count as well. Rights that are neither
requests nor memberships are listed but not changed: entries with the person in
access flows, and reports that the person receives.

Without -apply it only prints what it would do. It is safe to run again.

If Apono has no user with the address, the program still does what it finds for
the address, but ends with an error, since the address may be misspelled.`

func run(ctx context.Context, p *program.Program) error {
	email := p.Flags.String("user", "", "the `e-mail` address of the person, case-insensitive (required)")
	missingOK := p.Flags.Bool("missing-ok", false, "accept an address that no user in Apono has")
	apply := p.Flags.Bool("apply", false, "carry out the steps instead of printing them")
	parallel := p.Parallel()
	p.Examples = []string{
		"offboard -demo -user ada.orders@example.com",
		"offboard -user ada@example.com -apply",
	}
	p.ExitCodes = map[int]string{
		0: "nothing is left to do",
		1: "something failed, or rights are left that must be changed by hand",
		3: "there is something to do; use -apply",
	}
	if err := p.Parse(about); err != nil {
		return err
	}
	*email = program.Trim(*email)
	if !strings.Contains(*email, "@") || strings.ContainsFunc(*email, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return p.Misuse("-user must be an e-mail address")
	}
	if err := p.CheckParallel(*parallel); err != nil {
		return err
	}
	client, disconnect, err := p.Connect(nil, apono.WithReadAhead())
	if err != nil {
		return err
	}
	defer disconnect()

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	o := &offboarding{Program: p, tenant: tenant{client: client, parallel: *parallel, progress: p.Progress(), stop: stop}}
	o.read(ctx)
	if ctx.Err() != nil {
		return o.ended(ctx)
	}
	if o.who, err = o.person(*email); err != nil {
		return err
	}
	requests := o.readRequests(ctx, o.who)
	o.progress("")
	if ctx.Err() != nil {
		return o.ended(ctx)
	}

	for _, failure := range o.failures {
		o.fail(failure)
	}
	if !o.who.known && !*missingOK {
		o.fail(errUnknown)
	}
	if o.noSpaces {
		fmt.Fprintln(p.Stderr, "Apono has no spaces: it does not know the call that lists them.")
	}
	// Groups and spaces come first, so that no access flow grants revoked access again.
	phases := [][]step{o.removals(), o.revocations(requests)}
	o.steps = len(slices.Concat(phases...))
	if *apply {
		o.apply(ctx, phases)
	} else {
		for _, step := range slices.Concat(phases...) {
			fmt.Fprintf(p.Stdout, "would %s\n", step.text)
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintf(o.Stderr, "Stopped after %d of %s. Run the same command to continue.\n", o.done, program.Plural(o.steps, "step"))
		return o.ended(ctx)
	}
	for _, right := range slices.Concat(o.rights(o.who), o.who.shared) {
		o.remaining++
		fmt.Fprintf(p.Stdout, "not changed: %s\n", right)
	}
	return o.conclude(*apply)
}

var errUnknown = errors.New("Apono has no user with this address: check the spelling, or use -missing-ok") //nolint:staticcheck // Apono is a name

// offboarding is the work for one person.
type offboarding struct {
	*program.Program
	tenant
	who person

	steps, done int
	failed      []error
	elsewhere   int // groups of identity providers
	remaining   int // rights that are not changed
}

// step is one change.
type step struct {
	text string // such as "remove ada@example.com from group orders"
	do   func(running, finishing context.Context) error
}

func (o *offboarding) fail(err error) {
	o.failed = append(o.failed, err)
	fmt.Fprintf(o.Stderr, "offboard: %v\n", err)
}

// removals returns a step for each group and space to remove the person from. It reports
// groups that an identity provider manages.
func (o *offboarding) removals() []step {
	var steps []step
	for _, place := range o.places {
		for _, member := range place.members {
			shown := program.Clean(member.names[0])
			switch {
			case !o.who.is(member.names...):
			case place.source != "":
				o.elsewhere++
				fmt.Fprintf(o.Stdout, "not removed: %s in %s %s, which is managed in %s\n", shown, place.kind, place.name, place.source)
			default:
				text := fmt.Sprintf("remove %s from %s %s", shown, place.kind, place.name)
				steps = append(steps, step{text, func(running, finishing context.Context) error {
					return o.remove(running, finishing, place, member)
				}})
			}
		}
	}
	return steps
}

// remove removes a member. Whatever the response, the list of members tells whether the
// member is gone.
func (o *offboarding) remove(running, finishing context.Context, place *place, gone member) error {
	err := place.remove(finishing, gone.reference)
	if running.Err() != nil || errors.Is(err, apono.ErrUnauthorized) {
		return err
	}
	members, failed := place.read(running)
	switch {
	case failed != nil && running.Err() != nil:
		return err
	case failed != nil && err == nil:
		return fmt.Errorf("cannot confirm it: %w", failed)
	case failed != nil:
		return err
	case !slices.ContainsFunc(members, func(m member) bool { return strings.EqualFold(m.reference, gone.reference) }):
		return nil
	case err == nil:
		return errors.New("Apono accepted the removal but still lists the member") //nolint:staticcheck // Apono is a name
	}
	return err
}

// revocations returns a step for each request.
func (o *offboarding) revocations(requests []request) []step {
	var steps []step
	for _, r := range requests {
		if r.unclear {
			o.fail(fmt.Errorf("request %s is not revoked: it has no requestor", program.Clean(r.id)))
			continue
		}
		text := fmt.Sprintf("revoke request %s (%s)", program.Clean(r.id), program.Clean(string(r.status)))
		if len(r.contents) > 0 {
			text += ", " + strings.Join(r.contents, ", ")
		}
		steps = append(steps, step{text, func(running, finishing context.Context) error {
			_, err := o.client.AccessRequests.Revoke(finishing, r.id)
			if err == nil || running.Err() != nil || errors.Is(err, apono.ErrUnauthorized) {
				return err
			}
			if now, failed := o.client.AccessRequests.Get(running, r.id); failed == nil && !open(now.Status) {
				return nil // ended in the meantime
			}
			return err
		}})
	}
	return steps
}

// apply carries out the steps, each phase after the one before.
func (o *offboarding) apply(ctx context.Context, phases [][]step) {
	finishing, cancel := program.Finishing(ctx)
	defer cancel()
	defer o.TellStop(ctx)()
	for _, steps := range phases {
		program.Each(ctx, len(steps), o.parallel, func(i int) error {
			return o.check(steps[i].do(ctx, finishing))
		}, func(i int, err error) {
			switch {
			case errors.Is(err, program.ErrNotStarted):
				fmt.Fprintf(o.Stderr, "not done: %s\n", steps[i].text)
			case err != nil:
				o.fail(fmt.Errorf("could not %s: %w", steps[i].text, err))
			default:
				o.done++
				fmt.Fprintln(o.Stdout, steps[i].text)
			}
			o.progress("%d of %s done", o.done, program.Plural(o.steps, "step"))
		})
	}
	o.progress("")
}

// conclude prints a summary without zeros and returns the result of the run.
func (o *offboarding) conclude(apply bool) error {
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, text)
		}
	}
	if apply {
		add(o.steps, fmt.Sprintf("%d of %s done", o.done, program.Plural(o.steps, "step")))
	} else {
		add(o.steps, program.Plural(o.steps, "step")+" to do (use -apply)")
	}
	add(o.elsewhere, program.Plural(o.elsewhere, "group")+" managed by identity providers")
	add(o.remaining, program.Plural(o.remaining, "right")+" to change by hand")
	add(len(o.failed), program.Plural(len(o.failed), "failure"))
	if len(parts) == 0 {
		parts = []string{"nothing to do"}
	}
	fmt.Fprintf(o.Stdout, "%s: %s\n", o.who, strings.Join(parts, ", "))

	advice := program.Advice(slices.DeleteFunc(slices.Clone(o.failed), func(err error) bool { return errors.Is(err, errUnknown) }))
	switch {
	case len(o.failed) > 0 && advice != "":
		return fmt.Errorf("not complete: %s", advice)
	case len(o.failed) > 0:
		return errors.New("not complete")
	case !apply && o.steps > 0:
		return program.ErrDifferent
	case o.remaining > 0:
		return errors.New("not complete: change the remaining rights in the Apono portal")
	}
	return nil
}
