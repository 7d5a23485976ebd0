package aponotest

import (
	"fmt"
	"slices"
	"strings"
)

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
