// Command sync-group adds and removes members of a group until they match a file.
//
// With -demo, it uses a fake server with demo data instead of Apono.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/people"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("sync-group", run) }

const about = `Adds and removes members of a group until they match FILE. The file has one
e-mail address per line, case-insensitive; # begins a comment. The file "-" is
standard input. An alias of a user in Apono stands for the user.

The program prints the members to add (+) and to remove (-), and asks for
confirmation. Without a terminal and without -yes, it changes nothing and exits
with code 3. In the end it reads the members again: a change is done when it is
found there. It is safe to run again.`

// maxInput is the maximum size of the file in bytes. It stops the program from
// reading an endless device.
const maxInput = 16 << 20

func run(ctx context.Context, p *program.Program) error {
	name := p.Flags.String("group", "", "sync the group with this `name`")
	id := p.Flags.String("group-id", "", "sync the group with this `ID`, instead of -group")
	yes := p.Flags.Bool("yes", false, "do not ask for confirmation")
	create := p.Flags.Bool("create", false, "create the group if it does not exist")
	allowEmpty := p.Flags.Bool("allow-empty", false, "remove all members if the file has no addresses")
	parallel := p.Parallel()
	p.Examples = []string{
		`sync-group -demo -group orders members.txt`,
		`sync-group -group "On call" -yes - < members.txt`,
	}
	p.ExitCodes = map[int]string{
		0: "the group matches the file",
		1: "failed, or not all changes are done; nothing is undone",
		3: "changes are needed and were not confirmed",
	}
	if err := p.Parse(about, "FILE"); err != nil {
		return err
	}
	switch {
	case (*name == "") == (*id == ""):
		return p.Misuse("set either -group or -group-id")
	case *id != "" && *create:
		return p.Misuse("-create needs -group: Apono assigns the ID")
	}
	if err := p.CheckParallel(*parallel); err != nil {
		return err
	}
	path := p.Flags.Arg(0)
	file := path // in messages
	if path == "-" {
		file = "standard input"
	}
	wanted, err := readAddresses(ctx, p, path, file)
	switch {
	case err != nil:
		return err
	case len(wanted) == 0 && !*allowEmpty:
		return fmt.Errorf("%s has no addresses: use -allow-empty to remove all members", file)
	}

	client, disconnect, err := p.Connect(nil, apono.WithReadAhead())
	if err != nil {
		return err
	}
	defer disconnect()
	s := &syncing{Program: p, client: client, parallel: *parallel}
	if s.group, err = find(ctx, client, *name, *id, *create); err != nil {
		return err
	}
	if err := s.compare(ctx, wanted); err != nil {
		return err
	}
	if s.group != nil && len(s.changes) == 0 {
		fmt.Fprintf(p.Stderr, "Nothing to change: group %q has the %s of %s.\n", s.group.Name, program.Plural(len(wanted), "member"), file)
		return nil
	}
	for _, c := range s.changes {
		fmt.Fprintln(p.Stdout, c)
	}
	question := fmt.Sprintf("Create group %q with %s?", *name, program.Plural(len(s.changes), "member"))
	if s.group != nil {
		question = fmt.Sprintf("Apply %s to group %q?", program.Plural(len(s.changes), "change"), s.group.Name)
	}
	if !*yes {
		if err := agree(ctx, p, path, question); err != nil {
			return err
		}
	}
	if s.group == nil {
		return s.create(ctx, *name)
	}
	return s.apply(ctx)
}

// find returns the group with a name or an ID, or nil if it is to be created. Only a
// list without the name, or the API's own 404, means that there is no group.
func find(ctx context.Context, client *apono.Client, name, id string, create bool) (*apono.Group, error) {
	var group *apono.Group
	var err error
	if id != "" {
		group, err = client.Groups.Get(ctx, id)
	} else {
		group, err = client.Groups.GetByName(ctx, name)
	}
	var response *apono.APIError
	switch {
	case id != "" && program.NotFound(err):
		return nil, fmt.Errorf("there is no group with the ID %q", id)
	case !errors.Is(err, apono.ErrNotFound) || errors.As(err, &response):
	case create:
		return nil, nil
	default:
		return nil, fmt.Errorf("there is no group %q: use -create to create it", name)
	}
	if err == nil && group.SourceIntegrationID != nil && *group.SourceIntegrationID != "" {
		source := *group.SourceIntegrationID
		if group.SourceIntegrationName != nil {
			source = *group.SourceIntegrationName
		}
		return nil, fmt.Errorf("group %q comes from the integration %s: change its members there", group.Name, program.Clean(source))
	}
	return group, err
}

