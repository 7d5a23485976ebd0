package apono_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// namedLists are the lists whose objects can be got by name.
var namedLists = map[string]struct {
	path string
	get  func(context.Context, *apono.Client, string) (id string, err error)
}{
	"integrations": {"/api/admin/v4/integrations", func(ctx context.Context, client *apono.Client, name string) (string, error) {
		return idOf(client.Integrations.GetByName(ctx, name))(integrationID)
	}},
	"bundles": {"/api/admin/v2/bundles", func(ctx context.Context, client *apono.Client, name string) (string, error) {
		return idOf(client.Bundles.GetByName(ctx, name))(func(b *apono.Bundle) string { return b.ID })
	}},
	"groups": {"/api/admin/v1/groups", func(ctx context.Context, client *apono.Client, name string) (string, error) {
		return idOf(client.Groups.GetByName(ctx, name))(func(g *apono.Group) string { return g.ID })
	}},
	"scopes": {"/api/admin/v1/access-scopes", func(ctx context.Context, client *apono.Client, name string) (string, error) {
		return idOf(client.Scopes.GetByName(ctx, name))(func(s *apono.AccessScope) string { return s.ID })
	}},
	"spaces": {"/api/admin/v1/spaces", func(ctx context.Context, client *apono.Client, name string) (string, error) {
		return idOf(client.Spaces.GetByName(ctx, name))(func(s *apono.Space) string { return s.ID })
	}},
	"space scopes": {"/api/admin/v1/space-scopes", func(ctx context.Context, client *apono.Client, name string) (string, error) {
		return idOf(client.SpaceScopes.GetByName(ctx, name))(func(s *apono.SpaceScope) string { return s.ID })
	}},
}

// idOf is the id of an object that was got, empty and with the error if none
// was.
func idOf[T any](found *T, err error) func(func(*T) string) (string, error) {
	return func(id func(*T) string) (string, error) {
		switch {
		case err != nil && found != nil:
			return "", fmt.Errorf("an object beside the error %w", err)
		case err != nil:
			return "", err
		}
		return id(found), nil
	}
}

// namedPage is a page of objects with ids and names, as "id=name".
func namedPage(token string, objects ...string) script.Answer {
	items := make([]string, 0, len(objects))
	for _, object := range objects {
		id, name, _ := strings.Cut(object, "=")
		items = append(items, fmt.Sprintf(`{"id": %q, "name": %q}`, id, name))
	}
	return script.Answer{Body: fmt.Sprintf(`{"items": [%s], "pagination": {"next_page_token": %q}}`, strings.Join(items, ", "), token)}
}

