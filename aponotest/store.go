package aponotest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apono-go/apono/internal/wire"
)

func nested(parent, kind string) Collection { return Collection(kind + " of " + parent) }

// kind returns the name of a collection without its parent.
func (c Collection) kind() string {
	kind, _, _ := strings.Cut(string(c), " of ")
	return kind
}

// store holds the objects of each collection in the order in which they were added.
type store struct {
	objects map[Collection][]entry
	byKey   map[Collection]map[any]object // objects that have a key
	tags    map[string]object             // of resources, by ID
	flowsV1 map[string]object             // flows as last written through version 1, by ID
	granted map[string]bool               // IDs of sessions that the server added
	ids     int                           // generated so far
	secrets int                           // generated so far
	places  int                           // assigned so far
}

// entry is an object with its place in the order. The place does not change when others
// are deleted, so that page tokens can refer to it.
type entry struct {
	place int
	object
}

func newStore() store {
	s := store{
		objects: map[Collection][]entry{}, byKey: map[Collection]map[any]object{}, tags: map[string]object{}, flowsV1: map[string]object{}, granted: map[string]bool{},
	}
	for _, entry := range catalog {
		s.put(Catalog, entry)
	}
	return s
}

// newID returns an ID that looks like the API's and is the same in every run.
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

// get returns the object with an ID or other key, or nil.
func (s *store) get(c Collection, id string) object { return s.byKey[c][id] }

// refer returns the object with an ID or name, or nil.
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

// place returns the number of an object in its collection, starting with 1.
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

// decode decodes an object into a model or another type.
func (s *Server) decode(o object, out any) error {
	data, err := json.Marshal(s.render(o))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

// putSeed adds the objects of a seed, see WithSeed.
func (s *Server) putSeed(seed []byte) error {
	var collections map[Collection][]json.RawMessage
	if err := json.Unmarshal(wire.TrimMark(seed), &collections); err != nil {
		return err
	}
	defer s.lock()()
	for _, c := range slices.SortedFunc(maps.Keys(collections), parentsFirst) {
		if err := c.check(); err != nil { // also if it is empty
			return err
		}
		for _, o := range collections[c] {
			if err := s.put(c, []any{o}); err != nil {
				return err
			}
		}
	}
	return nil
}

// parentsFirst orders collections by name, those that belong to an object last.
func parentsFirst(a, b Collection) int {
	_, nestedA := parents[a.kind()]
	_, nestedB := parents[b.kind()]
	switch {
	case nestedA == nestedB:
		return cmp.Compare(a, b)
	case nestedA:
		return 1
	}
	return -1
}

// mustHave fails the test if a collection is unknown.
func (s *Server) mustHave(c Collection) {
	s.help()
	if err := c.check(); err != nil {
		s.fail("%v", err)
	}
}

// check returns an error for an unknown collection.
func (c Collection) check() error {
	_, known := resources[c.kind()]
	_, isNested := parents[c.kind()]
	if !known || isNested != (c.kind() != string(c)) {
		return fmt.Errorf("unknown collection %q", c)
	}
	return nil
}

func (s *Server) put(c Collection, objects []any) error {
	if err := c.check(); err != nil {
		return err
	}
	if parent, ok := parents[c.kind()]; ok {
		_, id, _ := strings.Cut(string(c), " of ")
		if s.store.get(parent.collection, id) == nil {
			return fmt.Errorf("%s: %s %q not found", c, parent.noun, id)
		}
	}
	r := resources[c.kind()]
	if s.withoutSpaces && slices.Contains(spaceKinds, c.kind()) {
		return fmt.Errorf("a server without spaces has no collection %q", c)
	}
	for _, o := range objects {
		data, raw := o.([]byte)
		if !raw {
			var err error
			if data, err = wire.Marshal(o); err != nil {
				return fmt.Errorf("%s: %w", c, err)
			}
		}
		value, err := parseJSON(data)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		stored, ok := value.(object)
		if !ok {
			return fmt.Errorf("%s: %s is not an object", c, data)
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
		// Unknown fields of a map are likely misspelt.
		_, isMap := o.(object)
		if err := schema.checkAs("", stored, !isMap); err != nil {
			return fmt.Errorf("%s: %s: %s", c, err.field, err.message)
		}
		s.store.put(c, stored)
	}
	return nil
}
