package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/apono-go/apono"
)

// kind is a kind of objects.
type kind struct {
	noun, folder, path string
	// target is what the members that refer to such objects are called.
	target string
	// input is a new input of the SDK, which a file must fit.
	input func() any
	// writeOnly are members that have to be written, and are never answered.
	writeOnly map[string]any
	// defaults are members that have to be written, and that older servers do not
	// return.
	defaults map[string]any
	// spaced says that an object may be in a space.
	spaced bool
	// added says that a server may not have such objects yet.
	added bool
}

// kinds are in the order in which they refer to each other.
var kinds = []*kind{
	{
		noun: "space scope", folder: "space-scopes", path: "/api/admin/v1/space-scopes", target: "space_scope",
		input: func() any { return new(apono.SpaceScopeInput) }, added: true,
	},
	space,
	{
		noun: "access scope", folder: "scopes", path: "/api/admin/v1/access-scopes", target: "access_scope",
		input: func() any { return new(apono.AccessScopeInput) }, spaced: true,
	},
	{
		noun: "bundle", folder: "bundles", path: "/api/admin/v2/bundles", target: "bundle",
		input: func() any { return new(apono.BundleInput) }, spaced: true,
	},
	{
		noun: "access flow", folder: "flows", path: "/api/admin/v2/access-flows", target: "access_flow",
		input: func() any { return new(apono.AccessFlowInput) }, spaced: true,
		writeOnly: map[string]any{"request_for_others": false}, defaults: map[string]any{"requestor_identity_type": "HUMAN"},
	},
}

var space = &kind{
	noun: "space", folder: "spaces", path: "/api/admin/v1/spaces", target: "space",
	input: func() any { return new(apono.UpdateSpaceInput) }, added: true,
}

// folders names the folders of all kinds.
func folders() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.folder)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// scopesOfSpace is the member of a space that refers to its scopes. It holds a
// list, and its order has no meaning.
const scopesOfSpace = "space_scope_references"

// object is one of what Apono holds, of any kind.
type object struct {
	kind     *kind
	id, name string
	// space is the id or the name of the space that it is in, empty for none. It
	// cannot be changed, and is no part of the body.
	space string
	// body is the object in the form in which it is written. It is plain JSON
	// and not the SDK's input, whose members for what this version does not
	// know are for the program's own memory and leave it only to be sent.
	body map[string]any
	// file is where it was read, empty for an object of Apono.
	file string
}

// tenant is what Apono holds.
type tenant struct {
	objects map[*kind][]*object
	// names are the names of objects by their ids, and ids are the ids by name.
	names map[reference]string
	ids   map[reference][]string
}

// reference is an id or a name of a kind of object, and what members that hold
// one begin with, such as "bundle".
type reference struct{ target, text string }

