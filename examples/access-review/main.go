// Command access-review lists who can get access to what, and flags risky access
// flows.
//
// With -demo, it uses a fake server with demo data instead of Apono.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
	"golang.org/x/sync/errgroup"
)

func main() { program.Main("access-review", run) }

const about = `Lists who can get access to what: each access flow with its space, requestors
and targets. A bundle is expanded into its targets. The review flags flows
without an approver, flows whose requestors can approve themselves, flows whose
access does not expire, and production flows that do not require MFA. Flows for
AI agents without an approver have a separate flag.

The table shows the most important columns and shortens values with "…" to fit
the terminal. All columns and full values are printed by -wide, -format csv and
-format json.`

// row is one combination of access flow, requestor and target.
type row struct {
	Flow        string   `json:"flow"`
	Space       string   `json:"space"` // empty if the flow is in no space
	Active      bool     `json:"active"`
	Trigger     string   `json:"trigger"`
	Requestor   string   `json:"requestor"`
	For         string   `json:"for"` // those whom the requestor can request access for
	Bundle      string   `json:"bundle"`
	Target      string   `json:"target"`
	Resources   string   `json:"resources"` // resource type and filters, or a query
	Permissions []string `json:"permissions"`
	DurationMin int      `json:"duration_min"` // 0 for access that does not expire
	Flags       []string `json:"flags"`
}

var header = []string{"FLOW", "SPACE", "STATE", "TRIGGER", "REQUESTOR", "FOR", "BUNDLE", "TARGET", "RESOURCES", "PERMISSIONS", "DURATION", "FLAGS"}

func (r row) cells() []string {
	state, duration := "active", "no end"
	if !r.Active {
		state = "inactive"
	}
	if r.DurationMin > 0 {
		duration = (time.Duration(r.DurationMin) * time.Minute).String()
	}
	return []string{r.Flow, r.Space, state, r.Trigger, r.Requestor, r.For, r.Bundle, r.Target, r.Resources, strings.Join(r.Permissions, ", "), duration, strings.Join(r.Flags, ", ")}
}

func run(ctx context.Context, p *program.Program) error {
	format := p.Flags.String("format", "table", "print in this `format`: table, csv or json")
	labels := p.Flags.String("production-label", "production", "require MFA for flows with one of these `labels`, separated by commas, case-insensitive")
	all := p.Flags.Bool("all", false, "review inactive flows too")
	onlyFlagged := p.Flags.Bool("flagged", false, "print only flagged flows")
	fail := p.Flags.Bool("fail", false, "exit with code 3 if a flow is flagged")
	wide := p.Flags.Bool("wide", false, "print all columns of the table with full values")
	p.Examples = []string{
		`access-review -demo -flagged`,
		`access-review -fail -format csv > review.csv`,
	}
	p.ExitCodes = map[int]string{3: "a flow is flagged (with -fail)"}
	parallel := p.Parallel()
	if err := p.Parse(about); err != nil {
		return err
	}
	if err := p.CheckParallel(*parallel); err != nil {
		return err
	}
	table := func(w io.Writer, rows []row) error { return writeTable(w, rows, *wide, p.Width()) }
	write, ok := map[string]func(io.Writer, []row) error{"table": table, "csv": writeCSV, "json": writeJSON}[*format]
	if !ok {
		return p.Misuse("-format must be table, csv or json, not %q", *format)
	}
	client, disconnect, err := p.Connect(nil, apono.WithReadAhead())
	if err != nil {
		return err
	}
	defer disconnect()

	t, err := readTenant(ctx, p, client, *parallel)
	if err != nil {
		return err
	}
	rows := []row{}
	flows, flagged := 0, 0
	for _, flow := range t.flows {
		if !flow.Active && !*all {
			continue
		}
		flows++
		flags := review(flow, program.List[string](*labels))
		if len(flags) > 0 {
			flagged++
		} else if *onlyFlagged {
			continue
		}
		rows = append(rows, t.expand(flow, flags)...)
	}
	if err := write(p.Stdout, rows); err != nil {
		return err
	}
	fmt.Fprintf(p.Stderr, "%s reviewed, %d flagged\n", program.Plural(flows, "access flow"), flagged)
	if *fail && flagged > 0 {
		return program.ErrDifferent
	}
	return nil
}