// A name that finds the wrong object has a script change, or delete, what
// somebody else depends on.
func TestGetByName(t *testing.T) {
	t.Parallel()
	const (
		none      = "apono: no object has this name: not found"
		ambiguous = "apono: several objects have this name: use one of the ids "
	)
	for kind, list := range namedLists {
		for name, test := range map[string]struct {
			name  string
			pages []script.Answer
			query string
			want  string
			err   error
			text  string
		}{
			"the name":               {"prod", []script.Answer{namedPage("", "1=prod")}, "name=prod", "1", nil, ""},
			"another letter case":    {"PROD db", []script.Answer{namedPage("", "1=Prod DB")}, "name=PROD+db", "1", nil, ""},
			"letters of all kinds":   {"ÉTÉ ΣΑΣ", []script.Answer{namedPage("", "1=été σας")}, "name=%C3%89T%C3%89+%CE%A3%CE%91%CE%A3", "1", nil, ""},
			"none":                   {"prod", []script.Answer{namedPage("")}, "name=prod", "", apono.ErrNotFound, none},
			"a longer name":          {"prod", []script.Answer{namedPage("", "1=production", "2=my prod", "3=prod ")}, "name=prod", "", apono.ErrNotFound, none},
			"asterisk":               {"prod*", []script.Answer{namedPage("", "1=production", "2=prod*", "3=prod")}, "name=prod%2A", "2", nil, ""},
			"asterisk and no such":   {"*prod*", []script.Answer{namedPage("", "1=my production")}, "name=%2Aprod%2A", "", apono.ErrNotFound, none},
			"nothing but asterisk":   {"*", []script.Answer{namedPage("", "1=a", "2=*")}, "name=%2A", "2", nil, ""},
			"filter is ignored":      {"prod", []script.Answer{namedPage("", "1=a", "2=b", "3=prod", "4=c")}, "name=prod", "3", nil, ""},
			"several":                {"prod", []script.Answer{namedPage("", "7=prod", "3=other", "5=PROD")}, "name=prod", "", apono.ErrAmbiguous, ambiguous + "7, 5"},
			"on the last page":       {"prod", []script.Answer{namedPage("t1", "1=production"), namedPage("t2"), namedPage("", "2=prod")}, "name=prod", "2", nil, ""},
			"on the first page":      {"prod", []script.Answer{namedPage("t1", "1=prod"), namedPage("", "2=production")}, "name=prod", "1", nil, ""},
			"several on two pages":   {"prod", []script.Answer{namedPage("t1", "1=prod"), namedPage("", "2=Prod")}, "name=prod", "", apono.ErrAmbiguous, ambiguous + "1, 2"},
			"characters to escape":   {"a&b=c/d", []script.Answer{namedPage("", "1=a&b=c/d")}, "name=a%26b%3Dc%2Fd", "1", nil, ""},
			"an error":               {"prod", []script.Answer{{Status: 403}}, "name=prod", "", apono.ErrForbidden, "apono: GET " + list.path + ": 403 Forbidden"},
			"an error after a match": {"prod", []script.Answer{namedPage("t1", "1=prod"), {Status: 403}}, "name=prod", "", apono.ErrForbidden, "apono: GET " + list.path + ": 403 Forbidden"},
			"a page again":           {"prod", []script.Answer{namedPage("t1", "1=prod"), namedPage("t1")}, "name=prod", "", apono.ErrPageLoop, "apono: GET " + list.path + ": the server repeated a page token"},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				fake := script.New(t, test.pages...)
				id, err := list.get(t.Context(), newClient(t, fake), test.name)
				check.Equal(t, id, test.want)
				if test.err == nil {
					check.NoError(t, err)
				} else {
					check.ErrorIs(t, err, test.err)
					check.Equal(t, err.Error(), test.text)
				}
				for i, request := range fake.Requests() {
					query := test.query
					if i > 0 {
						query = fmt.Sprintf("page_token=t%d", i)
					}
					sent(t, request, "GET", list.path, query, "")
				}
			})
		}
		t.Run(kind+", no name", func(t *testing.T) {
			t.Parallel()
			_, err := list.get(t.Context(), newClient(t, noRequest(t)), "")
			check.Equal(t, *check.ErrorAs[*apono.ArgumentError](t, err), apono.ArgumentError{Arg: "name", Reason: "it is empty: it must name one object"})
		})
	}
}

// An object without a match, or with several, is not one that the server says is
// missing: a program that tells them apart must not be told both.
func TestErrorsOfGetByNameAreNotMixed(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, script.New(t, namedPage("", "1=a", "2=a"))).Groups.GetByName(t.Context(), "a")
	check.True(t, !errors.Is(err, apono.ErrNotFound), "no ErrNotFound, got %v", err)
	_, err = newClient(t, script.New(t, namedPage(""))).Groups.GetByName(t.Context(), "a")
	check.True(t, !errors.Is(err, apono.ErrAmbiguous), "no ErrAmbiguous, got %v", err)
	var refused *apono.APIError
	check.True(t, !errors.As(err, &refused), "no APIError, got %v", err)
}

// Against a server that takes asterisks for patterns, in small pages.
func TestGetByNameWithTheFake(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithPageSize(1), aponotest.WithoutNetwork())
	for i, name := range []string{"production", "prod*", "Prod", "staging", "twice", "TWICE"} {
		id := fmt.Sprint("id-", i)
		server.Put(aponotest.Integrations, apono.Integration{ID: id, Name: name, Type: "mysql"})
		server.Put(aponotest.Bundles, apono.Bundle{ID: id, Name: name})
		server.Put(aponotest.Groups, apono.Group{ID: id, Name: name})
		server.Put(aponotest.Scopes, apono.AccessScope{ID: id, Name: name})
		server.Put(aponotest.Spaces, apono.Space{ID: id, Name: name})
		server.Put(aponotest.SpaceScopes, apono.SpaceScope{ID: id, Name: name})
	}
	client := server.Client()
	for kind, list := range namedLists {
		for name, want := range map[string]string{"PROD*": "id-1", "prod": "id-2", "Staging": "id-3"} {
			id, err := list.get(t.Context(), client, name)
			check.NoError(t, err)
			check.True(t, id == want, "%s %s for %s, got %s", kind, want, name, id)
		}
		_, err := list.get(t.Context(), client, "Twice")
		check.ErrorIs(t, err, apono.ErrAmbiguous)
		check.Contains(t, err.Error(), "id-4, id-5")
		_, err = list.get(t.Context(), client, "*")
		check.ErrorIs(t, err, apono.ErrNotFound)
	}
}

