package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// object is an object of any kind, from Apono or from a file.
type object struct {
	kind     *kind
	id, name string // the id of a file is that of its object, or empty if that is to be created
	space    ref    // zero for none; immutable, and not part of the body

	// body is plain JSON, as Apono returns it, but without dates. In a file, it may
	// have references in the form of requests.
	body map[string]any

	file   string  // empty for an object from Apono
	data   []byte  // content of the file
	before *object // the object in Apono that the file is for, nil if there is none
}

// reference identifies an object by its id or name.
type reference struct {
	kind *kind
	text string
}

// ref is a reference as it is written: an id with the name of the object beside it, as
// in responses, or an id or a name, as in requests.
type ref struct {
	kind     *kind
	id, name string
	text     string
	at       string // JSON pointer to the reference in the body
	invalid  bool   // it is not a string
}

func (r ref) isZero() bool { return r.id == "" && r.name == "" && r.text == "" && !r.invalid }

// newObject returns an object that Apono returned.
func newObject(k *kind, body map[string]any) *object {
	o := &object{kind: k, id: text(body["id"]), name: text(body["name"]), body: body}
	if k.spaced {
		if in, _ := body["space"].(map[string]any); in != nil {
			o.space = readRef(in, "space", "/space")
		}
		delete(body, "space")
	}
	for _, name := range []string{"id", "creation_date", "update_date", "created_date", "updated_date"} {
		delete(body, name)
	}
	if scopes, ok := body[scopesOfSpace].([]any); ok {
		for i, element := range scopes {
			scope, _ := element.(map[string]any)
			scopes[i] = map[string]any{"id": scope["id"], "name": scope["name"]}
		}
	}
	o.complete()
	return o
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

func (o *object) String() string {
	return fmt.Sprintf("%s %q (%s)", o.kind.noun, o.name, cmp.Or(o.file, o.id))
}

// reference returns the reference to the object in a request: its id, or what stands for
// it until the object is created.
func (o *object) reference() string { return cmp.Or(o.id, "new: "+o.file) }

// Members of a space with its space scopes, in responses and in requests. The order of
// the list has no meaning.
const (
	scopesOfSpace   = "space_scopes"
	scopeReferences = "space_scope_references"
)

// request returns the body as the API accepts it in requests. It replaces x_id and
// x_name by x_reference with the text that resolve returns.
func (o *object) request(resolve func(ref) (string, error)) (map[string]any, error) {
	body, _ := clone(o.body).(map[string]any)
	var failure error
	resolved := func(r ref) string {
		text, err := resolve(r)
		if err != nil && failure == nil {
			failure = fmt.Errorf("%s: %w", o.place("/object"+r.at), err)
		}
		return text
	}
	visit(body, "", func(member map[string]any, target, at string) {
		r := readRef(member, target, at)
		delete(member, target+"_id")
		delete(member, target+"_name")
		if !r.isZero() {
			member[target+"_reference"] = resolved(r)
		}
	})
	if o.kind == space {
		references := []any{}
		scopes, _ := body[scopesOfSpace].([]any)
		for i, element := range scopes {
			r := ref{kind: kindOf("space_scope"), at: "/" + scopesOfSpace + "/" + strconv.Itoa(i)}
			if scope, ok := element.(map[string]any); ok {
				r.id, r.name = text(scope["id"]), text(scope["name"])
			}
			references = append(references, resolved(r))
		}
		scopes, _ = body[scopeReferences].([]any)
		for i, element := range scopes {
			references = append(references, resolved(ref{
				kind: kindOf("space_scope"), text: text(element), at: "/" + scopeReferences + "/" + strconv.Itoa(i),
			}))
		}
		delete(body, scopesOfSpace)
		body[scopeReferences] = references
	}
	return body, failure
}

// references returns the references of an object.
func (o *object) references() []ref {
	var all []ref
	if !o.space.isZero() {
		all = append(all, o.space)
	}
	_, _ = o.request(func(r ref) (string, error) {
		all = append(all, r)
		return "", nil
	})
	return all
}

// readRef reads the reference with a prefix from the members that hold it.
func readRef(member map[string]any, target, at string) ref {
	r := ref{kind: kindOf(target), at: at}
	fields := []*string{&r.name, &r.text, &r.id} // the place is that of the id, if there is one
	for i, form := range []string{"_name", "_reference", "_id"} {
		value := member[target+form]
		if value == nil {
			continue
		}
		var isText bool
		*fields[i], isText = value.(string)
		r.at, r.invalid = at+"/"+target+form, r.invalid || !isText
	}
	return r
}

// state holds the objects of Apono at one moment: before or after the changes.
type state struct {
	byID   map[reference]*object
	byName map[reference][]*object
}

func newState() *state { return &state{map[reference]*object{}, map[reference][]*object{}} }

func (s *state) add(objects ...*object) {
	for _, o := range objects {
		s.byID[reference{o.kind, o.reference()}] = o
		if o.name != "" {
			name := reference{o.kind, o.name}
			s.byName[name] = append(s.byName[name], o)
		}
	}
}

// find returns the object that a reference means.
func (s *state) find(r ref) (*object, error) {
	found := s.byID[reference{r.kind, cmp.Or(r.id, r.text)}]
	name := cmp.Or(r.name, r.text)
	named := s.byName[reference{r.kind, name}]
	isOther := func(o *object) bool { return o != found }
	switch {
	case r.invalid:
		return nil, errors.New("a reference must be a string")
	case r.text != "" && (r.id != "" || r.name != ""):
		return nil, fmt.Errorf("the %s is given twice: remove %q, or the id and the name", r.kind.noun, r.text)
	case found != nil && r.text != "" && slices.ContainsFunc(named, isOther):
		return nil, fmt.Errorf("%q is the id of one %s and the name of another one", r.text, r.kind.noun)
	case found != nil:
		return found, nil
	case len(named) > 1:
		return nil, fmt.Errorf("there would be several %ss named %q: refer to one by its id", r.kind.noun, name)
	case len(named) == 1:
		return named[0], nil
	}
	return nil, fmt.Errorf("the referenced %s %q would not exist", r.kind.noun, cmp.Or(name, r.id))
}

// form is an object in the state before or after the changes.
type form struct {
	request map[string]any
	text    string // equal for two objects if they are the same to Apono
	shown   string // the text with the names of referenced objects
}

// form returns the form of an object. References have one form, sets are sorted, and
// members that are null or write-only are removed.
func (s *state) form(o *object) (f form, err error) {
	f.request, err = o.request(func(r ref) (string, error) {
		if o.file == "" { // the object is as it is
			if found, _ := s.find(r); found != nil {
				return found.id, nil
			}
			return cmp.Or(r.id, r.name), nil
		}
		found, err := s.find(r)
		if err != nil {
			return "", err
		}
		return found.reference(), nil
	})
	if err != nil {
		return f, err
	}
	body, _ := clone(f.request).(map[string]any)
	removeNull(body)
	sortSets(body)
	for name := range o.kind.writeOnly {
		delete(body, name)
	}
	f.text = encode(body)
	name := func(k *kind, id string) any {
		if found := s.byID[reference{k, id}]; found != nil {
			return found.name
		}
		return nil
	}
	visit(body, "", func(member map[string]any, target, _ string) {
		if id := text(member[target+"_reference"]); id != "" {
			member[target+"_id"], member[target+"_name"] = id, name(kindOf(target), id)
			delete(member, target+"_reference")
		}
	})
	if scopes, ok := body[scopeReferences].([]any); ok {
		for i, id := range scopes {
			scopes[i] = map[string]any{"id": id, "name": name(kindOf("space_scope"), text(id))}
		}
		delete(body, scopeReferences)
		body[scopesOfSpace] = scopes
	}
	f.shown = encode(body)
	return f, nil
}

// sets are the members with lists whose order and duplicates have no meaning.
// Apono may return their elements in another order.
var sets = []string{
	"permissions", "labels", "days_of_week", "request_scopes", "approver_groups", "approvers", "conditions", "values",
	"access_targets", "resources_scopes", scopeReferences,
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
				value[name] = sorted(list)
			}
		}
	}
}