// tenant is what a review needs.
type tenant struct {
	flows   []*apono.AccessFlow
	bundles map[string]*apono.Bundle
	names   map[string]string // of groups and users, by id
}

// readTenant reads the lists at the same time. Without permission to read groups or users,
// the review shows their ids.
func readTenant(ctx context.Context, p *program.Program, client *apono.Client, parallel int) (*tenant, error) {
	progress := p.Progress()
	t := &tenant{bundles: map[string]*apono.Bundle{}, names: map[string]string{}}
	var groups, users []named
	var lists errgroup.Group
	lists.SetLimit(parallel)
	lists.Go(func() error {
		return each(client.AccessFlows.ListAll(ctx), func(flow *apono.AccessFlow) { t.flows = append(t.flows, flow) })
	})
	lists.Go(func() error {
		return each(client.Bundles.ListAll(ctx), func(bundle *apono.Bundle) { t.bundles[bundle.ID] = bundle })
	})
	var noGroups, noUsers error
	lists.Go(func() error {
		noGroups = each(client.Groups.ListAll(ctx), func(group *apono.Group) { groups = append(groups, named{group.ID, group.Name}) })
		return unlessForbidden(noGroups)
	})
	lists.Go(func() error {
		noUsers = each(client.Users.ListAll(ctx), func(user *apono.User) {
			users = append(users, named{user.ID, user.Email})
			progress("Reading %s", program.Plural(len(users), "user"))
		})
		return unlessForbidden(noUsers)
	})
	err := lists.Wait()
	progress("")
	if err != nil {
		return nil, err
	}
	if noGroups != nil || noUsers != nil {
		fmt.Fprintln(p.Stderr, "The token may not read all groups and users: some are shown by ID.")
	}
	count := map[string]int{}
	for _, n := range slices.Concat(groups, users) {
		count[n.name]++
	}
	for _, n := range slices.Concat(groups, users) {
		if t.names[n.id] = n.name; count[n.name] > 1 {
			t.names[n.id] += " (" + n.id + ")"
		}
	}
	return t, nil
}

// named is the id and the name of a group or a user.
type named struct{ id, name string }

// each calls take for the items of a list.
func each[T any](list iter.Seq2[*T, error], take func(*T)) error {
	for item, err := range list {
		if err != nil {
			return err
		}
		take(item)
	}
	return nil
}

func unlessForbidden(err error) error {
	if errors.Is(err, apono.ErrForbidden) {
		return nil
	}
	return err
}

// review returns the flags of a flow.
func review(flow *apono.AccessFlow, productionLabels []string) []string {
	flags := []string{}
	if flow.ApproverPolicy == nil || !slices.ContainsFunc(flow.ApproverPolicy.ApproverGroups, func(g apono.ApproverGroup) bool { return len(g.Approvers) > 0 }) {
		if flow.RequestorIdentityType == apono.RequestorIdentityTypeAgent {
			flags = append(flags, "no approver for agents")
		} else {
			flags = append(flags, "no approver")
		}
	} else if !flow.Settings.RequestorCannotApproveHimself {
		flags = append(flags, "self-approval")
	}
	if flow.GrantDurationInMin == nil || *flow.GrantDurationInMin <= 0 {
		flags = append(flags, "no end")
	}
	production := slices.ContainsFunc(flow.Settings.Labels, func(label string) bool {
		return slices.ContainsFunc(productionLabels, func(wanted string) bool { return strings.EqualFold(label, wanted) })
	})
	if production && !flow.Settings.RequireMFA {
		flags = append(flags, "no MFA")
	}
	return flags
}

