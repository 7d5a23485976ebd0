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

// kind is a kind of object.
type kind struct {
	noun, folder, path string

	target    string         // prefix of members that refer to the kind, such as "bundle"
	input     func() any     // a new input of package apono, to check the types of a file
	writeOnly map[string]any // required members that responses never have, with defaults
	defaults  map[string]any // required members that older servers do not return
	spaced    bool           // whether an object can be in a space
	added     bool           // whether older servers lack the kind
}

// kinds lists the kinds so that each one refers only to kinds before it.
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

// folders returns the names of the folders as a phrase.
func folders() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.folder)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// scopesOfSpace is the member of a space that lists its scopes. The order of the
// list has no meaning.
const scopesOfSpace = "space_scope_references"

// object is an object of any kind, from Apono or from a file.
type object struct {
	kind     *kind
	id, name string
	space    string // id or name, empty for none; immutable, and not part of the body
	file     string // empty for an object from Apono

	// body is the object as the API accepts it in requests. It is plain JSON,
	// not an input of package apono, so that it can be written to a file with all
	// its members.
	body map[string]any
}

// tenant holds the objects of Apono.
type tenant struct {
	objects map[*kind][]*object
	names   map[reference]string   // names by id
	ids     map[reference][]string // ids by name
}

// reference is the id or the name of an object. The target is the prefix of the
// members that hold it, such as "bundle".
type reference struct{ target, text string }

// readTenant reads all objects from Apono.
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
				return nil, fmt.Errorf("apono returned the %s %q without an id", k.noun, o.name)
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

// listAll reads all pages of a list as plain JSON.
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

// learn records the id and the name of an object.
func (t *tenant) learn(target, id, name string) {
	if id == "" || name == "" {
		return
	}
	t.names[reference{target, id}] = name
	if ids := t.ids[reference{target, name}]; !slices.Contains(ids, id) {
		t.ids[reference{target, name}] = append(ids, id)
	}
}

// refer returns the reference to an object in a file. It is the name, which is
// the same in other tenants, or the id if several objects have the name.
func (t *tenant) refer(target, id, name string) string {
	if name == "" || len(t.ids[reference{target, name}]) > 1 && id != "" {
		return id
	}
	return name
}

// toWritten converts an object from the form of responses to the form of
// requests. It replaces x_id and x_name by x_reference and removes the members
// that Apono sets.
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

// complete adds required members that the object lacks.
func (o *object) complete() {
	for _, members := range []map[string]any{o.kind.writeOnly, o.kind.defaults} {
		for name, value := range members {
			if _, given := o.body[name]; !given {
				o.body[name] = value
			}
		}
	}
}

// normal returns a text that is equal for two objects if they are the same to
// Apono. References have one form, sets are sorted, and members that are null or
// write-only are removed.
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

// sets are the members with lists whose order and duplicates have no meaning.
// Apono may return their elements in another order.
var sets = []string{
	"permissions", "labels", "days_of_week", "request_scopes", "approver_groups", "approvers", "conditions", "values",
	"access_targets", "resources_scopes", scopesOfSpace,
}

// sortSets sorts the sets in a value and removes duplicates, except in the members
// named ordered. The approver groups of an escalation policy are ordered.
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

// same returns the reference by [tenant.refer] for an id or a name.
func (t *tenant) same(target, to string) string {
	if name, known := t.names[reference{target, to}]; known {
		return t.refer(target, to, name)
	}
	return to
}

// references returns the references of an object.
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
	// holders are the members that can contain references. Other members are not
	// changed.
	holders = []string{
		"requestors", "conditions", "request_for", "grantees", "approver_policy", "escalation_policy",
		"approver_groups", "approvers", "access_targets", "integration", "bundle", "access_scope",
	}
	targets = []string{"source_integration", "integration", "bundle", "access_scope"}
)

// visit calls found for every JSON object in a value that has a reference: an id,
// a name or both.
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

// clone returns a deep copy of a JSON value without null members.
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

// text returns a string, or "" for any other value.
func text(value any) string {
	s, _ := value.(string)
	return s
}

// encode returns indented JSON with sorted members. Equal values have equal JSON;
// numbers keep all digits.
func encode(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		panic(err) // the value was decoded from JSON
	}
	return b.String()
}
