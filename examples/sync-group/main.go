// Command sync-group adds and removes members of a group until they match a file.
//
// With -demo, it uses a fake server with demo data instead of Apono.
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

const about = `Adds and removes members of a group until they match FILE. The file has one
e-mail address per line, case-insensitive; # begins a comment. The file "-" is
standard input.

The program prints the members to add (+) and to remove (-), and asks for
confirmation. Without a terminal and without -yes, it changes nothing and exits
with code 3. It is safe to run again.`

// maxInput is the maximum size of the file in bytes. It stops the program from
// reading an endless device.
const maxInput = 16 << 20

func run(ctx context.Context, p *program.Program) error {
	name := p.Flags.String("group", "", "sync the group with this `name`")
	id := p.Flags.String("group-id", "", "sync the group with this `id`, instead of -group")
	yes := p.Flags.Bool("yes", false, "do not ask for confirmation")
	create := p.Flags.Bool("create", false, "create the group if it does not exist")
	allowEmpty := p.Flags.Bool("allow-empty", false, "remove all members if the file has no addresses")
	p.Examples = []string{
		`sync-group -demo -group orders members.txt`,
		`sync-group -group "On call" -yes - < members.txt`,
	}
	p.ExitCodes = map[int]string{3: "changes are needed and were not confirmed"}
	if err := p.Parse(about, "FILE"); err != nil {
		return err
	}
	switch {
	case (*name == "") == (*id == ""):
		return p.Misuse("set either -group or -group-id")
	case *id != "" && *create:
		return p.Misuse("-create needs -group: Apono assigns the id")
	}
	path := p.Flags.Arg(0)
	wanted, err := readMembers(p, path)
	switch {
	case err != nil:
		return err
	case len(wanted) == 0 && !*allowEmpty:
		return fmt.Errorf("%s has no addresses: use -allow-empty to remove all members", path)
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
		return fmt.Errorf("there is no group %q: use -create to create it", *name)
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
		question = fmt.Sprintf("Apply %s to group %q?", program.Plural(len(changes), "change"), group.Name)
	}
	if !*yes {
		if err := agree(ctx, p, path, question); err != nil {
			return err
		}
	}
	if group == nil {
		// One request creates the group together with its members.
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

// readMembers reads the addresses in a file. The keys are in lower case, the
// values as the file spells them.
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
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxInput>>20)
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
			return nil, fmt.Errorf("%s, line %d: not a single e-mail address", path, n)
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

// compare returns the changes after which a group has the wanted members:
// additions first, then removals, both sorted by address. A nil group has no
// members.
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

// agree asks for confirmation. Unless the reply is yes, it returns ErrDifferent.
func agree(ctx context.Context, p *program.Program, path, question string) error {
	if path == "-" || !p.CanAsk() {
		fmt.Fprintln(p.Stderr, "Nothing was changed: cannot ask for confirmation without a terminal; use -yes.")
		return program.ErrDifferent
	}
	agreed, err := p.Confirm(ctx, question)
	if err == nil && !agreed {
		fmt.Fprintln(p.Stderr, "Nothing was changed.")
		err = program.ErrDifferent
	}
	return err
}

// apply applies the changes one by one. It continues after a failure; the next run
// tries the failed changes again.
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
			fmt.Fprintf(p.Stderr, "Stopped at %s. Run the same command to continue.\n", c)
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
