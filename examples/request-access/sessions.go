package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apono-go/apono"
)

// sessionsTimeout limits the wait for sessions after the grant.
const sessionsTimeout = 30 * time.Second

// sessions returns the sessions of granted requests, which it waits for. It prints which
// of them are missing in the end.
func (r *requester) sessions(ctx context.Context, grants ...*apono.Grant) (found []*apono.AccessSession, err error) {
	waiting, cancel := context.WithTimeout(ctx, min(r.timeout, sessionsTimeout))
	defer cancel()
	lists, errs := make([][]*apono.AccessSession, len(grants)), make([]error, len(grants))
	var waits sync.WaitGroup
	for i, grant := range grants {
		waits.Go(func() { lists[i], errs[i] = grant.Sessions(waiting) })
	}
	waits.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, list := range lists {
		if late := (*apono.WaitError)(nil); errors.As(errs[i], &late) && waiting.Err() != nil && (len(list) > 0 || late.LastFailure == nil) {
			for _, m := range late.Missing {
				fmt.Fprintf(r.Stderr, "Granted, but without a session: %s\n", missing(m))
			}
			errs[i] = nil
		}
		for _, session := range list {
			if !slices.ContainsFunc(found, func(s *apono.AccessSession) bool { return s.ID == session.ID }) { // of two requests
				found = append(found, session)
			}
		}
	}
	slices.SortFunc(found, func(a, b *apono.AccessSession) int {
		return cmp.Or(cmp.Compare(a.Integration.Name, b.Integration.Name), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return found, errors.Join(errs...)
}

// missing describes a request, and its integration, that has no session.
func missing(m apono.MissingSession) string {
	if m.Integration.Name == "" {
		return m.RequestID
	}
	return m.RequestID + ", " + m.Integration.Name
}

// details reads the access details of a session. It must be called once for each
// session, because a read can use up one-time credentials.
func (r *requester) details(ctx context.Context, session *apono.AccessSession) (*apono.AccessSessionDetails, error) {
	details, err := r.client.Sessions.GetAccessDetails(ctx, session.ID)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", session.ID, err)
	}
	return details, nil
}

// printDetails prints how to connect. After a failed write it reads no further details,
// since that could use up more one-time credentials.
func (r *requester) printDetails(ctx context.Context, sessions []*apono.AccessSession) error {
	var failures []error
	all := []map[string]any{} // for -json
	var unwritten []*apono.AccessSession
	for i, session := range sessions {
		details, err := r.details(ctx, session)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		unwritten = append(unwritten, session)
		if r.json {
			all = append(all, map[string]any{
				"id": session.ID, "name": session.Name, "integration": session.Integration.Name, "access_details": everything(details),
			})
			continue
		}
		text := describe(session, details)
		if i > len(failures) {
			text = "\n" + text
		}
		fmt.Fprint(r.Stdout, text)
		if r.WriteErr() != nil {
			break
		}
		unwritten = nil
	}
	if r.json {
		encoder := json.NewEncoder(r.Stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		failures = append(failures, encoder.Encode(all))
	}
	if r.WriteErr() != nil {
		for _, session := range unwritten {
			if session.CanResetCredentials {
				fmt.Fprintf(r.Stderr, "The access details of %s could not be written. One-time credentials may be lost: "+
					"reset the credentials of session %s in the Apono portal, or with Sessions.ResetCredentials.\n", session.Name, session.ID)
			}
		}
	}
	return errors.Join(failures...)
}

// describe returns how to connect, for a person. It leaves out what is a
// line of the instructions.
func describe(session *apono.AccessSession, details *apono.AccessSessionDetails) string {
	var text strings.Builder
	instructions := details.Instructions.Reveal()
	fmt.Fprintf(&text, "%s:\n%s\n", session.Name, instructions)
	more := func(line string) {
		if !strings.Contains("\n"+instructions+"\n", "\n"+line+"\n") {
			fmt.Fprintln(&text, line)
		}
	}
	if details.CustomAdminMessage != nil {
		more(*details.CustomAdminMessage)
	}
	if details.CLI != nil {
		more(details.CLI.Reveal())
	}
	if details.Link != nil {
		more(details.Link.URL.Reveal())
	}
	for _, name := range slices.Sorted(maps.Keys(details.Parameters)) {
		more(name + ": " + details.Parameters[name].Reveal())
	}
	return text.String()
}

// named returns the only session with this name or ID.
func named(name string, sessions []*apono.AccessSession) (*apono.AccessSession, error) {
	var all []string
	for _, same := range []comparison{exactly, strings.EqualFold} {
		var found []*apono.AccessSession
		all = nil
		for _, s := range sessions {
			all = append(all, fmt.Sprintf("%s: -session %s", s.Name, s.ID))
			if same(name, s.Name) || same(name, s.ID) {
				found = append(found, s)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return nil, fmt.Errorf("several sessions have this name; use an ID:\n  %s", strings.Join(all, "\n  "))
		}
	}
	return nil, fmt.Errorf("no session has this name; the sessions are:\n  %s", strings.Join(all, "\n  "))
}

const prefix = "APONO_SESSION_"

// environment returns the environment of the command: that of this program without the
// token and with the access details.
func (r *requester) environment(ctx context.Context, sessions []*apono.AccessSession) ([]string, error) {
	if len(sessions) == 0 {
		return nil, errors.New("the access has no session")
	}
	if r.session != "" { // the others are not read
		session, err := named(r.session, sessions)
		if err != nil {
			return nil, err
		}
		sessions = []*apono.AccessSession{session}
	}
	environment := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		return name == "APONO_TOKEN" || name == "APONO_PERSONAL_TOKEN" || strings.HasPrefix(name, prefix)
	})
	environment = append(environment, prefix+"COUNT="+strconv.Itoa(len(sessions)))
	for i, session := range sessions {
		details, err := r.details(ctx, session)
		if err != nil {
			return nil, err
		}
		start := prefix
		if i > 0 {
			start += strconv.Itoa(i+1) + "_"
		}
		variables, shared := variables(session, details)
		for _, name := range shared {
			fmt.Fprintf(r.Stderr, "Several parameters map to %s%s, which is not set; see %sJSON\n", start, name, start)
		}
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if value := variables[name]; !strings.Contains(value, "\x00") { // not allowed in a variable
				environment = append(environment, start+name+"="+value)
			}
		}
	}
	return environment, nil
}

// variables returns the variables of a session by name, without prefix. It omits names
// that several parameters share and returns those names separately.
func variables(session *apono.AccessSession, details *apono.AccessSessionDetails) (values map[string]string, shared []string) {
	values = map[string]string{
		"ID": session.ID, "NAME": session.Name, "INTEGRATION": session.Integration.Name, "INSTRUCTIONS": details.Instructions.Reveal(),
	}
	if details.CustomAdminMessage != nil {
		values["MESSAGE"] = *details.CustomAdminMessage
	}
	if details.CLI != nil {
		values["CLI"] = details.CLI.Reveal()
	}
	if details.Link != nil {
		values["LINK"] = details.Link.URL.Reveal()
	}
	for _, parameter := range slices.Sorted(maps.Keys(details.Parameters)) {
		name := "PARAM_" + strings.Map(func(c rune) rune {
			if c < '0' || c > '9' && c < 'A' || c > 'Z' {
				return '_'
			}
			return c
		}, strings.ToUpper(parameter))
		if _, taken := values[name]; taken || slices.Contains(shared, name) {
			shared = append(shared, name)
			delete(values, name)
			continue
		}
		values[name] = details.Parameters[parameter].Reveal()
	}
	if all, err := json.Marshal(everything(details)); err == nil {
		values["JSON"] = string(all)
	}
	return values, slices.Compact(shared)
}

// everything returns the details by their names in the API.
func everything(details *apono.AccessSessionDetails) map[string]any {
	all := revealed(details.Extra)
	all["instructions"] = details.Instructions.Reveal()
	if details.CustomAdminMessage != nil {
		all["custom_admin_message"] = *details.CustomAdminMessage
	}
	if details.Parameters != nil {
		all["parameters"] = revealed(details.Parameters)
	}
	if details.CLI != nil {
		all["cli"] = details.CLI.Reveal()
	}
	if details.Link != nil {
		link := revealed(details.Link.Extra)
		link["url"] = details.Link.URL.Reveal()
		if details.Link.Title != nil {
			link["title"] = *details.Link.Title
		}
		all["link"] = link
	}
	return all
}

// revealed returns secrets as strings. Objects and lists are their JSON.
func revealed(secrets map[string]apono.Secret) map[string]any {
	values := make(map[string]any, len(secrets))
	for name, secret := range secrets {
		text := secret.Reveal()
		if strings.ContainsAny(text[:min(len(text), 1)], "{[") && json.Valid([]byte(text)) {
			values[name] = json.RawMessage(text)
		} else {
			values[name] = text
		}
	}
	return values
}
