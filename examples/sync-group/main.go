// Command sync-group makes the members of a group those that a file names.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and changes a group of that one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/mail"
	"os"
	"slices"
	"strings"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("sync-group", run) }

const about = `Makes the members of a group those that a file names: one e-mail address on a
line, case-insensitive; # begins a comment. The file "-" is standard input. It
prints who is to be added (+) and removed (-), and asks before it changes
anything. Where there is no terminal to ask on, it changes nothing without -yes
and ends with exit code 3. It can be run again at any time.`

// maxInput is how many bytes name members. More is not a list of members, but
// perhaps a device that never ends.
const maxInput = 16 << 20

func run(ctx context.Context, p *program.Program) error {
	name := p.Flags.String("group", "", "the `name` of the group")
	id := p.Flags.String("group-id", "", "the `id` of the group, in place of its name")
	yes := p.Flags.Bool("yes", false, "do not ask")
	create := p.Flags.Bool("create", false, "create the group if there is none of the name")
	allowEmpty := p.Flags.Bool("allow-empty", false, "remove everybody if the file names nobody")
	if err := p.Parse(about, "FILE"); err != nil {
		return err
	}
	switch {
	case (*name == "") == (*id == ""):
		return p.Misuse("it takes either -group or -group-id")
	case *id != "" && *create:
		return p.Misuse("-create needs -group, for Apono gives out the ids")
	}
	path := p.Flags.Arg(0)
	wanted, err := readMembers(p, path)
	switch {
	case err != nil:
		return err
	case len(wanted) == 0 && !*allowEmpty:
		return fmt.Errorf("%s names nobody: to remove everybody, use -allow-empty", path)
	}

	client, disconnect, err := p.Connect(nil)
	if err != nil {
		return err
	}
	defer disconnect()
	var group *apono.Group
	if *id != "" {
		group, err = client.Groups.Get(ctx, *id)
	} else {
		group, err = client.Groups.GetByName(ctx, *name)
	}
	switch {
	case errors.Is(err, apono.ErrNotFound) && *id != "":
		return fmt.Errorf("there is no group with the id %q", *id)
	case errors.Is(err, apono.ErrNotFound) && *create:
		group = nil
	case errors.Is(err, apono.ErrNotFound):
		return fmt.Errorf("there is no group %q: to create it, use -create", *name)
	case err != nil:
		return err
	case group.SourceIntegrationID != nil && *group.SourceIntegrationID != "":
		return fmt.Errorf("group %q comes from the integration %s: change its members there", group.Name, *group.SourceIntegrationID)
	}
	changes, err := compare(ctx, client, group, wanted)
	if err != nil {
		return err
	}
	if group != nil && len(changes) == 0 {
		fmt.Fprintf(p.Stderr, "Nothing to change: group %q has the %s of %s.\n", group.Name, program.Plural(len(wanted), "member"), path)
		return nil
	}
	for _, c := range changes {
		if _, err := fmt.Fprintln(p.Stdout, c); err != nil {
			return err
		}
	}
	question := fmt.Sprintf("Create group %q with %s?", *name, program.Plural(len(wanted), "member"))
	if group != nil {
		question = fmt.Sprintf("Make %s to group %q?", program.Plural(len(changes), "change"), group.Name)
	}
	if !*yes {
		if err := agree(ctx, p, path, question); err != nil {
			return err
		}
	}
	if group == nil {
		// One request creates the group with all its members, or not at all.
		emails := make([]string, len(changes))
		for i, c := range changes {
			emails[i] = c.email
		}
		_, err := client.Groups.Create(ctx, apono.CreateGroupInput{Name: *name, MembersEmails: emails})
		if err == nil {
			fmt.Fprintf(p.Stderr, "Created group %q with %s.\n", *name, program.Plural(len(wanted), "member"))
		}
		return err
	}
	return apply(ctx, p, client, group, changes)
}

// readMembers reads the addresses that a file names, by their lower case.
func readMembers(p *program.Program, path string) (map[string]string, error) {
	input := p.Stdin
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the file that the user names
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		input = file
	}
	data, err := io.ReadAll(io.LimitReader(input, maxInput+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxInput:
		return nil, fmt.Errorf("%s holds more than %d MiB: it is no list of members", path, maxInput>>20)
	}
	members := map[string]string{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		words := strings.Fields(program.Trim(line))
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		address, err := mail.ParseAddress(words[0])
		if err != nil || address.Address != words[0] || len(words) > 1 && !strings.HasPrefix(words[1], "#") {
			return nil, fmt.Errorf("%s, line %d: it is not one e-mail address", path, n)
		}
		if key := strings.ToLower(words[0]); members[key] == "" {
			members[key] = words[0]
		}
	}
	return members, nil
}

// change is a member to add or to remove.
type change struct {
	remove bool
	email  string
}

func (c change) String() string {
	if c.remove {
		return "- " + c.email
	}
	return "+ " + c.email
}

// compare finds what gives a group, nil for one that is to be created, the members
// that are wanted: who is to be added and then who is to be removed, by address.
func compare(ctx context.Context, client *apono.Client, group *apono.Group, wanted map[string]string) ([]change, error) {
	missing := maps.Clone(wanted)
	var changes []change
	if group != nil {
		for member, err := range client.Groups.ListAllMembers(ctx, group.ID) {
			if err != nil {
				return nil, err
			}
			key := strings.ToLower(member.Email)
			if _, keep := wanted[key]; !keep {
				changes = append(changes, change{true, member.Email})
			}
			delete(missing, key)
		}
	}
	for _, email := range missing {
		changes = append(changes, change{false, email})
	}
	slices.SortFunc(changes, func(a, b change) int {
		if a.remove != b.remove {
			return strings.Compare(a.String(), b.String()) // + comes before -
		}
		return strings.Compare(strings.ToLower(a.email), strings.ToLower(b.email))
	})
	return changes, nil
}

// agree asks whether to go on. Without a yes the group stays different from the
// file.
func agree(ctx context.Context, p *program.Program, path, question string) error {
	if path == "-" || !p.CanAsk() {
		fmt.Fprintln(p.Stderr, "Nothing was changed: there is no terminal to ask on, and no -yes.")
		return program.ErrDifferent
	}
	agreed, err := p.Confirm(ctx, question)
	if err == nil && !agreed {
		fmt.Fprintln(p.Stderr, "Nothing was changed.")
		err = program.ErrDifferent
	}
	return err
}

// apply makes changes one by one. One that fails does not keep the others from
// being made; the next run finds it again.
func apply(ctx context.Context, p *program.Program, client *apono.Client, group *apono.Group, changes []change) error {
	added, removed, failed := 0, 0, 0
	progress := p.Progress()
	for i, c := range changes {
		progress("%d of %s", i, program.Plural(len(changes), "change"))
		var err error
		if c.remove {
			err = client.Groups.RemoveMember(ctx, group.ID, c.email)
		} else {
			err = client.Groups.AddMember(ctx, group.ID, c.email)
		}
		switch {
		case ctx.Err() != nil:
			progress("")
			fmt.Fprintf(p.Stderr, "Stopped at %s; the same command goes on.\n", c)
			return ctx.Err()
		case err != nil:
			progress("")
			fmt.Fprintf(p.Stderr, "%s: %v\n", c, err)
			failed++
		case c.remove:
			removed++
		default:
			added++
		}
	}
	progress("")
	fmt.Fprintf(p.Stderr, "Group %q: %d added, %d removed, %d failed.\n", group.Name, added, removed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %s failed: run the command again to retry them", failed, program.Plural(len(changes), "change"))
	}
	return nil
}
