package apono_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

// muxClient returns a client of a server that routes like net/http, and the values of
// {id} that it received.
func muxClient(tb testing.TB) (client *apono.Client, ids chan string) {
	tb.Helper()
	ids = make(chan string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/admin/v4/integrations/{id}", func(w http.ResponseWriter, r *http.Request) {
		ids <- r.PathValue("id")
		_, _ = io.WriteString(w, apitest.OneIntegration)
	})
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	client, err := apono.NewClient(apitest.Token, apono.WithBaseURL(server.URL), apono.WithHTTPClient(server.Client()))
	require.NoError(tb, err)
	return client, ids
}

// An id with a slash or a question mark must not address something else.
func TestPathArgumentIsSentAsOneSegment(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"i-1", "a/b", "//", "a?b", "a?b=c&d", "a#f", "%2F", "%2f..%2f", "%", "%zz", "a b", " ", "a+b", "x@y.z", "ü", "日本",
		"..x", "...", "../x", "x/..", "a%2e", "%2e%2e", "a;b", "a,b", "a:b", "a=b&c", "{id}", "a\\b", "~", "\xff", strings.Repeat("long", 500),
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			client, ids := muxClient(t)
			_, err := client.Integrations.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, id, <-ids)
		})
	}
}

// An empty id would address the collection, and dots a parent of it.
func TestInvalidPathArgumentIsArgumentError(t *testing.T) {
	t.Parallel()
	for id, reason := range map[string]string{
		"": "empty", ".": "another path", "..": "another path", "i-1\n": "control character", "i\x00": "control character",
		"\x7f": "control character", "\u0085": "control character",
	} {
		calls := map[string]func(context.Context, *apono.Client) error{
			"Get":    func(ctx context.Context, c *apono.Client) error { _, err := c.Integrations.Get(ctx, id); return err },
			"Delete": func(ctx context.Context, c *apono.Client) error { return c.Integrations.Delete(ctx, id) },
			"Update": func(ctx context.Context, c *apono.Client) error {
				_, err := c.Integrations.Update(ctx, id, apono.UpdateIntegrationInput{})
				return err
			},
			"ListResources": func(ctx context.Context, c *apono.Client) error {
				_, err := c.Integrations.ListResources(ctx, id)
				return err
			},
			"ListAllResources": func(ctx context.Context, c *apono.Client) error {
				_, err := apono.Collect(c.Integrations.ListAllResources(ctx, id))
				return err
			},
		}
		for name, call := range calls {
			t.Run(fmt.Sprintf("%s of %q", name, id), func(t *testing.T) {
				t.Parallel()
				rejected := apitest.ErrorAs[*apono.ArgumentError](t, call(t.Context(), apitest.NewClient(t, apitest.NoRequest(t))))
				require.Equal(t, "id", rejected.Arg)
				require.Contains(t, rejected.Reason, reason)
			})
		}
	}
}

// Every text is either rejected or sent unchanged.
func FuzzPathArgument(f *testing.F) {
	for _, id := range []string{"i-1", "", ".", "..", "...", "a/b", "a?b", "a#f", "%2F", "%2e%2e", "a b", "a+b", "ü", "\n", "\x00", "\xff", "\u0085", "\\"} {
		f.Add(id)
	}
	client, ids := muxClient(f)
	f.Fuzz(func(t *testing.T, id string) {
		if id == "/" {
			t.Skip("the router of net/http takes a trailing segment %2F as a trailing slash")
		}
		_, err := client.Integrations.Get(t.Context(), id)
		if id == "" || id == "." || id == ".." || strings.ContainsFunc(id, unicode.IsControl) {
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			require.Empty(t, ids)
			return
		}
		require.NoError(t, err)
		require.Equal(t, id, <-ids)
	})
}

// The path always has eight segments, and two of them are the arguments. Otherwise the
// removal of a member could become that of a group.
func FuzzPathArguments(f *testing.F) {
	f.Add("g-1", "ann@example.com")
	var target string
	var values [2]string
	mux := http.NewServeMux()
	mux.HandleFunc("DELETE /api/admin/v1/groups/{id}/members/{email}", func(w http.ResponseWriter, r *http.Request) {
		values = [2]string{r.PathValue("id"), r.PathValue("email")}
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target = r.RequestURI
		mux.ServeHTTP(w, r)
	}))
	f.Cleanup(server.Close)
	client, err := apono.NewClient(apitest.Token, apono.WithBaseURL(server.URL), apono.WithHTTPClient(server.Client()))
	require.NoError(f, err)
	invalid := func(text string) bool {
		return text == "" || text == "." || text == ".." || strings.ContainsFunc(text, unicode.IsControl)
	}
	f.Fuzz(func(t *testing.T, id, email string) {
		target, values = "", [2]string{}
		err := client.Groups.RemoveMember(t.Context(), id, email)
		if invalid(id) || invalid(email) {
			require.ErrorAs(t, err, new(*apono.ArgumentError))
			require.Empty(t, target)
			return
		}
		segments := strings.Split(target, "/")
		require.Len(t, segments, 8)
		require.Equal(t, "/api/admin/v1/groups members", strings.Join(segments[:5], "/")+" "+segments[6])
		for i, want := range map[int]string{5: id, 7: email} {
			text, err := url.PathUnescape(segments[i])
			require.NoError(t, err)
			require.Equal(t, want, text)
		}
		if id != "/" && email != "/" { // the router of net/http takes a segment %2F as a slash
			require.NoError(t, err)
			require.Equal(t, [2]string{id, email}, values)
		}
	})
}
