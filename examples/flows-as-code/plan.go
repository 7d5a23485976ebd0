package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

// change is what happens to one object: it is created if there is no old one,
// deleted if there is no new one, and otherwise replaced.
type change struct{ old, new *object }

func (c change) String() string {
	if c.new == nil {
		return fmt.Sprintf("%s %q (%s)", c.old.kind.noun, c.old.name, c.old.id)
	}
	return fmt.Sprintf("%s %q (%s)", c.new.kind.noun, c.new.name, c.new.file)
}

// equal reports whether two changes do the same to the same.
func (c change) equal(other change) bool {
	return c.new == other.new && (c.old == nil) == (other.old == nil) &&
		(c.old == nil || c.old.id == other.old.id && c.old.space == other.old.space && encode(c.old.body) == encode(other.old.body))
}

// make makes the change, and says in a word what it did.
func (c change) make(ctx context.Context, client *apono.Client) (done string, err error) {
	switch {
	case c.new == nil:
		return "deleted", client.Do(ctx, http.MethodDelete, c.old.kind.path+"/"+url.PathEscape(c.old.id), nil, nil, nil)
	case c.old == nil:
		query := url.Values{}
		if c.new.space != "" {
			query.Set("space_reference", c.new.space)
		}
		return "created", client.Do(ctx, http.MethodPost, c.new.kind.path, query, c.new.body, nil)
	}
	return "changed", client.Do(ctx, http.MethodPut, c.old.kind.path+"/"+url.PathEscape(c.old.id), nil, c.new.body, nil)
}

// plan finds what to write and, if it is to remove objects without a file, what to
// delete, in an order in which no object is written before those that it refers
// to, nor deleted before those that refer to it. Otherwise stay is how many such
// objects there are.
func plan(files folder, t *tenant, remove bool) (changes []change, stay int, err error) {
	var deletions []change
	known := t.unlisted() // what can be referred to in the end
	for _, k := range kinds {
		mine, managed := files[k]
		pairs, rest, err := match(mine, t.objects[k])
		if err != nil {
			return nil, 0, err
		}
		var created []change
		for _, c := range pairs {
			known[reference{k.target, c.new.name}] = true
			switch {
			case c.old == nil:
				created = append(created, c)
				continue
			case c.new.space != "" && t.same(space.target, c.new.space) != c.old.space:
				return nil, 0, fmt.Errorf("%s: it says the space %q, and what Apono has is in %s: an object stays where it was created",
					c.new.file, c.new.space, spaceOf(c.old))
			case t.normal(c.old) != t.normal(c.new):
				changes = append(changes, c)
			}
			known[reference{k.target, c.old.id}] = true
		}
		// Changes come first: they may give up a name that a new object has.
		changes = append(changes, created...)
		for _, o := range rest {
			if managed && remove {
				deletions = append(deletions, change{old: o})
				continue
			}
			if managed {
				stay++
			}
			known[reference{k.target, o.name}], known[reference{k.target, o.id}] = true, true
		}
	}
	for _, k := range kinds {
		for _, o := range files[k] {
			for _, r := range o.references() {
				if i := slices.IndexFunc(kinds, func(k *kind) bool { return k.target == r.target }); i >= 0 && !known[r] {
					return nil, 0, fmt.Errorf("%s: it refers to the %s %q, which would not exist", o.file, kinds[i].noun, r.text)
				}
			}
		}
	}
	slices.Reverse(deletions)
	return append(changes, deletions...), stay, nil
}

// unlisted are the spaces that objects are in and that Apono does not list, for
// this token or for anybody.
func (t *tenant) unlisted() map[reference]bool {
	spaces := map[reference]bool{}
	for r, name := range t.names {
		listed := func(o *object) bool { return o.id == r.text }
		if r.target == space.target && !slices.ContainsFunc(t.objects[space], listed) {
			spaces[r], spaces[reference{r.target, name}] = true, true
		}
	}
	return spaces
}

func spaceOf(o *object) string {
	if o.space == "" {
		return "none"
	}
	return fmt.Sprintf("%q", o.space)
}

// match pairs files with the objects of one kind that they belong to, and
// returns the objects that have no file.
func match(files, objects []*object) (pairs []change, rest []*object, err error) {
	rest = slices.Clone(objects)
	take := func(is func(*object) bool) *object {
		i := slices.IndexFunc(rest, is)
		if i < 0 {
			return nil
		}
		found := rest[i]
		rest = slices.Delete(rest, i, i+1)
		return found
	}
	var others []*object
	for _, f := range files {
		if old := take(func(o *object) bool { return o.id == f.id }); old != nil {
			pairs = append(pairs, change{old, f})
		} else {
			others = append(others, f)
		}
	}
	for i, f := range others {
		named := func(o *object) bool { return o.name == f.name }
		if slices.ContainsFunc(others[:i], named) {
			return nil, nil, fmt.Errorf("%s: another file has the name %q too, and Apono has no %s with its id", f.file, f.name, f.kind.noun)
		}
		old := take(named)
		if old != nil && slices.ContainsFunc(rest, named) {
			return nil, nil, fmt.Errorf("%s: Apono has several of the name %q: give the id of one", f.file, f.name)
		}
		pairs = append(pairs, change{old, f})
	}
	return pairs, rest, nil
}

// show prints the changes and what they are in all.
func show(p *program.Program, changes []change, t *tenant) error {
	var created, changed, deleted int
	for _, c := range changes {
		var err error
		switch {
		case c.old == nil:
			created++
			_, err = fmt.Fprintf(p.Stdout, "+ %s\n", c)
		case c.new == nil:
			deleted++
			_, err = fmt.Fprintf(p.Stdout, "- %s\n", c)
		default:
			changed++
			_, err = fmt.Fprintf(p.Stdout, "~ %s\n%s", c, difference(t.normal(c.old), t.normal(c.new)))
		}
		if err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(p.Stdout, "%d to create, %d to change, %d to delete\n", created, changed, deleted)
	return err
}