// readAddresses reads the addresses in a file. An address that differs from an earlier one
// only in case is left out.
func readAddresses(ctx context.Context, p *program.Program, path, file string) ([]string, error) {
	data, err := p.ReadFile(ctx, path, maxInput)
	if err != nil {
		return nil, err
	}
	var addresses []string
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		words := strings.Fields(program.Trim(line))
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		address, err := mail.ParseAddress(words[0])
		if err != nil || address.Address != words[0] || len(words) > 1 && !strings.HasPrefix(words[1], "#") {
			return nil, fmt.Errorf("%s, line %d: not a single e-mail address", file, n)
		}
		if key := strings.ToLower(words[0]); !seen[key] {
			seen[key] = true
			addresses = append(addresses, words[0])
		}
	}
	return addresses, nil
}

// change is a member to add or to remove.
type change struct {
	remove bool
	email  string
	alias  string // in the file, if it is not email
}

func (c change) String() string {
	switch {
	case c.remove:
		return "- " + program.Clean(c.email)
	case c.alias != "":
		return fmt.Sprintf("+ %s (%s in the file)", program.Clean(c.email), c.alias)
	}
	return "+ " + program.Clean(c.email)
}

// syncing is the work on one group.
type syncing struct {
	*program.Program
	client   *apono.Client
	parallel int
	group    *apono.Group // nil if it is to be created
	people   *people.Directory
	changes  []change
}

// compare finds the changes after which the group has the wanted members: additions
// first, then removals, both sorted by address. Addresses are compared by the user who
// has them, so users are read unless the addresses are the same anyway.
func (s *syncing) compare(ctx context.Context, wanted []string) error {
	var members []*apono.GroupMember
	if s.group != nil {
		var err error
		if members, err = apono.Collect(s.client.Groups.ListAllMembers(ctx, s.group.ID)); err != nil {
			return err
		}
	}
	s.people = people.NewDirectory(nil)
	if s.difference(wanted, members); len(s.changes) == 0 {
		return nil
	}
	users, err := apono.Collect(s.client.Users.ListAll(ctx))
	if err != nil {
		return fmt.Errorf("cannot tell which addresses belong to the same user: %w", err)
	}
	s.people = people.NewDirectory(users)
	s.difference(wanted, members)
	return nil
}

