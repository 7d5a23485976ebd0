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

// change creates, replaces or deletes one object. The old one is nil for a
// creation, the new one for a deletion.
type change struct{ old, new *object }

func (c change) String() string {
	if c.new == nil {
		return fmt.Sprintf("%s %q (%s)", c.old.kind.noun, c.old.name, c.old.id)
	}
	return fmt.Sprintf("%s %q (%s)", c.new.kind.noun, c.new.name, c.new.file)
}

// equal reports whether two changes have the same objects before and after.
func (c change) equal(other change) bool {
	return c.new == other.new && (c.old == nil) == (other.old == nil) &&
		(c.old == nil || c.old.id == other.old.id && c.old.space == other.old.space && encode(c.old.body) == encode(other.old.body))
}

// apply carries out the change and returns a verb for it, such as "created".
func (c change) apply(ctx context.Context, client *apono.Client) (done string, err error) {
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

// plan returns the changes after which Apono matches the files. Objects without a
// file are deleted if remove is set; otherwise stay is their number. An object is
// written after the objects that it refers to, and deleted before them.
func plan(files folder, t *tenant, remove bool) (changes []change, stay int, err error) {
	var deletions []change
	known := t.unlisted() // valid references after the changes
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
				return nil, 0, fmt.Errorf("%s: the space is %q, but in Apono it is %s: an object cannot be moved",
					c.new.file, c.new.space, spaceOf(c.old))
			case t.normal(c.old) != t.normal(c.new):
				changes = append(changes, c)
			}
			known[reference{k.target, c.old.id}] = true
		}
		// Changes come first: they may free a name for a new object.
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
					return nil, 0, fmt.Errorf("%s: the referenced %s %q would not exist", o.file, kinds[i].noun, r.text)
				}
			}
		}
	}
	slices.Reverse(deletions)
	return append(changes, deletions...), stay, nil
}

// unlisted returns the spaces that have objects but are not in the list of spaces.
// The token may not have permission to list them.
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

// match pairs the files of one kind with their objects. The rest are the objects
// without a file.
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
			return nil, nil, fmt.Errorf("%s: Apono has several objects named %q: add an id", f.file, f.name)
		}
		pairs = append(pairs, change{old, f})
	}
	return pairs, rest, nil
}

// show prints the changes and their totals.
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
