package apono_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// Callers may request pages one by one, also in another process.
func TestListReturnsOnePageAndResumes(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.TokenPage("t2", "a", "b")},
		script.Response{Body: apitest.TokenPage("", "c")},
	)
	client := apitest.NewClient(t, fake)
	opts := apono.ListIntegrationsOptions{Name: "prod*", Limit: 2}
	page, err := client.Integrations.List(t.Context(), opts)
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Integration]{Items: []*apono.Integration{{ID: "a"}, {ID: "b"}}, NextPageToken: "t2"}, page)
	opts.PageToken = page.NextPageToken
	page, err = client.Integrations.List(t.Context(), opts)
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Integration]{Items: []*apono.Integration{{ID: "c"}}}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/admin/v4/integrations", "limit=2&name=prod%2A", "")
	apitest.Sent(t, fake.Requests()[1], "GET", "/api/admin/v4/integrations", "limit=2&page_token=t2", "")
}

// An iterator that keeps its position would start the second range at the last page.
func TestListAllStartsAgainWithEveryRange(t *testing.T) {
	t.Parallel()
	tokens := &apitest.Pager{Pages: map[string]string{"": apitest.TokenPage("t2", "a"), "t2": apitest.TokenPage("", "b")}}
	offsets := &apitest.Pager{Pages: map[string]string{"": apitest.OffsetPage(2, 1, 0, "a"), "1": apitest.OffsetPage(2, 1, 1, "b")}}
	integrations := tokens.Client(t, 0).Integrations.ListAll(t.Context())
	permissions := offsets.Client(t, 0).Integrations.ListAllPermissions(t.Context(), "i1")
	require.Zero(t, len(tokens.Requests())+len(offsets.Requests()))
	for range 2 {
		got, err := apitest.Drain(t, integrations, apitest.IntegrationID)
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, got)
		got, err = apitest.Drain(t, permissions, apitest.PermissionID)
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, got)
	}
	require.Equal(t, []string{"", "page_token=t2", "", "page_token=t2"}, tokens.Requests())
	require.Equal(t, []string{"", "skip=1", "", "skip=1"}, offsets.Requests())
}

func TestListAllSendsNothingAfterBreak(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.TokenPage("t2", "a", "b")},
		script.Response{Body: apitest.OffsetPage(4, 2, 0, "a", "b")},
	)
	client := apitest.NewClient(t, fake)
	for _, err := range client.Integrations.ListAll(t.Context()) {
		require.NoError(t, err)
		break
	}
	for permission, err := range client.Integrations.ListAllPermissions(t.Context(), "i1") {
		require.NoError(t, err)
		if permission.ID == "b" {
			break
		}
	}
	require.Len(t, fake.Requests(), 2)
}

// Options must stay unchanged, because they may be used again or by another goroutine.
func TestListOptionsAreNotModified(t *testing.T) {
	t.Parallel()
	p := &apitest.Pager{Pages: map[string]string{"": apitest.TokenPage("t2", "a"), "t2": apitest.TokenPage("", "b")}}
	client := p.Client(t, 0)
	opts := apono.ListIntegrationsOptions{Limit: 1, Type: []string{"", "postgresql"}, Status: []apono.IntegrationStatus{"ACTIVE", ""}}
	shared := client.Integrations.ListAll(t.Context(), opts)
	const goroutines = 16
	var running sync.WaitGroup
	for range goroutines {
		running.Go(func() {
			for _, seq := range []iter.Seq2[*apono.Integration, error]{shared, client.Integrations.ListAll(t.Context(), opts)} {
				if got, err := apitest.Names(seq, apitest.IntegrationID); err != nil || !slices.Equal(got, []string{"a", "b"}) {
					t.Errorf("got %v and error %v", got, err)
				}
			}
		})
	}
	running.Wait()
	require.Equal(t, apono.ListIntegrationsOptions{Limit: 1, Type: []string{"", "postgresql"}, Status: []apono.IntegrationStatus{"ACTIVE", ""}}, opts)
	counts := map[string]int{}
	for _, query := range p.Requests() {
		counts[query]++
	}
	require.Equal(t, map[string]int{
		"limit=1&status=ACTIVE&type=postgresql": 2 * goroutines,
		"limit=1&page_token=t2":                 2 * goroutines,
	}, counts)
}