// difference sets the changes from members to wanted.
func (s *syncing) difference(wanted []string, members []*apono.GroupMember) {
	s.changes = nil
	keep, have := map[string]bool{}, map[string]bool{}
	for _, address := range wanted {
		keep[s.people.Key(address)] = true
	}
	for _, member := range members {
		key := s.people.Key(member.Email)
		if have[key] = true; !keep[key] {
			s.changes = append(s.changes, change{remove: true, email: member.Email})
		}
	}
	for _, address := range wanted {
		key := s.people.Key(address)
		if have[key] {
			continue
		}
		have[key] = true // several addresses of one user add one member
		c := change{email: address}
		if key != strings.ToLower(address) {
			c = change{email: s.people.Find(address)[0].Email, alias: address}
		}
		s.changes = append(s.changes, c)
	}
	slices.SortFunc(s.changes, func(a, b change) int {
		if a.remove != b.remove {
			return strings.Compare(a.String(), b.String()) // + comes before -
		}
		return strings.Compare(strings.ToLower(a.email), strings.ToLower(b.email))
	})
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

// create creates the group together with its members in one call.
func (s *syncing) create(ctx context.Context, name string) error {
	emails := make([]string, len(s.changes))
	for i, c := range s.changes {
		emails[i] = c.email
	}
	finishing, cancel := program.Finishing(ctx)
	defer cancel()
	defer s.TellStop(ctx)()
	var err error
	if s.group, err = s.client.Groups.Create(finishing, apono.CreateGroupInput{Name: name, MembersEmails: emails}); err != nil {
		return err
	}
	fmt.Fprintf(s.Stderr, "Created group %q.\n", name)
	return s.conclude(ctx, make([]error, len(s.changes)))
}

// apply applies the changes. It continues after a failure.
func (s *syncing) apply(ctx context.Context) error {
	progress := s.Progress()
	finishing, cancel := program.Finishing(ctx)
	defer cancel()
	defer s.TellStop(ctx)()
	results := make([]error, len(s.changes))
	program.Each(ctx, len(s.changes), s.parallel, func(i int) error {
		if c := s.changes[i]; c.remove {
			return s.client.Groups.RemoveMember(finishing, s.group.ID, c.email)
		}
		return s.client.Groups.AddMember(finishing, s.group.ID, s.changes[i].email)
	}, func(i int, err error) {
		results[i] = err
		progress("%d of %s", i+1, program.Plural(len(s.changes), "change"))
	})
	progress("")
	return s.conclude(ctx, results)
}

// conclude reads the members again and reports which changes are done, whatever the
// responses to them were. After an interrupt there are only the responses.
func (s *syncing) conclude(ctx context.Context, results []error) error {
	var unread error
	if ctx.Err() == nil && !slices.ContainsFunc(results, func(err error) bool { return errors.Is(err, apono.ErrUnauthorized) }) {
		var members []*apono.GroupMember
		if members, unread = apono.Collect(s.client.Groups.ListAllMembers(ctx, s.group.ID)); unread == nil {
			s.confirm(results, members)
		}
	}
	added, removed := 0, 0
	var failures []error
	for i, err := range results {
		switch c := s.changes[i]; {
		case errors.Is(err, program.ErrNotStarted):
			fmt.Fprintf(s.Stderr, "not done: %s\n", c)
		case err != nil:
			failures = append(failures, err)
			fmt.Fprintf(s.Stderr, "%s: %v\n", c, err)
		default:
			if ctx.Err() != nil {
				fmt.Fprintf(s.Stderr, "done: %s\n", c)
			}
			if c.remove {
				removed++
			} else {
				added++
			}
		}
	}
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{added, "added"}, {removed, "removed"}, {len(failures), "failed"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(parts) > 0 && ctx.Err() == nil {
		fmt.Fprintf(s.Stderr, "Group %q: %s.\n", s.group.Name, strings.Join(parts, ", "))
	}
	rejected := slices.IndexFunc(failures, func(err error) bool { return errors.Is(err, apono.ErrUnauthorized) })
	switch advice := program.Advice(failures); {
	case ctx.Err() != nil:
		fmt.Fprintf(s.Stderr, "Stopped after %d of %s. Run the same command to continue.\n", added+removed, program.Plural(len(results), "change"))
		return ctx.Err()
	case rejected >= 0:
		return failures[rejected]
	case unread != nil:
		return fmt.Errorf("cannot confirm the changes: %w", unread)
	case len(failures) > 0 && advice != "":
		return fmt.Errorf("not complete: %s", advice)
	case len(failures) > 0:
		return errors.New("not complete")
	}
	return nil
}

// confirm replaces the results by what the members show. A removal is done if the member
// is not listed, an addition if the user is.
func (s *syncing) confirm(results []error, members []*apono.GroupMember) {
	listed, have := map[string]bool{}, map[string]bool{}
	for _, member := range members {
		listed[strings.ToLower(member.Email)] = true
		have[s.people.Key(member.Email)] = true
	}
	for i, c := range s.changes {
		done := have[s.people.Key(c.email)]
		if c.remove {
			done = !listed[strings.ToLower(c.email)]
		}
		switch {
		case done:
			results[i] = nil
		case results[i] == nil:
			results[i] = errors.New("Apono accepted the change but does not show it") //nolint:staticcheck // Apono is a name
		}
	}
}