// readTenant reads all objects.
func readTenant(ctx context.Context, client *apono.Client) (*tenant, error) {
	t := &tenant{objects: map[*kind][]*object{}, names: map[reference]string{}, ids: map[reference][]string{}}
	for _, k := range kinds {
		items, err := listAll(ctx, client, k.path)
		if k.added && errors.Is(err, apono.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, body := range items {
			o := &object{kind: k, id: text(body["id"]), name: text(body["name"]), body: body}
			if o.id == "" {
				return nil, fmt.Errorf("apono answered the %s %q without an id", k.noun, o.name)
			}
			t.objects[k] = append(t.objects[k], o)
			t.learn(k.target, o.id, o.name)
			visit(body, func(member map[string]any, target string) {
				t.learn(target, text(member[target+"_id"]), text(member[target+"_name"]))
			})
			in, _ := body["space"].(map[string]any)
			t.learn(space.target, text(in["space_id"]), text(in["space_name"]))
		}
	}
	for _, k := range kinds {
		for _, o := range t.objects[k] {
			t.toWritten(o)
		}
	}
	return t, nil
}

// listAll reads a list to its end. The SDK's ListAll would drop the members that
// its models do not have.
func listAll(ctx context.Context, client *apono.Client, path string) ([]map[string]any, error) {
	var items []map[string]any
	seen := map[string]bool{}
	for query := (url.Values{}); ; {
		var page struct {
			Items      []map[string]any `json:"items"`
			Pagination struct {
				NextPageToken string `json:"next_page_token"`
			} `json:"pagination"`
		}
		if err := client.Do(ctx, http.MethodGet, path, query, nil, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		next := page.Pagination.NextPageToken
		switch {
		case next == "":
			return items, nil
		case seen[next]:
			return nil, fmt.Errorf("GET %s: %w", path, apono.ErrPageLoop)
		}
		seen[next] = true
		query.Set("page_token", next)
	}
}

func (t *tenant) learn(target, id, name string) {
	if id == "" || name == "" {
		return
	}
	t.names[reference{target, id}] = name
	if ids := t.ids[reference{target, name}]; !slices.Contains(ids, id) {
		t.ids[reference{target, name}] = append(ids, id)
	}
}

// refer returns how a file refers to an object: by name, which other tenants
// have too, unless several have it.
func (t *tenant) refer(target, id, name string) string {
	if name == "" || len(t.ids[reference{target, name}]) > 1 && id != "" {
		return id
	}
	return name
}

// toWritten turns the form in which an object is answered into that in which it
// is written: x_id and x_name become x_reference, and what only Apono decides
// goes.
func (t *tenant) toWritten(o *object) {
	for _, name := range []string{"id", "creation_date", "update_date", "created_date", "updated_date"} {
		delete(o.body, name)
	}
	if o.kind.spaced {
		in, _ := o.body["space"].(map[string]any)
		o.space = t.refer(space.target, text(in["space_id"]), text(in["space_name"]))
		delete(o.body, "space")
	}
	if scopes, ok := o.body["space_scopes"].([]any); ok {
		references := []any{}
		for _, element := range scopes {
			scope, _ := element.(map[string]any)
			references = append(references, t.refer("space_scope", text(scope["id"]), text(scope["name"])))
		}
		delete(o.body, "space_scopes")
		o.body[scopesOfSpace] = references
	}
	visit(o.body, func(member map[string]any, target string) {
		if to := t.refer(target, text(member[target+"_id"]), text(member[target+"_name"])); to != "" {
			member[target+"_reference"] = to
		}
		delete(member, target+"_id")
		delete(member, target+"_name")
	})
	o.complete()
}

// complete adds what has to be written and is never answered.
func (o *object) complete() {
	for _, members := range []map[string]any{o.kind.writeOnly, o.kind.defaults} {
		for name, value := range members {
			if _, given := o.body[name]; !given {
				o.body[name] = value
			}
		}
	}
}

// normal returns the text that two objects share if they are the same to Apono:
// references in one form, and without what is null or never answered.
func (t *tenant) normal(o *object) string {
	body, _ := clone(o.body).(map[string]any)
	visit(body, func(member map[string]any, target string) {
		if to := text(member[target+"_reference"]); to != "" {
			member[target+"_reference"] = t.same(target, to)
		}
	})
	if scopes, ok := body[scopesOfSpace].([]any); ok {
		for i, scope := range scopes {
			scopes[i] = t.same("space_scope", text(scope))
		}
	}
	sortSets(body)
	for name := range o.kind.writeOnly {
		delete(body, name)
	}
	return encode(body)
}

// sets are the members that hold lists whose order and repetitions mean nothing to
// Apono, which may return them otherwise than they were written.
var sets = []string{
	"permissions", "labels", "days_of_week", "request_scopes", "approver_groups", "approvers", "conditions", "values",
	"access_targets", "resources_scopes", scopesOfSpace,
}

// sortSets gives each set in a value one form. The groups of an escalation are no
// set: they are asked one after the other.
func sortSets(value any, ordered ...string) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			sortSets(element)
		}
	case map[string]any:
		for _, name := range slices.Concat(holders, []string{"settings", "timeframe", "resources_scopes"}) {
			if name == "escalation_policy" {
				sortSets(value[name], "approver_groups")
			} else {
				sortSets(value[name])
			}
		}
		for _, name := range sets {
			if list, ok := value[name].([]any); ok && !slices.Contains(ordered, name) {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(encode(a), encode(b)) })
				value[name] = slices.CompactFunc(list, func(a, b any) bool { return encode(a) == encode(b) })
			}
		}
	}
}

// same returns one form of an id or a name.
func (t *tenant) same(target, to string) string {
	if name, known := t.names[reference{target, to}]; known {
		return t.refer(target, to, name)
	}
	return to
}

// references returns what an object in its written form refers to.
func (o *object) references() []reference {
	var all []reference
	if o.space != "" {
		all = append(all, reference{space.target, o.space})
	}
	scopes, _ := o.body[scopesOfSpace].([]any)
	for _, scope := range scopes {
		all = append(all, reference{"space_scope", text(scope)})
	}
	visit(o.body, func(member map[string]any, target string) {
		if to := text(member[target+"_reference"]); to != "" {
			all = append(all, reference{target, to})
		}
	})
	return all
}

var (
	// holders are the members on the way to references. Only these are gone
	// through: what this program does not know stays as it is.
	holders = []string{
		"requestors", "conditions", "request_for", "grantees", "approver_policy", "escalation_policy",
		"approver_groups", "approvers", "access_targets", "integration", "bundle", "access_scope",
	}
	targets = []string{"source_integration", "integration", "bundle", "access_scope"}
)

// visit calls a function for every object inside a value that has a reference,
// in whichever form.
func visit(value any, found func(member map[string]any, target string)) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			visit(element, found)
		}
	case map[string]any:
		for _, target := range targets {
			for _, form := range []string{"_id", "_name", "_reference"} {
				if _, has := value[target+form]; has {
					found(value, target)
					break
				}
			}
		}
		for _, name := range holders {
			visit(value[name], found)
		}
	}
}

// clone copies a JSON value without the members that are null.
func clone(value any) any {
	switch value := value.(type) {
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = clone(element)
		}
		return copied
	case map[string]any:
		copied := maps.Clone(value)
		maps.DeleteFunc(copied, func(_ string, member any) bool { return member == nil })
		for name, member := range copied {
			copied[name] = clone(member)
		}
		return copied
	}
	return value
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// encode returns JSON that is the same whenever the value is: indented, members
// in the order of their names, numbers digit by digit.
func encode(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		panic(err) // it was decoded from JSON
	}
	return b.String()
}