// An empty string in a filter, such as an unset variable, would select nothing.
func TestFiltersAreSentWithoutEmptyStrings(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.TokenPage("")}, script.Response{Body: apitest.TokenPage("")})
	client := apitest.NewClient(t, fake)
	for _, opts := range []apono.ListIntegrationsOptions{
		{Type: []string{"aws-account", "", "gcp & co"}, Status: []apono.IntegrationStatus{"ERROR", "ACTIVE"}},
		{Type: []string{""}, Status: []apono.IntegrationStatus{}, Category: []apono.IntegrationCategory{"", ""}},
	} {
		_, err := client.Integrations.List(t.Context(), opts)
		require.NoError(t, err)
	}
	require.Equal(t, "status=ERROR&status=ACTIVE&type=aws-account&type=gcp+%26+co", fake.Requests()[0].Query)
	require.Empty(t, fake.Requests()[1].Query)
}

func TestListRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	type integrations = apono.ListIntegrationsOptions
	type permissions = apono.ListPermissionsOptions
	client := apitest.NewClient(t, apitest.NoRequest(t)).Integrations
	byToken := func(opts ...integrations) [2]error {
		_, listErr := client.List(t.Context(), opts...)
		_, allErr := apitest.Drain(t, client.ListAll(t.Context(), opts...), apitest.IntegrationID)
		return [2]error{listErr, allErr}
	}
	byOffset := func(id string, opts ...permissions) [2]error {
		_, listErr := client.ListPermissions(t.Context(), id, opts...)
		_, allErr := apitest.Drain(t, client.ListAllPermissions(t.Context(), id, opts...), apitest.PermissionID)
		return [2]error{listErr, allErr}
	}
	const outOfRange = ": must be 0 (not set) to 2147483647"
	beyond := math.MaxInt32
	beyond++ // negative on platforms with 32-bit int, which is also out of range
	for _, c := range []struct {
		name string
		errs [2]error
		want string
	}{
		{"two values", byToken(integrations{}, integrations{}), "apono: argument opts: must be one value at most, not 2"},
		{"two values, by offset", byOffset("i1", permissions{}, permissions{}), "apono: argument opts: must be one value at most, not 2"},
		{"negative Limit", byToken(integrations{Limit: -1}), "apono: argument Limit" + outOfRange},
		{"Limit beyond int32", byToken(integrations{Limit: beyond}), "apono: argument Limit" + outOfRange},
		{"Limit with a page token", byToken(integrations{Limit: -1, PageToken: "t2"}), "apono: argument Limit" + outOfRange},
		{"negative Limit, by offset", byOffset("i1", permissions{Limit: -5}), "apono: argument Limit" + outOfRange},
		{"negative Skip", byOffset("i1", permissions{Skip: -1}), "apono: argument Skip" + outOfRange},
		{"Skip beyond int32", byOffset("i1", permissions{Skip: beyond}), "apono: argument Skip" + outOfRange},
		{"empty id", byOffset(""), "apono: argument id: must not be empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, err := range c.errs {
				require.ErrorAs(t, err, new(*apono.ArgumentError))
				require.EqualError(t, err, c.want)
			}
		})
	}
}

