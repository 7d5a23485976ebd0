package aponotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apono-go/apono/internal/wire"
)

// Collection names a kind of objects that a server holds.
type Collection string

// The collections that stand on their own. Objects have the form in which the
// newest version of the API answers them.
const (
	// Integrations hold objects such as apono.Integration.
	Integrations Collection = "integrations"
	// Catalog holds objects such as apono.CatalogEntry, by their type.
	Catalog Collection = "catalog"
	// Connectors hold objects such as apono.Connector.
	Connectors Collection = "connectors"
	// Users hold objects such as apono.User.
	Users Collection = "users"
	// Groups hold objects such as apono.Group.
	Groups Collection = "groups"
	// Attributes hold objects such as apono.Attribute. They have no id, so that
	// Put always adds.
	Attributes Collection = "attributes"
	// AccessFlows hold objects such as apono.AccessFlow.
	AccessFlows Collection = "access flows"
	// Bundles hold objects such as apono.Bundle.
	Bundles Collection = "bundles"
	// Scopes hold objects such as apono.AccessScope.
	Scopes Collection = "scopes"
	// Spaces hold objects such as apono.Space.
	Spaces Collection = "spaces"
	// SpaceScopes hold objects such as apono.SpaceScope.
	SpaceScopes Collection = "space scopes"
	// Reports hold objects such as apono.ActivityReport.
	Reports Collection = "reports"
	// AccessRequests hold objects such as apono.AccessRequest. Those with a
	// grantee are answered as delegated requests, and those with a requestor
	// only where a requestor is asked for.
	AccessRequests Collection = "access requests"
	// Sessions hold objects such as apono.AccessSession.
	Sessions Collection = "sessions"
	// Activity holds rows such as apono.ActivityEntry, with any of the columns
	// that the API can be asked for. For the filters a row may have
	// access_flow_id, integration_id, requestor_id and date besides, none of
	// which is answered. Rows have no id, so that Put always adds.
	Activity Collection = "activity"
)

// ResourcesOf is the collection of an integration's resources, such as
// apono.Resource.
func ResourcesOf(integrationID string) Collection { return nested(integrationID, "resources") }

// PermissionsOf is the collection of an integration's permissions, such as
// apono.Permission.
func PermissionsOf(integrationID string) Collection { return nested(integrationID, "permissions") }

// MembersOf is the collection of a group's members, such as apono.GroupMember.
func MembersOf(groupID string) Collection { return nested(groupID, "members") }

// SpaceMembersOf is the collection of a space's members, such as
// apono.SpaceMember. Members show the names that their users and groups have.
func SpaceMembersOf(spaceID string) Collection { return nested(spaceID, spaceMembers) }

// EntitlementsOf is the collection of an access request's entitlements, such as
// apono.AccessRequestEntitlement. They have no id, so that Put always adds.
func EntitlementsOf(requestID string) Collection { return nested(requestID, "entitlements") }

// DetailsOf is the collection of a session's access details, one object such as
// apono.AccessSessionDetails.
func DetailsOf(sessionID string) Collection { return nested(sessionID, "details") }

func nested(parent, kind string) Collection { return Collection(kind + " of " + parent) }

// kind is the part of a collection's name that does not depend on its parent.
func (c Collection) kind() string {
	kind, _, _ := strings.Cut(string(c), " of ")
	return kind
}

// store holds the state: the objects of each collection in the order in which
// they came, and the tags of resources.
type store struct {
	objects map[Collection][]entry
	byKey   map[Collection]map[any]object // those that have a key
	tags    map[string]object
	flowsV1 map[string]object // as they were last written through version 1
	made    map[string]bool   // sessions that appeared with a grant
	ids     int               // made up so far
	secrets int               // made up so far
	places  int               // given so far
}

// entry is an object with its place in the order, which stays its own when
// others are deleted; page tokens point to it.
type entry struct {
	place int
	object
}

func newStore() store {
	s := store{
		objects: map[Collection][]entry{}, byKey: map[Collection]map[any]object{}, tags: map[string]object{}, flowsV1: map[string]object{}, made: map[string]bool{},
	}
	for _, entry := range catalog {
		s.put(Catalog, entry)
	}
	return s
}

