package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
)

// change creates, replaces or deletes one object. The old one is nil for a
// creation, the new one for a deletion.
type change struct {
	old, new *object
	was, is  form // of old and new; empty for none

	// stage orders the changes. Those of a stage are carried out after those of
	// earlier stages, and after the ones that they need.
	stage int
	needs []*change
	freed *change // the need that frees the name of new

	// aside is the change that renames old to a temporary name first, because another
	// change needs its name before this one can be carried out.
	aside *change

	done string // a verb if it is carried out, such as "created"
	err  error
}

func (c *change) object() *object { return cmp.Or(c.new, c.old) }

func (c *change) String() string { return c.object().String() }

// equal reports whether two changes have the same objects before and after.
func (c *change) equal(other *change) bool {
	return c.object().kind == other.object().kind && c.String() == other.String() &&
		(c.old == nil) == (other.old == nil) && (c.old == nil || c.old.id == other.old.id) &&
		c.was.text == other.was.text && c.is.text == other.is.text
}

// isAside reports whether the change only renames an object to a temporary name.
func (c *change) isAside() bool { return c.old != nil && c.new != nil && c.new.file == "" }

// plan holds the changes after which Apono matches the files.
type plan struct {
	changes []*change // in the order in which they are shown
	asides  []*change
	stay    int // number of objects without a file that are not deleted
	before  *state
	after   *state
}

type options struct {
	remove       bool // delete objects without a file
	allowUnknown bool // accept unknown members
}

// makePlan computes the changes. An object is written after the objects that it refers
// to, and deleted before them.
func makePlan(files folder, t *tenant, opts options) (*plan, error) {
	p := &plan{before: newState(), after: newState()}
	p.before.add(t.others...)
	p.after.add(t.others...)
	pairs := map[*kind][]*change{}
	var deletions []*change
	var kept []*object
	for _, k := range kinds {
		p.before.add(t.objects[k]...)
		mine, managed := files[k]
		matched, rest, err := match(mine, t.objects[k])
		if err != nil {
			return nil, err
		}
		pairs[k] = matched
		for _, c := range matched {
			p.after.add(c.new)
		}
		for _, o := range rest {
			if managed && opts.remove {
				deletions = append(deletions, &change{old: o})
				continue
			}
			if managed {
				p.stay++
			}
			kept = append(kept, o)
			p.after.add(o)
		}
	}
	for _, k := range kinds {
		if err := p.compare(pairs[k], t.objects[k], opts); err != nil {
			return nil, err
		}
	}
	for _, c := range slices.Backward(deletions) {
		c.was, _ = p.before.form(c.old)
		p.changes = append(p.changes, c)
	}
	if err := p.checkKept(kept, deletions); err != nil {
		return nil, err
	}
	p.order(t)
	return p, nil
}

// compare adds the pairs of one kind that differ to the changes.
func (p *plan) compare(pairs []*change, objects []*object, opts options) error {
	known := map[string]bool{} // members that Apono knows
	for _, o := range objects {
		f, _ := p.before.form(o)
		for _, pointer := range unknown(f.request, o.kind.input, "") {
			known[anywhere(pointer)] = true
		}
	}
	var created []*change
	for _, c := range pairs {
		var err error
		if c.is, err = p.after.form(c.new); err != nil {
			return err
		}
		if !opts.allowUnknown {
			if err := c.new.checkKnown(c.is.request, known); err != nil {
				return err
			}
		}
		if err := p.checkSpace(c); err != nil {
			return err
		}
		if c.old == nil {
			created = append(created, c)
		} else {
			c.was, _ = p.before.form(c.old)
			if c.was.text == c.is.text {
				continue
			}
			p.changes = append(p.changes, c)
		}
		if err := p.checkMeaning(c.new); err != nil {
			return err
		}
	}
	p.changes = append(p.changes, created...)
	return nil
}

// checkSpace returns an error if the space of a file does not exist, or is not the one
// that its object is in.
func (p *plan) checkSpace(c *change) error {
	if c.new.space.isZero() {
		return nil
	}
	in, err := p.after.find(c.new.space)
	if err != nil {
		return fmt.Errorf("%s: %w", c.new.place(c.new.space.at), err)
	}
	if c.old == nil || in.id != "" && in.id == c.old.space.id {
		return nil
	}
	where := "none"
	if !c.old.space.isZero() {
		where = fmt.Sprintf("%q", cmp.Or(c.old.space.name, c.old.space.id))
	}
	return fmt.Errorf("%s: the space is %q, but in Apono it is %s: an object cannot be moved", c.new.place(c.new.space.at), in.name, where)
}

// checkMeaning returns an error if a reference that is sent to Apono might mean another
// object than a reader of the file expects.
func (p *plan) checkMeaning(o *object) error {
	for _, r := range o.references() {
		meant, err := p.after.find(r)
		if err != nil {
			return err
		}
		named := func(s *state, text string) bool { // another object
			return slices.ContainsFunc(s.byName[reference{r.kind, text}], func(o *object) bool { return o.id != meant.id })
		}
		wasNamed := meant.before != nil && meant.before.name == r.name && !named(p.after, r.name)
		at := r.at
		if r.kind != space {
			at = "/object" + at
		}
		switch {
		case r.id != "" && r.name != "" && r.name != meant.name && !wasNamed:
			return fmt.Errorf("%s: the %s with the id %q is %q, not %q: correct the id or the name", o.place(at), r.kind.noun, r.id, meant.name, r.name)
		case meant.id != "" && (named(p.before, meant.id) || named(p.after, meant.id)):
			// The API does not document whether it looks for ids or for names first.
			return fmt.Errorf("%s: %q is the id of one %s and the name of another one: rename that first", o.place(at), meant.id, r.kind.noun)
		}
	}
	return nil
}

