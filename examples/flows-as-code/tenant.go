package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

// kind is a kind of object.
type kind struct {
	noun, folder, path string

	target    string // prefix of members that refer to the kind, such as "bundle"
	reader    reader
	input     reflect.Type   // the input of package apono, to check files
	writeOnly map[string]any // required members that responses never have, with defaults
	defaults  map[string]any // required members that older servers do not return
	spaced    bool           // whether an object can be in a space
	added     bool           // whether older servers lack the kind
}

// kinds lists the kinds so that each one refers only to kinds before it.
var kinds = []*kind{
	{
		noun: "space scope", folder: "space-scopes", path: "/api/admin/v1/space-scopes", target: "space_scope", added: true,
		reader: reads(func(c *apono.Client) service[apono.SpaceScope, apono.ListSpaceScopesOptions] { return c.SpaceScopes }),
		input:  reflect.TypeFor[apono.SpaceScopeInput](),
	},
	space,
	{
		noun: "access scope", folder: "scopes", path: "/api/admin/v1/access-scopes", target: "access_scope", spaced: true,
		reader: reads(func(c *apono.Client) service[apono.AccessScope, apono.ListScopesOptions] { return c.Scopes }),
		input:  reflect.TypeFor[apono.AccessScopeInput](),
	},
	{
		noun: "bundle", folder: "bundles", path: "/api/admin/v2/bundles", target: "bundle", spaced: true,
		reader: reads(func(c *apono.Client) service[apono.Bundle, apono.ListBundlesOptions] { return c.Bundles }),
		input:  reflect.TypeFor[apono.BundleInput](),
	},
	{
		noun: "access flow", folder: "flows", path: "/api/admin/v2/access-flows", target: "access_flow", spaced: true,
		reader:    reads(func(c *apono.Client) service[apono.AccessFlow, apono.ListAccessFlowsOptions] { return c.AccessFlows }),
		input:     reflect.TypeFor[apono.AccessFlowInput](),
		writeOnly: map[string]any{"request_for_others": false}, defaults: map[string]any{"requestor_identity_type": "HUMAN"},
	},
}

var space = &kind{
	noun: "space", folder: "spaces", path: "/api/admin/v1/spaces", target: "space", added: true,
	reader: reads(func(c *apono.Client) service[apono.Space, apono.ListSpacesOptions] { return c.Spaces }),
	input:  reflect.TypeFor[apono.UpdateSpaceInput](),
}

// integration is a kind that objects refer to. It has no files.
var integration = &kind{
	noun: "integration", target: "integration",
	reader: reads(func(c *apono.Client) service[apono.Integration, apono.ListIntegrationsOptions] { return c.Integrations }),
}

// kindOf returns the kind that the members with a prefix refer to.
func kindOf(target string) *kind {
	target = strings.TrimPrefix(target, "source_")
	for _, k := range kinds {
		if k.target == target {
			return k
		}
	}
	return integration
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

// service is what the services of package apono for all kinds have.
type service[T, O any] interface {
	ListAll(context.Context, ...O) iter.Seq2[*T, error]
	Get(context.Context, string) (*T, error)
}

// reader reads objects of a kind from Apono, in the form of responses.
type reader struct {
	list func(context.Context, *apono.Client) iter.Seq2[map[string]any, error]
	get  func(context.Context, *apono.Client, string) (map[string]any, error)
}

func reads[T, O any](of func(*apono.Client) service[T, O]) reader {
	return reader{
		list: func(ctx context.Context, client *apono.Client) iter.Seq2[map[string]any, error] {
			return func(yield func(map[string]any, error) bool) {
				for item, err := range of(client).ListAll(ctx) {
					if !yield(toJSON(item, err)) {
						return
					}
				}
			}
		},
		get: func(ctx context.Context, client *apono.Client, id string) (map[string]any, error) {
			return toJSON(of(client).Get(ctx, id))
		},
	}
}

// toJSON returns a model of package apono as plain JSON. It has all members that Apono
// returned, also those that this version of the package does not know.
func toJSON(model any, err error) (map[string]any, error) {
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	value, err := decode(data)
	body, _ := value.(map[string]any)
	return body, err
}

// decode decodes JSON. Numbers keep all digits.
func decode(data []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}

// tenant holds the objects of Apono.
type tenant struct {
	objects map[*kind][]*object
	// others are objects without files that objects refer to: integrations, and objects
	// that the token may not list.
	others []*object
}

// readTenant reads all objects from Apono.
func readTenant(ctx context.Context, client *apono.Client, parallel int) (*tenant, error) {
	lists := slices.Concat(kinds, []*kind{integration})
	results := make([][]*object, len(lists))
	var failure error
	program.Each(ctx, len(lists), parallel, func(i int) (err error) {
		results[i], err = readKind(ctx, client, lists[i])
		return err
	}, func(_ int, err error) {
		if failure == nil {
			failure = err
		}
	})
	if failure != nil {
		return nil, interrupted(ctx, failure)
	}
	t := &tenant{objects: map[*kind][]*object{}}
	known := map[reference]bool{}
	for i, k := range lists {
		for _, o := range results[i] {
			known[reference{k, o.id}] = true
		}
		if k == integration {
			t.others = results[i]
		} else {
			t.objects[k] = results[i]
		}
	}
	for _, k := range kinds {
		for _, o := range t.objects[k] {
			for _, r := range o.references() {
				if r.id != "" && !known[reference{r.kind, r.id}] {
					known[reference{r.kind, r.id}] = true
					t.others = append(t.others, &object{kind: r.kind, id: r.id, name: r.name})
				}
			}
		}
	}
	return t, nil
}

// interrupted returns the error of ctx if that ended the calls.
func interrupted(ctx context.Context, err error) error {
	if errors.Is(err, program.ErrNotStarted) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func readKind(ctx context.Context, client *apono.Client, k *kind) ([]*object, error) {
	var objects []*object
	for body, err := range k.reader.list(ctx, client) {
		if k.added && program.NotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		objects = append(objects, newObject(k, body))
	}
	return objects, nil
}

// read reads one object again.
func (o *object) read(ctx context.Context, client *apono.Client) (*object, error) {
	body, err := o.kind.reader.get(ctx, client, o.id)
	if err != nil {
		return nil, err
	}
	return newObject(o.kind, body), nil
}