// Put adds objects to a collection, or replaces those with the same id. An
// object is anything that marshals to the JSON in which the API answers it: a
// model of package apono, a map, a json.RawMessage. An id that is empty is made
// up. An object that the API could not answer fails the test.
func (s *Server) Put(c Collection, objects ...any) {
	s.help()
	r, ok := resources[c.kind()]
	if !ok {
		s.fail("there is no collection %q", c)
	}
	if s.withoutSpaces && slices.Contains(spaceKinds, c.kind()) {
		s.fail("there are no %s in a server without spaces", c)
	}
	defer s.lock()()
	for _, o := range objects {
		data, err := wire.Marshal(o)
		if err != nil {
			s.fail("%s: %v", c, err)
		}
		value, err := parseJSON(data)
		if err != nil {
			s.fail("%s: %v", c, err)
		}
		stored, ok := value.(object)
		if !ok {
			s.fail("%s: %s is not an object", c, data)
		}
		if !r.keyless && (stored[r.key()] == nil || stored[r.key()] == "") {
			stored[r.key()] = s.store.newID()
		}
		r.finish(s, stored)
		schema := r.schema
		if s.withoutSpaces {
			schema.forget(stored, false)
			schema = schema.older()
		}
		if err := schema.check("", stored); err != nil {
			s.fail("%s: %s: %s", c, err.field, err.message)
		}
		s.store.put(c, stored)
	}
}

// Get decodes the object with an id into out, a pointer, and reports whether
// there is one.
func (s *Server) Get(c Collection, id string, out any) bool {
	s.help()
	defer s.lock()()
	found := s.store.get(c, id)
	if found == nil {
		return false
	}
	data, err := json.Marshal(s.render(found))
	if err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		s.fail("%s %s: %v", c, id, err)
	}
	return true
}

// newID makes an id that looks like the API's and is the same in every run.
func (s *store) newID() string {
	s.ids++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", s.ids, s.ids)
}

func (s *store) put(c Collection, o object) {
	if r := resources[c.kind()]; !r.keyless {
		key := o[r.key()]
		if s.byKey[c] == nil {
			s.byKey[c] = map[any]object{}
		}
		_, replaces := s.byKey[c][key]
		s.byKey[c][key] = o
		if replaces {
			i := slices.IndexFunc(s.objects[c], func(e entry) bool { return e.object[r.key()] == key })
			s.objects[c][i].object = o
			return
		}
	}
	s.places++
	s.objects[c] = append(s.objects[c], entry{s.places, o})
}

// get returns the object with an id, or nil.
func (s *store) get(c Collection, id string) object { return s.byKey[c][id] }

// refer returns the object with an id, or else a name, or nil.
func (s *store) refer(c Collection, reference string) object {
	if o := s.get(c, reference); o != nil {
		return o
	}
	return s.find(c, func(o object) bool { return o["name"] == reference })
}

func (s *store) find(c Collection, matches func(object) bool) object {
	return find(s.objects[c], matches)
}

func find(entries []entry, matches func(object) bool) object {
	for _, e := range entries {
		if matches(e.object) {
			return e.object
		}
	}
	return nil
}

// where returns the objects of a collection that match.
func (s *store) where(c Collection, matches func(object) bool) []entry {
	return slices.DeleteFunc(slices.Clone(s.objects[c]), func(e entry) bool { return !matches(e.object) })
}

// place is the place of an object in the order of its collection, from 1.
func (s *store) place(c Collection, id string) int {
	return 1 + slices.IndexFunc(s.objects[c], func(e entry) bool { return e.object["id"] == id })
}

// delete removes an object and the collections that belong to it.
func (s *store) delete(c Collection, id string) bool {
	if s.get(c, id) == nil {
		return false
	}
	r := resources[c.kind()]
	delete(s.byKey[c], id)
	s.objects[c] = slices.DeleteFunc(s.objects[c], func(e entry) bool { return e.object[r.key()] == id })
	for _, kind := range r.nested {
		s.clear(nested(id, kind))
	}
	return true
}

// clear removes all objects of a collection.
func (s *store) clear(c Collection) {
	delete(s.objects, c)
	delete(s.byKey, c)
}
