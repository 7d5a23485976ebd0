// Command flows-as-code keeps access flows, bundles, access scopes, spaces and
// space scopes as files, to be reviewed and versioned like code. The commands are
// in main.go. Objects (object.go) are read from Apono in tenant.go, and from files in
// folder.go and file.go. The changes are computed in plan.go, shown as diffs by
// lines.go, and carried out in apply.go.
//
// Lists are read by the methods of package apono, which do not take a response
// without items for an empty tenant. The objects are then plain JSON, so that a file
// keeps members that this version does not know.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("flows-as-code", run) }

const about = `Keeps access flows, bundles, access scopes, spaces and space scopes as files in
a folder. Members of spaces are not included.

Commands:
  export DIR   write a file for each object to DIR/space-scopes, DIR/spaces,
               DIR/scopes, DIR/bundles or DIR/flows
  diff DIR     show the changes that apply would make with the same flags; exit
               with code 3 if there are any
  apply DIR    create, change and delete objects until Apono matches the files;
               asks for confirmation first, and changes nothing if the objects
               changed since they were shown

A file belongs to the object with the same id, or else to the one with the same
name. It refers to other objects by id, with the name beside it. A file written
by hand may have x_reference instead, with an id or a name. Objects without a
file are only deleted with -delete, and only if the folder for their kind
exists. An object is created in the space that its file names and cannot be
moved. Notes (*.md, README*) and backup files (*.orig, *.rej, *.bak, *~) are
skipped.`

func run(ctx context.Context, p *program.Program) error {
	yes := p.Flags.Bool("yes", false, "do not ask for confirmation")
	var opts options
	p.Flags.BoolVar(&opts.remove, "delete", false, "delete objects that have no file")
	p.Flags.BoolVar(&opts.allowUnknown, "allow-unknown", false, "accept members that neither this version nor Apono knows, for newer APIs")
	parallel := p.Parallel()
	p.Examples = []string{
		"flows-as-code export access",
		"flows-as-code diff -delete access",
		"flows-as-code apply -yes access",
	}
	p.ExitCodes = map[int]string{3: "there are differences, and nothing was changed"}
	if err := p.Parse(about, "COMMAND", "DIR"); err != nil {
		return err
	}
	if err := p.CheckParallel(*parallel); err != nil {
		return err
	}
	command, dir := p.Flags.Arg(0), p.Flags.Arg(1)
	if !slices.Contains([]string{"export", "diff", "apply"}, command) {
		return p.Misuse("there is no command %q", command)
	}
	unlock, err := program.Lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	// Read the folder first, so that an invalid one causes no requests.
	var files folder
	if command != "export" {
		if files, err = readFolder(dir, skipped(p)); err != nil {
			return err
		}
	}
	client, disconnect, err := p.Connect(nil, apono.WithReadAhead())
	if err != nil {
		return err
	}
	defer disconnect()
	tenant, err := readTenant(ctx, client, *parallel)
	if err != nil {
		return err
	}
	if command == "export" {
		return export(ctx, p, tenant, dir)
	}
	plan, err := makePlan(files, tenant, opts)
	if err != nil {
		return err
	}
	if plan.stay > 0 {
		fmt.Fprintf(p.Stderr, "%s without a file will not be deleted; use -delete to delete them.\n", program.Plural(plan.stay, "object"))
	}
	plan.show(p.Stdout)
	switch {
	case len(plan.changes) == 0 && command == "apply":
		fmt.Fprintln(p.Stdout, "Nothing to do.")
		return nil
	case len(plan.changes) == 0:
		return nil
	case command == "diff":
		return program.ErrDifferent
	}
	if !*yes {
		if err := confirm(ctx, p); err != nil {
			return err
		}
		// Other changes may have been made during the confirmation.
		if tenant, err = readTenant(ctx, client, *parallel); err != nil {
			return err
		}
		agreed := plan
		if plan, err = makePlan(files, tenant, opts); err != nil {
			return err
		}
		if err := plan.sameAs(agreed); err != nil {
			return err
		}
	}
	return apply(ctx, p, &applier{plan, client, *parallel})
}

// apply carries out the changes and reports each one.
func apply(ctx context.Context, p *program.Program, a *applier) error {
	progress := p.Progress()
	var done, notStarted int
	var failures []error
	show := func() { progress("%d of %s done", done, program.Plural(len(a.changes), "change")) }
	show()
	finishing := context.AfterFunc(ctx, func() {
		fmt.Fprintf(p.Stderr, "Finishing the changes that have started, in %s at most.\n", program.Grace)
	})
	a.run(ctx, func(c *change) {
		switch {
		case c.done != "" && c.isAside():
			fmt.Fprintf(p.Stdout, "renamed %s for now\n", c.old)
		case c.done != "":
			done++
			fmt.Fprintln(p.Stdout, c.done, c)
		case c.isAside() && errors.Is(c.err, program.ErrNotStarted):
		case errors.Is(c.err, program.ErrNotStarted):
			notStarted++
			fmt.Fprintf(p.Stderr, "not done: %s\n", c)
		case errors.As(c.err, new(errNeeds)):
			notStarted++
			fmt.Fprintf(p.Stderr, "not done: %s: %s\n", c, c.err)
		default:
			failures = append(failures, c.err)
			fmt.Fprintf(p.Stderr, "failed: %s: %s\n", c, c.err)
		}
		show()
	})
	finishing()
	progress("")
	if done == len(a.changes) && len(failures) == 0 {
		return nil
	}
	summary := fmt.Sprintf("%d of %s done", done, program.Plural(len(a.changes), "change"))
	if len(failures) > 0 {
		summary += fmt.Sprintf(", %d failed", len(failures))
	}
	if notStarted > 0 {
		summary += fmt.Sprintf(", %d not started", notStarted)
	}
	if ctx.Err() != nil {
		fmt.Fprintf(p.Stderr, "%s; the same command goes on.\n", summary)
		return ctx.Err()
	}
	for _, err := range failures {
		if errors.Is(err, apono.ErrUnauthorized) {
			return err
		}
	}
	if advice := program.Advice(failures); advice != "" {
		summary += ": " + advice
	}
	return errors.New(summary)
}

// skipped returns a function that reports a file, or a part of one, that is not
// read.
func skipped(p *program.Program) func(name, why string) {
	return func(name, why string) { fmt.Fprintf(p.Stderr, "%s: skipped: %s\n", name, why) }
}

func export(ctx context.Context, p *program.Program, t *tenant, dir string) error {
	total, removed, err := writeFolder(ctx, dir, t, skipped(p))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s exported, %s removed\n", program.Plural(total, "object"), program.Plural(removed, "old file"))
	return nil
}

// confirm asks for confirmation. Unless the reply is yes, it returns ErrDifferent.
func confirm(ctx context.Context, p *program.Program) error {
	if !p.CanAsk() {
		fmt.Fprintln(p.Stderr, "Nothing was changed: cannot ask for confirmation without a terminal; use -yes.")
		return program.ErrDifferent
	}
	if err := p.WriteErr(); err != nil {
		return err // nobody has seen the changes
	}
	yes, err := p.Confirm(ctx, "Apply?")
	if err == nil && !yes {
		fmt.Fprintln(p.Stderr, "Nothing was changed.")
		err = program.ErrDifferent
	}
	return err
}
