package aponotest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// resource defines a kind of objects and its usual operations.
type resource struct {
	collection       Collection
	noun             string   // for messages
	schema           *schema  // of objects in the store and in responses
	create, update   *schema  // of request bodies, nil without the operation
	filters          []filter // of its list
	kept             []string // fields that an update keeps, besides ID and creation date
	keyedBy          string   // field that identifies an object, "id" if empty
	keyless          bool     // whether no field identifies an object
	named            bool     // whether a path may refer to an object by name
	spaced           bool     // whether an object can be created in a space
	created, updated string   // fields with the dates, "creation_date" and "update_date" if empty
	sharesNames      bool     // whether objects may have the same name
	writeOnly        []string // fields of request bodies that responses do not have
	deleted          any      // response to a deletion, nil for 204
	nested           []string // kinds of collections that each object has
	// validate checks the content of a body. It may be nil.
	validate func(*Server, object) *problem
	// complete adds fields that the API sets. It may be nil.
	complete func(*Server, object)
}

// resources are all resources by the kind of their collection.
var resources = func() map[string]*resource {
	byKind := map[string]*resource{}
	for _, r := range []*resource{
		integrationResource, catalogResource, resourceResource, permissionResource,
		connectorResource, userResource, groupResource, memberResource, attributeResource,
		accessFlowResource, bundleResource, scopeResource, reportResource, activityResource,
		accessRequestResource, entitlementResource, sessionResource, detailsResource,
		spaceResource, spaceScopeResource, spaceMemberResource,
	} {
		byKind[r.collection.kind()] = r
	}
	return byKind
}()

// parents are the resources whose objects have collections of their own, by the kind of
// those.
var parents = func() map[string]*resource {
	byKind := map[string]*resource{}
	for _, r := range resources {
		for _, kind := range r.nested {
			byKind[kind] = r
		}
	}
	return byKind
}()

func (r *resource) key() string {
	if r.keyedBy == "" {
		return "id"
	}
	return r.keyedBy
}

// routes returns the routes of some of the verbs List, Get, Create, Update and Delete.
func (r *resource) routes(service string, verbs ...string) map[string]route {
	usual := map[string]route{
		"List":   {query: tokenParams.with(filterParams(r.filters)), handle: r.list},
		"Get":    {handle: r.get},
		"Create": {body: r.create, handle: r.post},
		"Update": {body: r.update, handle: r.put},
		"Delete": {handle: r.delete},
	}
	if r.spaced {
		create := usual["Create"]
		create.query = inSpaceParams
		usual["Create"] = create
	}
	routes := map[string]route{}
	for _, verb := range verbs {
		routes[service+"."+verb] = usual[verb]
	}
	return routes
}

func (r *resource) list(s *Server, req *request) (any, *problem) {
	return s.page(r.collection, req, r.filters)
}

func (r *resource) get(s *Server, req *request) (any, *problem) {
	found, err := r.find(s, req)
	if err != nil {
		return nil, err
	}
	return s.render(found), nil
}

// find returns the object of the path's first argument.
func (r *resource) find(s *Server, req *request) (object, *problem) {
	found := s.store.get(r.collection, req.args[0])
	if found == nil && r.named {
		found = s.store.refer(r.collection, req.args[0])
	}
	if found == nil {
		return nil, notFound(r.noun, req.args[0])
	}
	return found, nil
}

func (r *resource) post(s *Server, req *request) (any, *problem) {
	if err := r.check(s, req.body); err != nil {
		return nil, err
	}
	created := maps.Clone(req.body)
	if r.spaced {
		if err := s.enterSpace(created, req); err != nil {
			return nil, err
		}
	}
	created["id"] = s.store.newID()
	r.finish(s, created)
	return r.write(s, created)
}

func (r *resource) check(s *Server, body object) *problem {
	if r.validate == nil || s.looseChecks {
		return nil
	}
	return r.validate(s, body)
}

// Fields with the dates of most objects.
const (
	creationDate = "creation_date"
	updateDate   = "update_date"
)

// noTime is the JSON of a zero time.Time.
const noTime = "0001-01-01T00:00:00Z"