// The API adds states and fields without notice.
func TestPagesOfNewerAPIAreDecoded(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"items": [
			{"id": "a", "name": "one", "type": "quantum-db", "category": "MAINFRAME", "status": "HIBERNATING", "color": {"r": 1},
				"integration_config": {}, "owner": {"attribute_type": "team", "attribute_value": ["x"], "since": 7}},
			{"id": "b"}
		],
		"pagination": {"next_page_token": "", "total": 3},
		"trace": "abc"
	}`})
	got, err := apono.Collect(apitest.NewClient(t, fake).Integrations.ListAll(t.Context()))
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, apono.IntegrationCategory("MAINFRAME"), got[0].Category)
	require.Equal(t, apono.IntegrationStatus("HIBERNATING"), got[0].Status)
	require.Equal(t, "quantum-db", got[0].Type)
	require.Equal(t, &apono.Owner{
		AttributeType: "team", AttributeValue: []string{"x"}, Extra: apono.Extra{"since": json.RawMessage("7")},
	}, got[0].Owner)
	require.Equal(t, apono.Extra{"color": json.RawMessage(`{"r": 1}`)}, got[0].Extra)
	require.Equal(t, []*apono.Integration{{ID: "b"}}, got[1:])
}

func TestCollect(t *testing.T) {
	t.Parallel()
	p := &apitest.Pager{Pages: map[string]string{"": apitest.TokenPage("t2", "a", "b"), "t2": apitest.TokenPage("t3", "c"), "end": apitest.TokenPage("")}}
	client := p.Client(t, 0).Integrations
	items, err := apono.Collect(client.ListAll(t.Context()))
	require.Equal(t, []*apono.Integration{{ID: "a"}, {ID: "b"}, {ID: "c"}}, items)
	require.ErrorIs(t, err, apono.ErrForbidden)
	p.Pages["t3"] = apitest.TokenPage("", "d")
	items, err = apono.Collect(client.ListAll(t.Context()))
	require.Equal(t, []*apono.Integration{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}}, items)
	require.NoError(t, err)
	items, err = apono.Collect(client.ListAll(t.Context(), apono.ListIntegrationsOptions{PageToken: "end"}))
	require.Equal(t, []*apono.Integration{}, items)
	require.NoError(t, err)
}

func TestListPermissionsReturnsOnePage(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.OffsetPage(9, 2, 4, "e", "f")})
	page, err := apitest.NewClient(t, fake).Integrations.ListPermissions(t.Context(), "i1", apono.ListPermissionsOptions{Skip: 4, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.Permission]{Items: []*apono.Permission{{ID: "e"}, {ID: "f"}}, Total: 9, Limit: 2, Offset: 4}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/i1/permissions", "limit=2&skip=4", "")
}

// namedLists are the lists with a GetByName method.
var namedLists = map[string]struct {
	path string
	get  func(context.Context, *apono.Client, string) (id string, err error)
}{
	"integrations": {"/api/admin/v4/integrations", func(ctx context.Context, client *apono.Client, name string) (string, error) {
		return idOf(client.Integrations.GetByName(ctx, name))(apitest.IntegrationID)
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

// idOf returns the id of an object, or the error and an empty id.
func idOf[T any](found *T, err error) func(func(*T) string) (string, error) {
	return func(id func(*T) string) (string, error) {
		switch {
		case err != nil && found != nil:
			return "", fmt.Errorf("expected no object with the error %w", err)
		case err != nil:
			return "", err
		}
		return id(found), nil
	}
}

// namedPage returns a page of objects, each given as "id=name".
func namedPage(token string, objects ...string) script.Response {
	items := make([]string, 0, len(objects))
	for _, object := range objects {
		id, name, _ := strings.Cut(object, "=")
		items = append(items, fmt.Sprintf(`{"id": %q, "name": %q}`, id, name))
	}
	return script.Response{Body: fmt.Sprintf(`{"items": [%s], "pagination": {"next_page_token": %q}}`, strings.Join(items, ", "), token)}
}

// GetByName must not return an object with a similar name, which a script might then
// change or delete.
func TestGetByName(t *testing.T) {
	t.Parallel()
	none := func(name string) string { return fmt.Sprintf("apono: no object has the name %q: not found", name) }
	const ambiguous = "apono: several objects have this name: use one of the IDs "
	for kind, list := range namedLists {
		for name, test := range map[string]struct {
			name  string
			pages []script.Response
			query string
			want  string
			err   error
			text  string
		}{
			"same name":                 {"prod", []script.Response{namedPage("", "1=prod")}, "name=prod", "1", nil, ""},
			"different case":            {"PROD db", []script.Response{namedPage("", "1=Prod DB")}, "name=PROD+db", "1", nil, ""},
			"case of non-ASCII letters": {"ÉTÉ ΣΑΣ", []script.Response{namedPage("", "1=été σας")}, "name=%C3%89T%C3%89+%CE%A3%CE%91%CE%A3", "1", nil, ""},
			"none":                      {"prod", []script.Response{namedPage("")}, "name=prod", "", apono.ErrNotFound, none("prod")},
			"a longer name":             {"prod", []script.Response{namedPage("", "1=production", "2=my prod", "3=prod ")}, "name=prod", "", apono.ErrNotFound, none("prod")},
			"asterisk":                  {"prod*", []script.Response{namedPage("", "1=production", "2=prod*", "3=prod")}, "name=prod%2A", "2", nil, ""},
			"asterisk without a match":  {"*prod*", []script.Response{namedPage("", "1=my production")}, "name=%2Aprod%2A", "", apono.ErrNotFound, none("*prod*")},
			"only an asterisk":          {"*", []script.Response{namedPage("", "1=a", "2=*")}, "name=%2A", "2", nil, ""},
			"filter is ignored":         {"prod", []script.Response{namedPage("", "1=a", "2=b", "3=prod", "4=c")}, "name=prod", "3", nil, ""},
			"several":                   {"prod", []script.Response{namedPage("", "7=Prod", "3=other", "5=PROD")}, "name=prod", "", apono.ErrAmbiguous, ambiguous + "7, 5"},
			"on the last page":          {"prod", []script.Response{namedPage("t1", "1=production"), namedPage("t2"), namedPage("", "2=prod")}, "name=prod", "2", nil, ""},
			"on the first page":         {"prod", []script.Response{namedPage("t1", "1=prod"), namedPage("", "2=production")}, "name=prod", "1", nil, ""},
			"several on two pages":      {"prod", []script.Response{namedPage("t1", "1=prod"), namedPage("", "2=prod")}, "name=prod", "", apono.ErrAmbiguous, ambiguous + "1, 2"},
			"characters to escape":      {"a&b=c/d", []script.Response{namedPage("", "1=a&b=c/d")}, "name=a%26b%3Dc%2Fd", "1", nil, ""},
			"an error":                  {"prod", []script.Response{{Status: 403}}, "name=prod", "", apono.ErrForbidden, "apono: GET " + list.path + ": 403 Forbidden"},
			"an error after a match":    {"prod", []script.Response{namedPage("t1", "1=prod"), {Status: 403}}, "name=prod", "", apono.ErrForbidden, "apono: GET " + list.path + ": 403 Forbidden"},
			"a page token seen before":  {"prod", []script.Response{namedPage("t1", "1=prod"), namedPage("t1")}, "name=prod", "", apono.ErrPageLoop, "apono: GET " + list.path + ": the server returned the same page token twice"},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				fake := script.New(t, test.pages...)
				id, err := list.get(t.Context(), apitest.NewClient(t, fake), test.name)
				require.Equal(t, test.want, id)
				if test.err == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, test.err)
					require.EqualError(t, err, test.text)
				}
				for i, request := range fake.Requests() {
					query := test.query
					if i > 0 {
						query = fmt.Sprintf("page_token=t%d", i)
					}
					apitest.Sent(t, request, "GET", list.path, query, "")
				}
			})
		}
		t.Run(kind+", no name", func(t *testing.T) {
			t.Parallel()
			_, err := list.get(t.Context(), apitest.NewClient(t, apitest.NoRequest(t)), "")
			require.Equal(t, apono.ArgumentError{Arg: "name", Reason: "must not be empty"}, *apitest.ErrorAs[*apono.ArgumentError](t, err))
		})
	}
}

// Neither ErrNotFound nor ErrAmbiguous of GetByName matches the other or is an APIError.
func TestGetByNameErrorsAreDistinct(t *testing.T) {
	t.Parallel()
	_, err := apitest.NewClient(t, script.New(t, namedPage("", "1=a", "2=a"))).Groups.GetByName(t.Context(), "a")
	require.NotErrorIs(t, err, apono.ErrNotFound, "no ErrNotFound")
	_, err = apitest.NewClient(t, script.New(t, namedPage(""))).Groups.GetByName(t.Context(), "a")
	require.NotErrorIs(t, err, apono.ErrAmbiguous, "no ErrAmbiguous")
	var rejected *apono.APIError
	require.NotErrorAs(t, err, &rejected, "the error must not be an APIError")
}

// The fake server takes asterisks as wildcards, and its pages are small.
func TestGetByNameWithFakeServer(t *testing.T) {
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
			require.NoError(t, err)
			require.Equalf(t, want, id, "%s %s for %s", kind, want, name)
		}
		_, err := list.get(t.Context(), client, "Twice")
		require.ErrorIs(t, err, apono.ErrAmbiguous)
		require.ErrorContains(t, err, "id-4, id-5")
		_, err = list.get(t.Context(), client, "*")
		require.ErrorIs(t, err, apono.ErrNotFound)
	}
}

func named(name string) func(*apono.Integration) bool {
	return func(i *apono.Integration) bool { return i.Name == name }
}

func TestFirstReadsNoFurther(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name  string
		pages []script.Response
		want  string
	}{
		"on the first page":   {"a", []script.Response{namedPage("t1", "1=a", "2=b")}, "1"},
		"last on its page":    {"b", []script.Response{namedPage("t1", "1=a", "2=b")}, "2"},
		"on the second page":  {"c", []script.Response{namedPage("t1", "1=a", "2=b"), namedPage("t2", "3=c", "4=c")}, "3"},
		"after an empty page": {"c", []script.Response{namedPage("t1"), namedPage("t2", "3=c")}, "3"},
		"before an error":     {"a", []script.Response{namedPage("t1", "1=a")}, "1"},
		"on the only page":    {"b", []script.Response{namedPage("", "1=a", "2=b")}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, test.pages...) // more requests would fail the test
			found, err := apono.First(apitest.NewClient(t, fake).Integrations.ListAll(t.Context()), named(test.name))
			require.NoError(t, err)
			require.Equal(t, test.want, found.ID)
			require.Len(t, fake.Requests(), len(test.pages))
			for i, request := range fake.Requests() {
				apitest.Sent(t, request, "GET", "/api/admin/v4/integrations", []string{"", "page_token=t1"}[i], "")
			}
		})
	}
}

func TestFirstWithoutMatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pages []script.Response
		err   error
		text  string
	}{
		"an empty list": {[]script.Response{namedPage("")}, apono.ErrNotFound, "apono: no item of the list matches: not found"},
		"no match": {
			[]script.Response{namedPage("t1", "1=a"), namedPage("", "2=b")}, apono.ErrNotFound, "apono: no item of the list matches: not found",
		},
		"an error": {
			[]script.Response{{Status: 401}}, apono.ErrUnauthorized, "apono: GET /api/admin/v4/integrations: 401 Unauthorized",
		},
		"an error on the second page": {
			[]script.Response{namedPage("t1", "1=a"), {Status: 403}}, apono.ErrForbidden, "apono: GET /api/admin/v4/integrations: 403 Forbidden",
		},
		"a page token seen before": {
			[]script.Response{namedPage("t1", "1=a"), namedPage("t1", "2=b")}, apono.ErrPageLoop,
			"apono: GET /api/admin/v4/integrations: the server returned the same page token twice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, test.pages...)
			found, err := apono.First(apitest.NewClient(t, fake).Integrations.ListAll(t.Context()), named("none"))
			require.Nil(t, found, "no object")
			require.ErrorIs(t, err, test.err)
			require.EqualError(t, err, test.text)
			require.Len(t, fake.Requests(), len(test.pages))
		})
	}
}

// An error before a match is returned unchanged, even if it comes with an item.
func TestFirstReturnsErrorOfList(t *testing.T) {
	t.Parallel()
	seq := func(yield func(*apono.Integration, error) bool) {
		_ = yield(&apono.Integration{Name: "a"}, nil) && yield(&apono.Integration{Name: "b"}, apitest.ErrReset) && yield(&apono.Integration{Name: "b"}, nil)
	}
	found, err := apono.First(seq, named("b"))
	require.Nil(t, found, "no object")
	require.Truef(t, err == apitest.ErrReset, "the error must be returned unchanged, got %v", err) //nolint:errorlint // //nolint:errorlint // must not be wrapped
}

// First also works with lists by offset and lists of names.
func TestFirstOfOtherLists(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutNetwork(), aponotest.WithOffsetPageSize(10))
	client := server.Client()
	entry, err := apono.First(client.Activity.ListAll(t.Context()), func(a *apono.ActivityEntry) bool { return *a.RequestID == "request-01-payments" })
	require.NoError(t, err)
	require.Equal(t, "chen.payments@example.com", *entry.RequestorEmail)
	require.Len(t, server.Requests("Activity.List"), 2)
}

// pageCount describes the pages of a list.
func pageCount[T any](pages iter.Seq2[*apono.Page[T], error]) string {
	text := ""
	for page, err := range pages {
		if err != nil {
			return text + err.Error()
		}
		text += fmt.Sprintf("%d %q ", len(page.Items), page.NextPageToken)
	}
	return text
}

// Pages accepts the options of every list with page tokens.
func TestPagesAcceptsEveryListWithTokens(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const item = `{"id":"x","type":"x","email":"x","identity_id":"x","resource":{"id":"x"}}`
	pages := &apitest.Pager{Pages: map[string]string{
		"": `{"items":[` + item + `,` + item + `],"pagination":{"next_page_token":"t1"}}`, "t1": `{"items":[` + item + `],"pagination":{}}`,
	}}
	c := pages.Client(t, 0)
	all := map[string]string{
		"AccessFlows.List":    pageCount(apono.Pages(ctx, c.AccessFlows.List)),
		"AccessRequests.List": pageCount(apono.Pages(ctx, c.AccessRequests.List)),
		"AccessRequests.ListEntitlements": pageCount(apono.Pages(ctx, func(ctx context.Context, o ...apono.ListAccessRequestEntitlementsOptions) (*apono.Page[apono.AccessRequestEntitlement], error) {
			return c.AccessRequests.ListEntitlements(ctx, "id-1", o...)
		})),
		"Attributes.List":                  pageCount(apono.Pages(ctx, c.Attributes.List)),
		"AvailableAccess.ListBundles":      pageCount(apono.Pages(ctx, c.AvailableAccess.ListBundles)),
		"AvailableAccess.ListEntitlements": pageCount(apono.Pages(ctx, c.AvailableAccess.ListEntitlements)),
		"Bundles.List":                     pageCount(apono.Pages(ctx, c.Bundles.List)),
		"Connectors.List":                  pageCount(apono.Pages(ctx, c.Connectors.List)),
		"DelegatedRequests.List":           pageCount(apono.Pages(ctx, c.DelegatedRequests.List)),
		"Groups.List":                      pageCount(apono.Pages(ctx, c.Groups.List)),
		"Groups.ListMembers": pageCount(apono.Pages(ctx, func(ctx context.Context, o ...apono.ListGroupMembersOptions) (*apono.Page[apono.GroupMember], error) {
			return c.Groups.ListMembers(ctx, "id-1", o...)
		})),
		"Integrations.List": pageCount(apono.Pages(ctx, c.Integrations.List)),
		"Reports.List":      pageCount(apono.Pages(ctx, c.Reports.List)),
		"Scopes.List":       pageCount(apono.Pages(ctx, c.Scopes.List)),
		"Sessions.List":     pageCount(apono.Pages(ctx, c.Sessions.List)),
		"Spaces.List":       pageCount(apono.Pages(ctx, c.Spaces.List)),
		"Spaces.ListMembers": pageCount(apono.Pages(ctx, func(ctx context.Context, o ...apono.ListSpaceMembersOptions) (*apono.Page[apono.SpaceMember], error) {
			return c.Spaces.ListMembers(ctx, "id-1", o...)
		})),
		"SpaceScopes.List": pageCount(apono.Pages(ctx, c.SpaceScopes.List)),
		"Users.List":       pageCount(apono.Pages(ctx, c.Users.List)),
	}
	for name, got := range all {
		require.Equal(t, `2 "t1" 1 "" `, got, name)
	}
	var expected []string
	for service, value := range reflect.ValueOf(c).Elem().Fields() {
		if !service.IsExported() || service.Name == "Legacy" {
			continue
		}
		for method := range value.Type().Methods() {
			if returns := method.Type; strings.HasPrefix(method.Name, "List") && returns.NumOut() == 2 && strings.HasPrefix(returns.Out(0).String(), "*apono.Page[") {
				expected = append(expected, service.Name+"."+method.Name)
			}
		}
	}
	require.ElementsMatch(t, expected, slices.Collect(maps.Keys(all)))
}

// A resumed list reads the pages after the token, with the same page size and without
// filters.
func TestPagesResumes(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.TokenPage("t1", "a")}, script.Response{Body: apitest.TokenPage("t2")}, script.Response{Status: 403},
		script.Response{Body: apitest.TokenPage("", "c")},
	)
	client := apitest.NewClient(t, fake)
	options := apono.ListIntegrationsOptions{Limit: 7, Name: "prod*"}
	var last error
	for page, err := range apono.Pages(t.Context(), client.Integrations.List, options) {
		require.NoError(t, last, "the error must be last")
		require.Equal(t, err != nil, page == nil)
		last = err
	}
	stopped := apitest.ErrorAs[*apono.PageError](t, last)
	require.ErrorIs(t, last, apono.ErrForbidden)
	require.Equal(t, "t2", stopped.NextPageToken)

	options.PageToken = stopped.NextPageToken
	require.Equal(t, `1 "" `, pageCount(apono.Pages(t.Context(), client.Integrations.List, options)))
	var queries []string
	for _, req := range fake.Requests() {
		queries = append(queries, req.Query)
	}
	require.Equal(t, []string{"limit=7&name=prod%2A", "limit=7&page_token=t1", "limit=7&page_token=t2", "limit=7&page_token=t2"}, queries)
}

func TestPagesEndsEndlessLists(t *testing.T) {
	t.Parallel()
	options := apono.ListIntegrationsOptions{PageToken: "t0"}
	for name, pages := range map[string]map[string]string{
		"the next":  {"": apitest.TokenPage("t1", "a"), "t1": apitest.TokenPage("t1", "b")},
		"the first": {"": apitest.TokenPage("t1", "a"), "t1": apitest.TokenPage("t2", "b"), "t2": apitest.TokenPage("t1", "c")},
	} {
		read := 0
		var last error
		for _, err := range apono.Pages(t.Context(), (&apitest.Pager{Pages: pages}).Client(t, 0).Integrations.List) {
			if last = err; err == nil {
				read++
			}
		}
		require.ErrorIs(t, last, apono.ErrPageLoop, name)
		require.Equal(t, len(pages), read)
	}
	back := &apitest.Pager{Pages: map[string]string{"t0": apitest.TokenPage("t0", "a")}}
	require.Equal(t, `1 "t0" apono: the server returned the same page token twice`, pageCount(apono.Pages(t.Context(), back.Client(t, 0).Integrations.List, options)))

	var last error
	for _, err := range apono.Pages(t.Context(), emptyPages().Client(t, 0).Integrations.List) {
		last = err
	}
	require.ErrorIs(t, last, apono.ErrEmptyPages)
	require.Equal(t, "t10000", apitest.ErrorAs[*apono.PageError](t, last).NextPageToken)
}

func TestPagesStopsAndRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, script.New(t, script.Response{Body: apitest.TokenPage("t1", "a")}))
	for _, err := range apono.Pages(t.Context(), client.Integrations.List) {
		require.NoError(t, err)
		break
	}
	for _, err := range apono.Pages(t.Context(), client.Integrations.List, apono.ListIntegrationsOptions{}, apono.ListIntegrationsOptions{}) {
		require.ErrorAs(t, err, new(*apono.ArgumentError))
	}
	var none func(context.Context, ...apono.ListUsersOptions) (*apono.Page[apono.User], error)
	for _, err := range apono.Pages(t.Context(), none) {
		require.ErrorAs(t, err, new(*apono.ArgumentError))
	}
	rejects := func(_ *apono.Page[apono.Integration], err error) bool {
		require.Equal(t, "opts", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
		return false
	}
	apono.Pages(t.Context(), func(context.Context, ...struct{ PageToken int }) (*apono.Page[apono.Integration], error) {
		panic("the list must not be called")
	})(rejects)
	apono.Pages(t.Context(), func(context.Context, ...string) (*apono.Page[apono.Integration], error) {
		panic("the list must not be called")
	})(rejects)
}

// An exact match takes precedence over case-insensitive ones.
func TestGetByNamePrefersExactName(t *testing.T) {
	t.Parallel()
	bundles := func(names ...string) script.Response {
		var items []string
		for i, name := range names {
			items = append(items, fmt.Sprintf(`{"id":"b%d","name":%q}`, i, name))
		}
		return script.Response{Body: `{"items":[` + strings.Join(items, ",") + `],"pagination":{}}`}
	}
	for name, test := range map[string]struct {
		names []string
		id    string
		text  string
	}{
		"exact and similar": {[]string{"Orders", "orders", "ORDERS"}, "b1", ""},
		"one similar":       {[]string{"Orders"}, "b0", ""},
		"several similar":   {[]string{"Orders", "ORDERS"}, "", "apono: several objects have this name: use one of the IDs b0, b1"},
		"several exact":     {[]string{"orders", "Orders", "orders"}, "", "apono: several objects have this name: use one of the IDs b0, b2"},
		"none":              {[]string{"orders-2"}, "", `apono: no object has the name "orders": not found`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := apitest.NewClient(t, script.New(t, bundles(test.names...))).Bundles.GetByName(t.Context(), "orders")
			if test.text != "" {
				require.EqualError(t, err, test.text)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.id, got.ID)
		})
	}
}

func TestReadAheadRequestsOneTokenPage(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for readAhead, want := range map[int][]time.Duration{
		// The requests and the end of the loop.
		0: {0, 11 * s, 17 * s, 23 * s},
		1: {0, 1 * s, 11 * s, 21 * s},
		4: {0, 1 * s, 11 * s, 21 * s},
	} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &apitest.Pager{
					Pages: map[string]string{"": apitest.TokenPage("t2", "a", "b"), "t2": apitest.TokenPage("t3", "c"), "t3": apitest.TokenPage("", "d")},
					Delay: func(string) time.Duration { return s },
				}
				start := time.Now()
				got, err := apitest.Drain(t, p.Client(t, readAhead).Integrations.ListAll(t.Context()), func(i *apono.Integration) string {
					time.Sleep(5 * s)
					return i.ID
				})
				require.NoError(t, err)
				require.Equal(t, []string{"a", "b", "c", "d"}, got)
				var times []time.Duration
				for _, at := range append(p.Times, time.Now()) {
					times = append(times, at.Sub(start))
				}
				require.Equal(t, want, times)
			})
		})
	}
}

// A canceled list must not look complete, even if all pages were received.
func TestReadAheadListEndsWithErrorOfContext(t *testing.T) {
	t.Parallel()
	for style, list := range map[string]struct {
		pages map[string]string
		loop  func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error
	}{
		"token": {
			map[string]string{"": apitest.TokenPage("t2", "a"), "t2": apitest.TokenPage("", "b")},
			func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
				return loop(s.ListAll(ctx), more)
			},
		},
		"offset": {
			map[string]string{"": apitest.OffsetPage(2, 1, 0, "a"), "1": apitest.OffsetPage(2, 1, 1, "b")},
			func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
				return loop(s.ListAllPermissions(ctx, "i1"), more)
			},
		},
	} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &apitest.Pager{Pages: list.pages}
				ctx, cancel := context.WithCancel(t.Context())
				items := 0
				err := list.loop(ctx, p.Client(t, 1).Integrations, func() bool {
					items++
					synctest.Wait()
					require.Len(t, p.Requests(), 2)
					require.Zero(t, p.UnderWay())
					cancel()
					return true
				})
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorAs(t, err, new(*apono.TransportError))
				require.Equal(t, 1, items)
			})
		})
	}
}

func TestReadAheadRequestsOneOffsetPage(t *testing.T) {
	t.Parallel()
	for readAhead, took := range map[int]time.Duration{0: 10 * time.Second, 1: 6 * time.Second} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &apitest.Pager{
					Serve: func(at string) string {
						skip, _ := strconv.Atoi(at)
						return apitest.OffsetPage(5, 1, skip, strconv.Itoa(skip))
					},
					Delay: func(string) time.Duration { return time.Second },
				}
				start := time.Now()
				got, err := apitest.Drain(t, p.Client(t, readAhead).Integrations.ListAllPermissions(t.Context(), "i1"), func(p *apono.Permission) string {
					time.Sleep(time.Second)
					return p.ID
				})
				require.NoError(t, err)
				require.Equal(t, []string{"0", "1", "2", "3", "4"}, got)
				require.Len(t, p.Requests(), 5)
				require.Equal(t, 1, p.Most)
				require.Equal(t, took, time.Since(start))
			})
		})
	}
}

// The pages before a failed one must be yielded first.
func TestReadAheadReportsFailureInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &apitest.Pager{
			Pages: map[string]string{"": apitest.OffsetPage(4, 1, 0, "a"), "1": apitest.OffsetPage(4, 1, 1, "b"), "3": apitest.OffsetPage(4, 1, 3, "d")},
			Delay: func(at string) time.Duration {
				if at == "1" {
					return 10 * time.Second
				}
				return 0
			},
		}
		got, err := apitest.Drain(t, p.Client(t, 3).Integrations.ListAllPermissions(t.Context(), "i1"), apitest.PermissionID)
		require.Equal(t, []string{"a", "b"}, got)
		require.ErrorIs(t, err, apono.ErrForbidden)
	})
}

// loop ranges over a list until an error or until more returns false, and recovers from
// panics.
func loop[T any](seq iter.Seq2[*T, error], more func() bool) (err error) {
	defer func() { _ = recover() }()
	for _, err = range seq {
		if err != nil || !more() {
			return err
		}
	}
	return err
}

// Requests and goroutines must end with the loop. A goroutine that remains in the bubble
// fails the test.
func TestReadAheadEndsWithLoop(t *testing.T) {
	t.Parallel()
	later := func(at string) bool { return at != "" }
	for style, list := range map[string]struct {
		first string
		loop  func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error
	}{
		"token": {apitest.TokenPage("t2", "a"), func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
			return loop(s.ListAll(ctx), more)
		}},
		"offset": {apitest.OffsetPage(5, 1, 0, "a"), func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
			return loop(s.ListAllPermissions(ctx, "i1"), more)
		}},
	} {
		for _, c := range []struct {
			name string
			// more is called with the first item. The loop ends if it returns false.
			more func(cancel func()) bool
			held func(at string) bool
			err  error
		}{
			{name: "break", more: func(func()) bool { return false }, held: later},
			{name: "panic", more: func(func()) bool { panic("in the loop") }, held: later},
			{name: "cancel", more: func(cancel func()) bool { cancel(); return true }, held: later, err: context.Canceled},
			{
				name: "error", more: func(func()) bool { return true },
				held: func(at string) bool { return at == "2" || at == "3" }, err: apono.ErrForbidden,
			},
		} {
			t.Run(style+", "+c.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := &apitest.Pager{Pages: map[string]string{"": list.first}, Held: c.held}
					start := time.Now()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					err := list.loop(ctx, p.Client(t, 3).Integrations, func() bool {
						synctest.Wait() // until the pages ahead are requested
						return c.more(cancel)
					})
					require.ErrorIs(t, err, c.err)
					require.Zero(t, p.UnderWay())
					// A held request that is not canceled ends with its timeout.
					require.LessOrEqualf(t, time.Since(start), time.Second, "the loop must end immediately, took %s", time.Since(start))
					require.Greaterf(t, len(p.Requests()), 1, "expected requests for later pages, got %v", p.Requests())
				})
			})
		}
	}
}