// sorted returns the elements of a list in the order of their JSON, without duplicates.
func sorted(list []any) []any {
	byText := map[string]any{}
	for _, element := range list {
		byText[encode(element)] = element
	}
	all := make([]any, 0, len(byText))
	for _, text := range slices.Sorted(maps.Keys(byText)) {
		all = append(all, byText[text])
	}
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
// a name or both. at is the JSON pointer to the value.
func visit(value any, at string, found func(member map[string]any, target, at string)) {
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			visit(element, at+"/"+strconv.Itoa(i), found)
		}
	case map[string]any:
		for _, target := range targets {
			for _, form := range []string{"_id", "_name", "_reference"} {
				if _, has := value[target+form]; has {
					found(value, target, at)
					break
				}
			}
		}
		for _, name := range holders {
			visit(value[name], at+"/"+name, found)
		}
	}
}

// clone returns a deep copy of a JSON value.
func clone(value any) any {
	switch value := value.(type) {
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = clone(element)
		}
		return copied
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, member := range value {
			copied[name] = clone(member)
		}
		return copied
	}
	return value
}

// removeNull removes the members that are null from a JSON value.
func removeNull(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			removeNull(element)
		}
	case map[string]any:
		maps.DeleteFunc(value, func(_ string, member any) bool { return member == nil })
		for _, member := range value {
			removeNull(member)
		}
	}
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
