package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/people"
	"github.com/apono-go/apono/examples/internal/program"
)

// person is the person to offboard.
type person struct {
	email     string // the primary address, or as given
	name      string // such as "Ada Lovelace", or ""
	known     bool   // whether Apono has the user, true also if users cannot be read
	ids       []string
	addresses []string // as Apono spells them, since filters may be case-sensitive
	shared    []string // what is unclear because of addresses that other users have as well
}

// person returns the person with an address. Several users with the same primary address
// are one person. An address that is only an alias of different users is an error.
func (t *tenant) person(email string) (person, error) {
	unknown := person{email: email, known: t.usersErr != nil, addresses: []string{email}}
	if t.usersErr != nil {
		return unknown, nil //nolint:nilerr // may still be a member of groups
	}
	directory := people.NewDirectory(t.users)
	users := directory.Find(email)
	if len(users) == 0 {
		return unknown, nil
	}
	if primaries := people.Primaries(users); len(primaries) > 1 {
		return unknown, fmt.Errorf("%s is an alias of several users: use the primary address of one, %s", email, program.Clean(strings.Join(primaries, " or ")))
	}
	users = directory.Find(users[0].Email)
	who := person{email: program.Clean(users[0].Email), name: program.Clean(users[0].FirstName + " " + users[0].LastName), known: true}
	for _, user := range users {
		who.ids = append(who.ids, user.ID)
		for _, address := range append([]string{user.Email}, user.EmailAliases...) {
			var others []string
			for _, other := range people.Primaries(directory.All(address)) {
				if !strings.EqualFold(other, user.Email) {
					others = append(others, other)
				}
			}
			if len(others) > 0 {
				line := fmt.Sprintf("%s is also an address of %s", program.Clean(address), program.Clean(strings.Join(others, ", ")))
				if !slices.Contains(who.shared, line) {
					who.shared = append(who.shared, line)
				}
			}
			if (len(others) == 0 || address == user.Email) && address != "" && !slices.Contains(who.addresses, address) {
				who.addresses = append(who.addresses, address)
			}
		}
	}
	return who, nil
}

// String returns the name and the address of the person.
func (p person) String() string {
	if p.name == "" {
		return p.email
	}
	return fmt.Sprintf("%s (%s)", p.name, p.email)
}

// is reports whether one of the names is an address or an ID of the person.
func (p person) is(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.Contains(p.ids, name) || slices.ContainsFunc(p.addresses, func(address string) bool { return strings.EqualFold(address, name) })
	})
}

// isNamed reports whether one of the conditions matches the person by address or ID. Other
// attributes are not known here, and what excludes the person gives no right.
func (p person) isNamed(conditions []apono.Condition) bool {
	return slices.ContainsFunc(conditions, func(c apono.Condition) bool {
		if c.Type == apono.ConditionTypeManager {
			return false // matches the reports of the person
		}
		operator := apono.MatchOperatorIs
		if c.MatchOperator != nil {
			operator = *c.MatchOperator
		}
		switch operator {
		case apono.MatchOperatorIsNot, apono.MatchOperatorDoesNotContain:
			return false
		case apono.MatchOperatorContains, apono.MatchOperatorStartsWith:
			return c.Type == apono.ConditionTypeUser && slices.ContainsFunc(c.Values, func(value string) bool {
				return p.matches(value, operator == apono.MatchOperatorStartsWith)
			})
		}
		return p.is(c.Values...)
	})
}

// matches reports whether an address of the person starts with a part or contains it.
func (p person) matches(part string, atStart bool) bool {
	return part != "" && slices.ContainsFunc(p.addresses, func(address string) bool {
		at := strings.Index(strings.ToLower(address), strings.ToLower(part))
		return at == 0 || at > 0 && !atStart
	})
}

// rights returns the rights of the person that are neither requests nor memberships.
func (t *tenant) rights(who person) []string {
	var rights []string
	for _, flow := range t.flows {
		name := "access flow " + program.Clean(flow.Name)
		if !flow.Active {
			name += " (inactive)"
		}
		add := func(format string, conditions ...apono.Condition) {
			if who.isNamed(conditions) {
				rights = append(rights, fmt.Sprintf(format, who.email, name))
			}
		}
		requestors := "%s may request access through %s"
		if flow.Trigger == apono.AccessFlowTriggerAutomatic {
			requestors = "%s gets access automatically through %s"
		}
		add(requestors, flow.Requestors.Conditions...)
		if flow.RequestFor != nil && flow.RequestFor.Grantees != nil {
			add("others may request access for %s through %s", flow.RequestFor.Grantees.Conditions...)
		}
		if flow.ApproverPolicy != nil {
			add("%s is an approver of %s", approvers(flow.ApproverPolicy.ApproverGroups)...)
		}
		if flow.EscalationPolicy != nil {
			add("%s is an approver of %s after an escalation", approvers(flow.EscalationPolicy.ApproverGroups)...)
		}
	}
	for _, report := range t.reports {
		if report.Schedule != nil && who.is(report.Schedule.Recipients...) {
			rights = append(rights, fmt.Sprintf("%s receives report %s", who.email, program.Clean(report.Name)))
		}
	}
	return rights
}

func approvers(groups []apono.ApproverGroup) []apono.Condition {
	var all []apono.Condition
	for _, group := range groups {
		all = append(all, group.Approvers...)
	}
	return all
}