// expand returns a row for each combination of a flow's requestors and targets.
func (t *tenant) expand(flow *apono.AccessFlow, flags []string) []row {
	base := row{Flow: flow.Name, Active: flow.Active, Trigger: string(flow.Trigger), For: "self", Permissions: []string{}, Flags: flags}
	if flow.Space != nil {
		base.Space = cmp.Or(flow.Space.SpaceName, flow.Space.SpaceID)
	}
	if flow.GrantDurationInMin != nil {
		base.DurationMin = *flow.GrantDurationInMin
	}
	if flow.RequestFor != nil {
		var scopes []string
		for _, scope := range flow.RequestFor.RequestScopes {
			text := string(scope)
			if grantees := flow.RequestFor.Grantees; grantees != nil && scope == apono.RequestScopeOthers {
				text += " (" + strings.Join(t.people(grantees.LogicalOperator, grantees.Conditions), "; ") + ")"
			}
			scopes = append(scopes, text)
		}
		base.For = strings.Join(scopes, ", ")
	}
	var rows []row
	for _, requestor := range t.people(flow.Requestors.LogicalOperator, flow.Requestors.Conditions) {
		base.Requestor = requestor
		if kind := flow.RequestorIdentityType; kind != "" && kind != apono.RequestorIdentityTypeHuman {
			base.Requestor = strings.ToLower(string(kind)) + " for " + requestor
		}
		for _, target := range flow.AccessTargets {
			if target.Bundle == nil {
				rows = append(rows, base.to(target.Integration, target.AccessScope, target.QueryTarget))
				continue
			}
			within := base
			within.Bundle = cmp.Or(target.Bundle.BundleName, target.Bundle.BundleID)
			bundle, known := t.bundles[target.Bundle.BundleID]
			if !known || len(bundle.AccessTargets) == 0 {
				within.Target = map[bool]string{true: "(nothing)", false: "(unknown)"}[known]
				rows = append(rows, within)
				continue
			}
			for _, content := range bundle.AccessTargets {
				rows = append(rows, within.to(content.Integration, content.AccessScope, content.QueryTarget))
			}
		}
		if len(flow.AccessTargets) == 0 {
			base.Target = "(nothing)"
			rows = append(rows, base)
		}
	}
	return rows
}

// to returns a copy of the row with the given target. A target of a type that
// this version of the package does not know is "(unknown)".
func (r row) to(integration *apono.IntegrationAccessTarget, scope *apono.TargetScope, query *apono.QueryTarget) row {
	switch {
	case integration != nil:
		r.Target = cmp.Or(integration.IntegrationName, integration.IntegrationID)
		r.Resources, r.Permissions = integration.ResourceType, integration.Permissions
		for _, filter := range integration.ResourcesScopes {
			by := string(filter.Type)
			if filter.Key != nil {
				by += " " + *filter.Key
			}
			r.Resources += fmt.Sprintf("; %s %s %s", filter.ScopeMode, by, strings.Join(filter.Values, ", "))
		}
	case scope != nil:
		r.Target, r.Resources = cmp.Or(scope.AccessScopeName, scope.AccessScopeID), "access scope"
	case query != nil:
		r.Target, r.Resources = "(query)", query.Query
	default:
		r.Target = "(unknown)"
	}
	return r
}

// people describes the identities that match conditions. Conditions joined by OR
// have one text each, others one text in all. Groups and users appear by name.
func (t *tenant) people(operator apono.LogicalOperator, conditions []apono.Condition) []string {
	texts := []string{}
	for _, condition := range conditions {
		text := string(condition.Type)
		if condition.MatchOperator != nil && *condition.MatchOperator != apono.MatchOperatorIs {
			text += " " + string(*condition.MatchOperator)
		}
		values := make([]string, len(condition.Values))
		for i, value := range condition.Values {
			if values[i] = value; condition.Type == apono.ConditionTypeGroup || condition.Type == apono.ConditionTypeUser {
				values[i] = cmp.Or(t.names[value], value)
			}
		}
		texts = append(texts, strings.TrimSpace(text+" "+strings.Join(values, ", ")))
	}
	switch {
	case len(texts) == 0:
		return []string{"(nobody)"}
	case operator == apono.LogicalOperatorOr:
		return texts
	}
	return []string{strings.Join(texts, " "+string(operator)+" ")}
}

// short lists the columns of the table without -wide.
var short = []string{"FLOW", "REQUESTOR", "TARGET", "FLAGS"}

func writeTable(w io.Writer, rows []row, wide bool, width int) error {
	lines := [][]string{header}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	if !wide {
		for i, cells := range lines {
			lines[i] = nil
			for j, name := range header {
				if slices.Contains(short, name) {
					lines[i] = append(lines[i], cells[j])
				}
			}
		}
	}
	layout := program.Table{Width: width, Whole: []string{"FLAGS"}}
	if wide {
		layout.Width = 0
	}
	return program.WriteTable(w, lines, layout)
}

func writeCSV(w io.Writer, rows []row) error {
	err := program.WriteCSV(w, header)
	for _, r := range rows {
		err = cmp.Or(err, program.WriteCSV(w, r.cells()))
	}
	return err
}

func writeJSON(w io.Writer, rows []row) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}
