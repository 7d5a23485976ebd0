package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

// applier carries out a plan.
type applier struct {
	*plan
	client   *apono.Client
	parallel int
}

var (
	errChanged = errors.New("it changed in the meantime and was not overwritten: run the command again")
	errDeleted = errors.New("it was deleted in the meantime: run the command again")
)

// errNeeds is the error of a change that was not carried out because another one was not.
type errNeeds struct{ needed *change }

func (e errNeeds) Error() string { return "it needs the change of " + e.needed.String() }

// run carries out the changes, stage by stage, and calls report after each one. A change
// is not started once ctx has ended, or if it needs one that was not carried out.
func (a *applier) run(ctx context.Context, report func(*change)) {
	finishing, cancel := program.Finishing(ctx)
	defer cancel()
	steps := slices.Concat(a.asides, a.changes)
	for stage := range 2*len(kinds) + 1 {
		pending := slices.DeleteFunc(slices.Clone(steps), func(c *change) bool { return c.stage != stage })
		for len(pending) > 0 {
			var ready, waiting []*change
			for _, c := range pending {
				if slices.ContainsFunc(c.needs, func(n *change) bool { return slices.Contains(pending, n) }) {
					waiting = append(waiting, c)
				} else {
					ready = append(ready, c)
				}
			}
			program.Each(ctx, len(ready), a.parallel, func(i int) error {
				c := ready[i]
				for _, needed := range c.needs {
					if needed.done == "" {
						return errNeeds{needed}
					}
				}
				done, err := a.apply(finishing, c)
				if err == nil {
					c.done = done
				}
				return err
			}, func(i int, err error) {
				ready[i].err = err
				report(ready[i])
			})
			pending = waiting
		}
	}
}

// apply carries out a change and returns a verb for it, such as "created".
func (a *applier) apply(ctx context.Context, c *change) (done string, err error) {
	k := c.object().kind
	if c.old == nil {
		f, err := a.after.form(c.new) // again, with the ids of objects that were created
		if err != nil {
			return "", err
		}
		query := url.Values{}
		if !c.new.space.isZero() {
			in, err := a.after.find(c.new.space)
			if err != nil {
				return "", err
			}
			query.Set("space_reference", in.id)
		}
		var created struct {
			ID string `json:"id"`
		}
		if err := a.client.Do(ctx, http.MethodPost, k.path, query, f.request, &created); err != nil {
			return "", err
		}
		if created.ID == "" {
			return "", errors.New("apono returned no id for it")
		}
		c.new.id = created.ID
		return "created", nil
	}
	path := k.path + "/" + url.PathEscape(c.old.id)
	current, err := c.old.read(ctx, a.client)
	switch {
	case c.new == nil && program.NotFound(err):
		return "deleted", nil
	case program.NotFound(err):
		return "", errDeleted
	case err != nil:
		return "", err
	}
	expected := c.was.text
	if c.aside != nil {
		expected = c.aside.is.text
	}
	if now, _ := a.before.form(current); now.text != expected {
		return "", errChanged
	}
	if c.new == nil {
		err := a.client.Do(ctx, http.MethodDelete, path, nil, nil, nil)
		if errors.Is(err, apono.ErrNotFound) {
			if _, again := c.old.read(ctx, a.client); program.NotFound(again) {
				err = nil
			}
		}
		return "deleted", err
	}
	f, err := a.after.form(c.new)
	if c.isAside() {
		f, err = c.is, nil
	}
	if err != nil {
		return "", err
	}
	return "changed", a.client.Do(ctx, http.MethodPut, path, nil, f.request, nil)
}