// finish adds to a new object the fields that the API sets.
func (r *resource) finish(s *Server, o object) {
	created, updated := r.dates()
	if _, dated := r.schema.fields[created]; dated && (o[created] == nil || o[created] == noTime) {
		o[created] = s.now()
	}
	if r.schema.fields[updated].required && (o[updated] == nil || o[updated] == noTime) {
		o[updated] = o[created]
	}
	if r.complete != nil {
		r.complete(s, o)
	}
}

// dates returns the names of the fields with the dates.
func (r *resource) dates() (created, updated string) {
	return cmp.Or(r.created, creationDate), cmp.Or(r.updated, updateDate)
}

// put replaces an object, except for the fields that the API sets.
func (r *resource) put(s *Server, req *request) (any, *problem) {
	old, err := r.find(s, req)
	if err != nil {
		return nil, err
	}
	if err := r.check(s, req.body); err != nil {
		return nil, err
	}
	updated := maps.Clone(req.body)
	created, changed := r.dates()
	kept := append(slices.Clone(r.kept), "id", created)
	if r.spaced {
		kept = append(kept, "space")
	}
	for _, name := range kept {
		if value, ok := old[name]; ok {
			updated[name] = value
		}
	}
	if _, dated := r.schema.fields[changed]; dated {
		updated[changed] = s.now()
	}
	if r.complete != nil {
		r.complete(s, updated)
	}
	return r.write(s, updated)
}

func (r *resource) write(s *Server, o object) (any, *problem) {
	// Objects of identity providers may have any name.
	same := s.store.find(r.collection, func(other object) bool {
		return other["name"] == o["name"] && other["id"] != o["id"] && other["source_integration_id"] == nil
	})
	if same != nil && !r.sharesNames {
		return nil, &problem{http.StatusConflict, "name", "already used by another " + r.noun}
	}
	for _, name := range r.writeOnly {
		delete(o, name)
	}
	if err := s.resolve("", o); err != nil {
		return nil, err
	}
	s.store.put(r.collection, o)
	return s.render(o), nil
}

func (r *resource) delete(s *Server, req *request) (any, *problem) {
	found, err := r.find(s, req)
	if err != nil {
		return nil, err
	}
	key, _ := found[r.key()].(string)
	s.store.delete(r.collection, key)
	return r.deleted, nil
}

// references maps x to the collection that x_reference, x_id and x_name refer to.
// Request bodies have x_reference, an ID or name; responses have x_id and x_name.
var references = map[string]Collection{
	"source_integration": Integrations,
	"integration":        Integrations,
	"bundle":             Bundles,
	"access_scope":       Scopes,
	"space":              Spaces,
}

// settings is a free-form field. It has no references, whatever its own fields are named.
const settings = "integration_config"

// resolve replaces the references in a value by IDs and names.
func (s *Server) resolve(path string, value any) *problem {
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			if err := s.resolve(fmt.Sprintf("%s[%d]", path, i), element); err != nil {
				return err
			}
		}
	case object:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			if name == settings {
				continue
			}
			target, isReference := strings.CutSuffix(name, "_reference")
			c, known := references[target]
			if !isReference || !known {
				if err := s.resolve(at, value[name]); err != nil {
					return err
				}
				continue
			}
			reference, _ := value[name].(string)
			found := s.store.refer(c, reference)
			if found == nil {
				return badRequest(at, "%s %q not found", resources[c.kind()].noun, reference)
			}
			delete(value, name)
			value[target+"_id"], value[target+"_name"] = found["id"], found["name"]
		}
	}
	return nil
}

// render returns a copy of an object with the current names of the objects that it
// refers to.
func (s *Server) render(o object) object {
	rendered, _ := s.renderValue(o).(object)
	return rendered
}

func (s *Server) renderValue(value any) any {
	switch value := value.(type) {
	case []any:
		rendered := make([]any, len(value))
		for i, element := range value {
			rendered[i] = s.renderValue(element)
		}
		return rendered
	case object:
		rendered := make(object, len(value))
		for name, member := range value {
			rendered[name] = member
			if name != settings {
				rendered[name] = s.renderValue(member)
			}
		}
		for target, c := range references {
			id, _ := rendered[target+"_id"].(string)
			if found := s.store.get(c, id); found != nil {
				rendered[target+"_name"] = found["name"]
			}
		}
		s.renderSpace(rendered)
		return rendered
	}
	return value
}