func named(name string) func(*apono.Integration) bool {
	return func(i *apono.Integration) bool { return i.Name == name }
}

// First is for lists of thousands: what it reads beyond its find is time and
// load for nothing.
func TestFirstReadsNoFurther(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name  string
		pages []script.Answer
		want  string
	}{
		"on the first page":         {"a", []script.Answer{namedPage("t1", "1=a", "2=b")}, "1"},
		"the last of its page":      {"b", []script.Answer{namedPage("t1", "1=a", "2=b")}, "2"},
		"on the second page":        {"c", []script.Answer{namedPage("t1", "1=a", "2=b"), namedPage("t2", "3=c", "4=c")}, "3"},
		"after a page with nothing": {"c", []script.Answer{namedPage("t1"), namedPage("t2", "3=c")}, "3"},
		"before an error":           {"a", []script.Answer{namedPage("t1", "1=a")}, "1"},
		"on the only page":          {"b", []script.Answer{namedPage("", "1=a", "2=b")}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, test.pages...) // a request beyond these fails the test
			found, err := apono.First(newClient(t, fake).Integrations.ListAll(t.Context()), named(test.name))
			check.NoError(t, err)
			check.Equal(t, found.ID, test.want)
			check.Equal(t, len(fake.Requests()), len(test.pages))
			for i, request := range fake.Requests() {
				sent(t, request, "GET", "/api/admin/v4/integrations", []string{"", "page_token=t1"}[i], "")
			}
		})
	}
}

func TestFirstOfNoMatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pages []script.Answer
		err   error
		text  string
	}{
		"an empty list": {[]script.Answer{namedPage("")}, apono.ErrNotFound, "apono: no item of the list matches: not found"},
		"no match": {
			[]script.Answer{namedPage("t1", "1=a"), namedPage("", "2=b")}, apono.ErrNotFound, "apono: no item of the list matches: not found",
		},
		"an error": {
			[]script.Answer{{Status: 401}}, apono.ErrUnauthorized, "apono: GET /api/admin/v4/integrations: 401 Unauthorized",
		},
		"an error on the second page": {
			[]script.Answer{namedPage("t1", "1=a"), {Status: 403}}, apono.ErrForbidden, "apono: GET /api/admin/v4/integrations: 403 Forbidden",
		},
		"a page again": {
			[]script.Answer{namedPage("t1", "1=a"), namedPage("t1", "2=b")}, apono.ErrPageLoop,
			"apono: GET /api/admin/v4/integrations: the server repeated a page token",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, test.pages...)
			found, err := apono.First(newClient(t, fake).Integrations.ListAll(t.Context()), named("none"))
			check.True(t, found == nil, "no object, got %v", found)
			check.ErrorIs(t, err, test.err)
			check.Equal(t, err.Error(), test.text)
			check.Equal(t, len(fake.Requests()), len(test.pages))
		})
	}
}

// An error in the middle of a list may hide an earlier match of what comes
// later: it is handed on as it is, though an item came with it.
func TestFirstHandsErrorsOn(t *testing.T) {
	t.Parallel()
	seq := func(yield func(*apono.Integration, error) bool) {
		_ = yield(&apono.Integration{Name: "a"}, nil) && yield(&apono.Integration{Name: "b"}, errReset) && yield(&apono.Integration{Name: "b"}, nil)
	}
	found, err := apono.First(seq, named("b"))
	check.True(t, found == nil, "no object, got %v", found)
	check.True(t, err == errReset, "the error itself, got %v", err) //nolint:errorlint // it must not be wrapped
}

// Lists by offset and lists of names are lists too.
func TestFirstOfOtherLists(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutNetwork(), aponotest.WithOffsetPageSize(10))
	client := server.Client()
	entry, err := apono.First(client.Activity.ListAll(t.Context()), func(a *apono.ActivityEntry) bool { return *a.RequestID == "request-01-payments" })
	check.NoError(t, err)
	check.Equal(t, *entry.RequestorEmail, "chen.payments@example.com")
	check.Equal(t, len(server.Requests("Activity.List")), 2)
}