// checkKept returns an error if an object that is not changed refers to one that would
// be deleted.
func (p *plan) checkKept(kept []*object, deletions []*change) error {
	for _, o := range kept {
		for _, r := range o.references() {
			target, _ := p.before.find(r)
			if slices.ContainsFunc(deletions, func(c *change) bool { return c.old == target }) {
				return fmt.Errorf("%s cannot be deleted: %s refers to it and has no file", target, o)
			}
		}
	}
	return nil
}

// order sets the stages of the changes, and what each needs.
func (p *plan) order(t *tenant) {
	of := map[*object]*change{}
	for _, c := range p.changes {
		stage := slices.Index(kinds, c.object().kind)
		if c.stage = stage; c.new == nil {
			c.stage = 2*len(kinds) - stage
		}
		for _, o := range []*object{c.old, c.new} {
			if o != nil {
				of[o] = c
			}
		}
	}
	referrers := map[*object][]*object{}
	for _, k := range kinds {
		for _, o := range t.objects[k] {
			for _, r := range o.references() {
				target, _ := p.before.find(r)
				referrers[target] = append(referrers[target], o)
			}
		}
	}
	need := func(c, needed *change) {
		if needed != nil && needed != c {
			c.needs = append(c.needs, needed)
		}
	}
	for _, c := range p.changes {
		if c.new == nil {
			for _, o := range referrers[c.old] {
				need(c, of[o])
			}
			continue
		}
		for _, r := range c.new.references() {
			target, _ := p.after.find(r)
			need(c, of[target])
		}
		c.freed = p.frees(c.new, of)
	}
	for _, c := range p.changes {
		switch {
		case c.freed == nil:
		case c.freed.new == nil && len(referrers[c.freed.old]) == 0:
			c.freed.stage = c.stage
		case c.freed.new == nil || c.freed.waitsFor(c.freed):
			p.setAside(c.freed)
		}
	}
	for _, c := range p.changes {
		need(c, c.aside)
		if c.freed != nil {
			need(c, cmp.Or(c.freed.aside, c.freed))
		}
	}
}

// frees returns the change after which another object no longer has the new name of an
// object, or nil.
func (p *plan) frees(o *object, of map[*object]*change) *change {
	for _, holder := range p.before.byName[reference{o.kind, o.name}] {
		if c := of[holder]; holder != o.before && c != nil && (c.new == nil || c.new.name != holder.name) {
			return c
		}
	}
	return nil
}

// waitsFor reports whether a change waits for a name that another one frees, directly or
// not.
func (c *change) waitsFor(other *change) bool {
	seen := map[*change]bool{}
	for c = c.freed; c != nil && c.aside == nil && !seen[c]; c = c.freed {
		if c == other {
			return true
		}
		seen[c] = true
	}
	return false
}

// setAside adds a change that frees the name of an object before the object is changed
// or deleted.
func (p *plan) setAside(c *change) {
	if c.aside != nil {
		return
	}
	temporary := *c.old
	temporary.name = "renaming-" + c.old.id
	temporary.body = maps.Clone(c.old.body)
	temporary.body["name"] = temporary.name
	c.aside = &change{old: c.old, new: &temporary, was: c.was, stage: slices.Index(kinds, c.old.kind)}
	c.aside.is, _ = p.before.form(&temporary)
	p.asides = append(p.asides, c.aside)
}

// match pairs the files of one kind with their objects. The rest are the objects
// without a file.
func match(files, objects []*object) (pairs []*change, rest []*object, err error) {
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
	pair := func(old, f *object) {
		paired := *f // planning again must find the file as it was
		if paired.before, paired.id = old, ""; old != nil {
			paired.id = old.id
		}
		pairs = append(pairs, &change{old: old, new: &paired})
	}
	var others []*object
	for _, f := range files {
		if old := take(func(o *object) bool { return o.id == f.id }); old != nil {
			pair(old, f)
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
		pair(old, f)
	}
	return pairs, rest, nil
}

// sameAs returns an error if a plan differs from an earlier one.
func (p *plan) sameAs(agreed *plan) error {
	const outdated = "%s: it changed in the meantime, so nothing was done: run the command again"
	for i, c := range agreed.changes {
		if i >= len(p.changes) || !c.equal(p.changes[i]) {
			return fmt.Errorf(outdated, c)
		}
	}
	if len(p.changes) > len(agreed.changes) {
		return fmt.Errorf(outdated, p.changes[len(agreed.changes)])
	}
	return nil
}

// show prints the changes and their totals.
func (p *plan) show(w io.Writer) {
	var created, changed, deleted int
	for _, c := range p.changes {
		switch {
		case c.old == nil:
			created++
			fmt.Fprintf(w, "+ %s\n", c)
		case c.new == nil:
			deleted++
			fmt.Fprintf(w, "- %s\n", c)
		default:
			changed++
			fmt.Fprintf(w, "~ %s\n%s", c, difference(c.was.shown, c.is.shown))
		}
		if c.aside != nil {
			fmt.Fprintf(w, "    first renamed to %q\n", c.aside.new.name)
		}
	}
	if len(p.changes) > 0 {
		fmt.Fprintf(w, "%d to create, %d to change, %d to delete\n", created, changed, deleted)
	}
}
