// Command flows-as-code keeps access flows, bundles, access scopes, spaces and
// space scopes as files, to be reviewed and versioned like code. This file has the commands, tenant.go
// what Apono holds, folder.go the files, plan.go what to do, and lines.go how two
// texts differ.
//
// It needs more of the API than the SDK's models hold, for a file must keep what
// this version of the SDK does not know: see tenant.go.
package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("flows-as-code", run) }

const about = `Keeps access flows, bundles, access scopes, spaces and space scopes as files of
a folder. The members of spaces are not kept.

Commands:
  export DIR   write a file for each object: DIR/space-scopes, DIR/spaces,
               DIR/scopes, DIR/bundles, DIR/flows
  diff DIR     show what apply would do with the same flags, and nothing if that
               is nothing; the exit code says which
  apply DIR    make Apono hold what the files say, after a question. Where
               nobody agrees, or the objects changed meanwhile, it does nothing

A file belongs to the object with its id, or else to the one with its name.
Objects without a file stay unless -delete is given, and so do kinds without a
folder. An object is created in the space that its file says, and stays there.
Notes (*.md, README*) and what editors leave behind (*.orig, *.rej, *.bak, *~)
are passed over.`

func run(ctx context.Context, p *program.Program) error {
	yes := p.Flags.Bool("yes", false, "apply without a question")
	remove := p.Flags.Bool("delete", false, "delete objects that have no file")
	if err := p.Parse(about, "COMMAND", "DIR"); err != nil {
		return err
	}
	command, dir := p.Flags.Arg(0), p.Flags.Arg(1)
	if !slices.Contains([]string{"export", "diff", "apply"}, command) {
		return p.Misuse("there is no command %q", command)
	}
	// The folder is read first: nothing is asked where it makes no sense.
	var files folder
	var err error
	if command != "export" {
		if files, err = readFolder(dir, passed(p)); err != nil {
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
		fmt.Fprintf(p.Stderr, "%s without a file will stay; -delete deletes them.\n", program.Plural(stay, "object"))
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
		done, err := c.make(ctx, client)
		if err != nil {
			return fmt.Errorf("after %d of %s: %s: %w", i, program.Plural(len(changes), "change"), c, err)
		}
		if _, err := fmt.Fprintln(p.Stdout, done, c); err != nil {
			return err
		}
	}
	return nil
}

// passed says which files are not read, or not as they are.
func passed(p *program.Program) func(name, why string) {
	return func(name, why string) { fmt.Fprintf(p.Stderr, "%s: passed over: %s\n", name, why) }
}

// unchanged reads everything once more, for somebody else may have changed it
// while a person thought, and what was agreed to would undo that.
func unchanged(ctx context.Context, client *apono.Client, files folder, remove bool, agreed []change) error {
	tenant, err := readTenant(ctx, client)
	if err != nil {
		return err
	}
	now, _, err := plan(files, tenant, remove)
	if err != nil {
		return err
	}
	for i, c := range agreed {
		if i >= len(now) || !c.equal(now[i]) {
			return fmt.Errorf("%s: somebody changed it meanwhile, so nothing was done: run the command again", c)
		}
	}
	if len(now) > len(agreed) {
		return fmt.Errorf("%s: somebody changed it meanwhile, so nothing was done: run the command again", now[len(agreed)])
	}
	return nil
}

func export(p *program.Program, t *tenant, dir string) error {
	total, removed, err := writeFolder(dir, t, passed(p))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "%s exported, %s of others removed\n", program.Plural(total, "object"), program.Plural(removed, "file"))
	return err
}

// confirm asks a person. A script that means it says -yes.
func confirm(ctx context.Context, p *program.Program) error {
	if !p.CanAsk() {
		fmt.Fprintln(p.Stderr, "Nothing was changed: there is no terminal to ask on, and no -yes.")
		return program.ErrDifferent
	}
	yes, err := p.Confirm(ctx, "Apply?")
	if err == nil && !yes {
		fmt.Fprintln(p.Stderr, "Nothing was changed.")
		err = program.ErrDifferent
	}
	return err
}
