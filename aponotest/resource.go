package aponotest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// resource is a kind of objects, and how the usual operations treat it.
type resource struct {
	collection Collection
	// noun is what messages call one.
	noun string
	// schema is the form in which an object is answered and kept.
	schema *schema
	// create and update are the forms in which it is written, nil where it is
	// not.
	create, update *schema
	// filters are the filters of its list.
	filters []filter
	// kept are the members that the API decides and an update leaves alone.
	kept []string
	// keyedBy is the member that identifies an object, "id" unless given.
	keyedBy string
	// keyless says that nothing does.
	keyless bool
	// named says that a path may name an object by its name.
	named bool
	// spaced says that an object can be created in a space.
	spaced bool
	// created and updated are the members that say when that was, "creation_date"
	// and "update_date" unless given.
	created, updated string
	// sharesNames says that several objects may have one name.
	sharesNames bool
	// writeOnly are members that are written and never answered.
	writeOnly []string
	// deleted is what a deletion answers, nil for 204.
	deleted any
	// nested are the kinds of collections that belong to each object.
	nested []string
	// sense says what is wrong with a well-formed body.
	sense func(*Server, object) *problem
	// complete adds what the API decides about an object.
	complete func(*Server, object)
}

// resources are the kinds of objects, by the kind of their collection.
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

func (r *resource) key() string {
	if r.keyedBy == "" {
		return "id"
	}
	return r.keyedBy
}

// routes are the usual operations, those of them that a service has.
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

// find returns the object that the path's first argument names.
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
	if r.sense == nil || s.looseChecks {
		return nil
	}
	return r.sense(s, body)
}

// The members in which the API answers when an object was made and changed.
const (
	creationDate = "creation_date"
	updateDate   = "update_date"
)

// noTime is how Go writes a time that was not set.
const noTime = "0001-01-01T00:00:00Z"

// finish adds to a new object what the API decides about it.
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

// dates are the members that say when an object was created and changed.
func (r *resource) dates() (created, updated string) {
	return cmp.Or(r.created, creationDate), cmp.Or(r.updated, updateDate)
}

// put replaces all but what the API decides.
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
	// What comes from an identity provider may be called as it likes.
	same := s.store.find(r.collection, func(other object) bool {
		return other["name"] == o["name"] && other["id"] != o["id"] && other["source_integration_id"] == nil
	})
	if same != nil && !r.sharesNames {
		return nil, &problem{http.StatusConflict, "name", "another " + r.noun + " has this name"}
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

// references say which collection a reference points into. A body names the
// target by id or name in x_reference; an answer has its x_id and x_name.
var references = map[string]Collection{
	"source_integration": Integrations,
	"integration":        Integrations,
	"bundle":             Bundles,
	"access_scope":       Scopes,
	"space":              Spaces,
}

// settings is the member whose content is the integration's own and holds no
// references, whatever it looks like.
const settings = "integration_config"

// resolve turns the references in a value into ids and names.
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
				return senseless(at, "there is no %s %q", resources[c.kind()].noun, reference)
			}
			delete(value, name)
			value[target+"_id"], value[target+"_name"] = found["id"], found["name"]
		}
	}
	return nil
}

// render returns an object as the API answers it: the objects that it refers to
// have the names that they have now.
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
