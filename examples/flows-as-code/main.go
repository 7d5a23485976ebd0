// Command flows-as-code keeps access flows, bundles, access scopes, spaces and
// space scopes as files, to be reviewed and versioned like code. The commands are
// in main.go. Objects are read from Apono in tenant.go and from files in
// folder.go. The changes are computed in plan.go and shown as diffs by lines.go.
//
// The program reads plain JSON with [apono.Client.Do] instead of the models of
// package apono, so that a file keeps members that this version does not know.
package main

import (
	"context"
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
name. Objects without a file are only deleted with -delete, and only if the
folder for their kind exists. An object is created in the space that its file
names and cannot be moved. Notes (*.md, README*) and backup files (*.orig,
*.rej, *.bak, *~) are skipped.`

func run(ctx context.Context, p *program.Program) error {
	yes := p.Flags.Bool("yes", false, "do not ask for confirmation")
	remove := p.Flags.Bool("delete", false, "delete objects that have no file")
	if err := p.Parse(about, "COMMAND", "DIR"); err != nil {
		return err
	}
	command, dir := p.Flags.Arg(0), p.Flags.Arg(1)
	if !slices.Contains([]string{"export", "diff", "apply"}, command) {
		return p.Misuse("there is no command %q", command)
	}
	// Read the folder first, so that an invalid one causes no requests.
	var files folder
	var err error
	if command != "export" {
		if files, err = readFolder(dir, skipped(p)); err != nil {
			return err
		}
	}
	client, disconnect, err := p.Connect(nil)
	if err != nil {
		return err
	}
	defer disconnect()
	tenant, err := readTenant(ctx, client)
	if err != nil {
		return err
	}
	if command == "export" {
		return export(p, tenant, dir)
	}
	changes, stay, err := plan(files, tenant, *remove)
	if err != nil {
		return err
	}
	if stay > 0 {
		fmt.Fprintf(p.Stderr, "%s without a file will not be deleted; use -delete to delete them.\n", program.Plural(stay, "object"))
	}
	if err := show(p, changes, tenant); err != nil {
		return err
	}
	switch {
	case len(changes) == 0 && command == "apply":
		_, err := fmt.Fprintln(p.Stdout, "Nothing to do.")
		return err
	case len(changes) == 0:
		return nil
	case command == "diff":
		return program.ErrDifferent
	}
	if !*yes {
		if err := confirm(ctx, p); err != nil {
			return err
		}
		if err := unchanged(ctx, client, files, *remove, changes); err != nil {
			return err
		}
	}
	for i, c := range changes {
		done, err := c.apply(ctx, client)
		if err != nil {
			return fmt.Errorf("after %d of %s: %s: %w", i, program.Plural(len(changes), "change"), c, err)
		}
		if _, err := fmt.Fprintln(p.Stdout, done, c); err != nil {
			return err
		}
	}
	return nil
}

// skipped returns a function that reports a file, or a part of one, that is not
// read.
func skipped(p *program.Program) func(name, why string) {
	return func(name, why string) { fmt.Fprintf(p.Stderr, "%s: skipped: %s\n", name, why) }
}

// unchanged reads everything again and returns an error if the agreed changes are
// outdated. Other changes may have been made during the confirmation.
func unchanged(ctx context.Context, client *apono.Client, files folder, remove bool, agreed []change) error {
	tenant, err := readTenant(ctx, client)
	if err != nil {
		return err
	}
	now, _, err := plan(files, tenant, remove)
	if err != nil {
		return err
	}
	const outdated = "%s: it changed in the meantime, so nothing was done: run the command again"
	for i, c := range agreed {
		if i >= len(now) || !c.equal(now[i]) {
			return fmt.Errorf(outdated, c)
		}
	}
	if len(now) > len(agreed) {
		return fmt.Errorf(outdated, now[len(agreed)])
	}
	return nil
}

func export(p *program.Program, t *tenant, dir string) error {
	total, removed, err := writeFolder(dir, t, skipped(p))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "%s exported, %s removed\n", program.Plural(total, "object"), program.Plural(removed, "old file"))
	return err
}

// confirm asks for confirmation. Unless the reply is yes, it returns ErrDifferent.
func confirm(ctx context.Context, p *program.Program) error {
	if !p.CanAsk() {
		fmt.Fprintln(p.Stderr, "Nothing was changed: cannot ask for confirmation without a terminal; use -yes.")
		return program.ErrDifferent
	}
	yes, err := p.Confirm(ctx, "Apply?")
	if err == nil && !yes {
		fmt.Fprintln(p.Stderr, "Nothing was changed.")
		err = program.ErrDifferent
	}
	return err
}
