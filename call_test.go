package apono_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// muxClient returns a client of a server that routes as net/http does, and
// what its {id} was for the requests that it got.
func muxClient(tb testing.TB) (client *apono.Client, ids chan string) {
	tb.Helper()
	ids = make(chan string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/admin/v4/integrations/{id}", func(w http.ResponseWriter, r *http.Request) {
		ids <- r.PathValue("id")
		_, _ = io.WriteString(w, oneIntegration)
	})
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	client, err := apono.NewClient(testToken, apono.WithBaseURL(server.URL), apono.WithHTTPClient(server.Client()))
	check.NoError(tb, err)
	return client, ids
}

// An id with a slash or a question mark in it must not address something else:
// ids come from files and forms, and the method may be DELETE.
func TestPathArgumentArrivesAsOneSegment(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"i-1", "a/b", "//", "a?b", "a?b=c&d", "a#f", "%2F", "%2f..%2f", "%", "%zz", "a b", " ", "a+b", "x@y.z", "ü", "日本",
		"..x", "...", "../x", "x/..", "a%2e", "%2e%2e", "a;b", "a,b", "a:b", "a=b&c", "{id}", "a\\b", "~", "\xff", strings.Repeat("long", 500),
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			client, ids := muxClient(t)
			_, err := client.Integrations.Get(t.Context(), id)
			check.NoError(t, err)
			check.Equal(t, <-ids, id)
		})
	}
}

// An empty id would address the collection, and dots what is above it, so that
// the deletion of one object becomes the deletion of something else.
func TestPathArgumentThatNamesNoObjectIsRefused(t *testing.T) {
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
				refusal := check.ErrorAs[*apono.ArgumentError](t, call(t.Context(), newClient(t, noRequest(t))))
				check.Equal(t, refusal.Arg, "id")
				check.Contains(t, refusal.Reason, reason)
			})
		}
	}
}

// Any text is either refused before anything is sent or arrives as it is.
func FuzzPathArgument(f *testing.F) {
	for _, id := range []string{"i-1", "", ".", "..", "...", "a/b", "a?b", "a#f", "%2F", "%2e%2e", "a b", "a+b", "ü", "\n", "\x00", "\xff", "\u0085", "\\"} {
		f.Add(id)
	}
	client, ids := muxClient(f)
	f.Fuzz(func(t *testing.T, id string) {
		if id == "/" {
			t.Skip("net/http's router takes a last segment %2F for a slash at the path's end")
		}
		_, err := client.Integrations.Get(t.Context(), id)
		if id == "" || id == "." || id == ".." || strings.ContainsFunc(id, unicode.IsControl) {
			check.ErrorAs[*apono.ArgumentError](t, err)
			check.Equal(t, len(ids), 0)
			return
		}
		check.NoError(t, err)
		check.Equal(t, <-ids, id)
	})
}

func TestDo(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{"id":"s-1","name":"Sandbox","rules":[]}`})
	var out struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	in := map[string]any{"name": "Sandbox", "rule_references": []string{"dev"}}
	err := newClient(t, fake).Do(t.Context(), http.MethodPost, "/api/admin/v1/gadgets", url.Values{"dry run": {"a b", "c&d"}}, in, &out)
	check.NoError(t, err)
	check.Equal(t, out.ID+" "+out.Name, "s-1 Sandbox")
	sent(t, fake.Requests()[0], http.MethodPost, "/api/admin/v1/gadgets", "dry+run=a+b&dry+run=c%26d", `{"name":"Sandbox","rule_references":["dev"]}`)
}

func TestDoWithoutInputAndOutput(t *testing.T) {
	t.Parallel()
	for _, answer := range []script.Answer{{Status: 204}, {Body: `{"message":"deleted"}`}, {Status: 202}} {
		t.Run(fmt.Sprint(answer.Status, answer.Body), func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, answer)
			check.NoError(t, newClient(t, fake).Do(t.Context(), http.MethodDelete, "/api/admin/v1/gadgets/a%20b%2Fc", nil, nil, nil))
			sent(t, fake.Requests()[0], http.MethodDelete, "/api/admin/v1/gadgets/a%20b%2Fc", "", "")
		})
	}
}

// Nothing where an object is due would leave the caller with a zero value that
// looks like an answer.
func TestDoNeedsAnAnswerForItsOutput(t *testing.T) {
	t.Parallel()
	for _, answer := range []script.Answer{{Status: 204}, {Body: "null"}, {Body: "<html>"}, {Body: `{} {}`}, {Body: `[]`}} {
		t.Run(fmt.Sprint(answer.Status, answer.Body), func(t *testing.T) {
			t.Parallel()
			var out struct{ ID string }
			err := newClient(t, script.New(t, answer)).Do(t.Context(), http.MethodGet, "/api/admin/v1/gadgets/s", nil, nil, &out)
			check.Equal(t, string(check.ErrorAs[*apono.DecodeError](t, err).Body), answer.Body)
		})
	}
}

// An HTML page is a gateway's answer and confirms nothing, also to callers that
// do not look at the answer.
func TestDoWithoutOutputTakesNoPageForAConfirmation(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: "<html>Sign in</html>", Header: map[string]string{"Content-Type": "text/html"}})
	err := newClient(t, fake).Do(t.Context(), http.MethodDelete, "/api/admin/v1/gadgets/s", nil, nil, nil)
	check.ErrorAs[*apono.DecodeError](t, err)
}

func TestDoRefusesBadArguments(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ method, path, arg string }{
		{"", "/api/x", "method"},
		{"get", "/api/x", "method"},
		{"HEAD", "/api/x", "method"},
		{"CONNECT", "/api/x", "method"},
		{"GET /", "/api/x", "method"},
		{"GET", "", "path"},
		{"GET", "api/x", "path"},
		{"GET", "https://elsewhere.test/api/x", "path"},
		{"GET", "//elsewhere.test/api/x", "path"},
		{"GET", "/api/x?admin=true", "path"},
		{"GET", "/api/x#f", "path"},
		{"GET", "/api/../x", "path"},
		{"GET", "/api/./x", "path"},
		{"GET", "/api/%2e%2E/x", "path"},
		{"GET", "/api//x", "path"},
		{"GET", "/api/x/", "path"},
		{"GET", "/", "path"},
		{"GET", "/api/%", "path"},
		{"GET", "/api/%zz", "path"},
		{"GET", "/api/x\n", "path"},
		{"GET", "/api/%0d%0aX-Admin:1", "path"},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			t.Parallel()
			err := newClient(t, noRequest(t)).Do(t.Context(), tc.method, tc.path, nil, nil, nil)
			check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Arg, tc.arg)
		})
	}
}

func TestDoRefusesInputThatIsNoJSON(t *testing.T) {
	t.Parallel()
	err := newClient(t, noRequest(t)).Do(t.Context(), http.MethodPost, "/api/x", nil, func() {}, nil)
	check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Arg, "in")
}

// Messages end up in tickets and chats, so the parts of a path that may name
// people or things stay out of them, for known operations and unknown ones.
func TestErrorsOfDoMaskThePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/admin/v4/integrations/i-1":                      "/api/admin/v4/integrations/{id}",
		"/api/admin/v4/integrations/prod":                     "/api/admin/v4/integrations/{id}",
		"/api/%61dmin/v4/%69ntegrations/prod":                 "/api/admin/v4/integrations/{id}",
		"/api/v3/integrations/resources/r-1/user-tags":        "/api/v3/integrations/resources/{resource_id}/user-tags",
		"/api/v3/integrations/i-1/resources":                  "/api/v3/integrations/{id}/resources",
		"/api/admin/v1/groups/Admins/members/ann@example.com": "/api/admin/v1/groups/{}/members/{}",
		"/api/admin/v1/gadget-rules/7f9c":                     "/api/admin/v1/gadget-rules/{}",
		"/api/admin/v1/gadget_rules/a%20b":                    "/api/admin/v1/gadget_rules/{}",
		"/api/v10/x/2024":                                     "/api/v10/x/{}",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			err := newClient(t, script.New(t, script.Answer{Status: 403})).Do(t.Context(), http.MethodGet, path, url.Values{"name": {"secret"}}, nil, nil)
			check.Equal(t, check.ErrorAs[*apono.APIError](t, err).Path, want)
			check.Equal(t, err.Error(), "apono: GET "+want+": 403 Forbidden")
		})
	}
}

func TestWithRequestHeader(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: oneIntegration}, script.Answer{Body: oneIntegration}, script.Answer{Body: oneIntegration})
	client := newClient(t, fake)
	outer := apono.WithRequestHeader(t.Context(), "x-trace", "one")
	inner := apono.WithRequestHeader(outer, "X-Trace", "two")
	inner = apono.WithRequestHeader(inner, "user-agent", "mine/1")
	for _, ctx := range []context.Context{inner, outer, t.Context()} {
		check.NoError(t, getIntegration(ctx, client))
	}
	for i, want := range []string{"two", "one", ""} {
		check.Equal(t, fake.Requests()[i].Header.Get("X-Trace"), want)
	}
	check.Equal(t, fake.Requests()[0].Header["User-Agent"], []string{"mine/1"})
	check.Contains(t, fake.Requests()[1].Header.Get("User-Agent"), "apono-go/")
}

func TestRequestHeaderIsSentWithEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Answer{Status: 503}, script.Answer{Body: oneIntegration})
		check.NoError(t, getIntegration(apono.WithRequestHeader(t.Context(), "X-Trace", "one"), newClient(t, fake)))
		check.Equal(t, fake.Requests()[1].Header["X-Trace"], []string{"one"})
	})
}

// A header that replaces the token, redirects the request or splits it does
// what no caller means; and with an idempotency key net/http itself repeats
// creates on broken connections.
func TestWithRequestHeaderRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ key, value, arg string }{
		{"Authorization", "Bearer x", "key"},
		{"authorization", "Bearer x", "key"},
		{"Proxy-Authorization", "Basic x", "key"},
		{"Host", "elsewhere.test", "key"},
		{"Content-Length", "0", "key"},
		{"Content-Type", "text/plain", "key"},
		{"Content-Encoding", "gzip", "key"},
		{"Transfer-Encoding", "chunked", "key"},
		{"Connection", "close", "key"},
		{"TE", "trailers", "key"},
		{"Trailer", "X", "key"},
		{"Upgrade", "h2c", "key"},
		{"Expect", "100-continue", "key"},
		{"Accept", "text/html", "key"},
		{"Accept-Encoding", "br", "key"},
		{"idempotency-key", "k", "key"},
		{"X-Idempotency-Key", "k", "key"},
		{"", "x", "key"},
		{"X Trace", "x", "key"},
		{"X-Trace:", "x", "key"},
		{"X-Träce", "x", "key"},
		{"X-Trace\r\nX-Admin", "x", "key"},
		{"X-Trace", "a\r\nX-Admin: 1", "value"},
		{"X-Trace", "ä", "value"},
		{"X-Trace", "\x00", "value"},
	} {
		t.Run(tc.key+" "+tc.value, func(t *testing.T) {
			t.Parallel()
			err := getIntegration(apono.WithRequestHeader(t.Context(), tc.key, tc.value), newClient(t, noRequest(t)))
			check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Arg, tc.arg)
		})
	}
}

// After an attempt that may have deleted the object, "not found" is what was
// asked for. After one that cannot have, it is what it says: somebody may have
// mistyped the id.
func TestDeleteIsConfirmed(t *testing.T) {
	t.Parallel()
	refresh := apono.WithTokenSource(func(context.Context) (string, error) { return testToken, nil })
	for _, tc := range []struct {
		name    string
		answers []script.Answer
		opts    []apono.Option
		want    error
	}{
		{"204", []script.Answer{{Status: 204}}, nil, nil},
		{"200 with a message", []script.Answer{{Body: `{"message":"deleted"}`}}, nil, nil},
		{"200 with nothing", []script.Answer{{Body: " "}}, nil, nil},
		{"404", []script.Answer{{Status: 404}}, nil, apono.ErrNotFound},
		{"404 after a broken connection", []script.Answer{{Err: errReset}, {Status: 404}}, nil, nil},
		{"404 after 408", []script.Answer{{Status: 408}, {Status: 404}}, nil, nil},
		{"404 after 500", []script.Answer{{Status: 500}, {Status: 404}}, nil, nil},
		{"404 after 504", []script.Answer{{Status: 504}, {Status: 404}}, nil, nil},
		{"404 after a cut body", []script.Answer{{Body: "{", BodyErr: io.ErrUnexpectedEOF}, {Status: 404}}, nil, nil},
		{"404 after 500 and 429", []script.Answer{{Status: 500}, {Status: 429}, {Status: 404}}, nil, nil},
		{"404 after 429", []script.Answer{{Status: 429}, {Status: 404}}, nil, apono.ErrNotFound},
		{"404 after 425", []script.Answer{{Status: 425}, {Status: 404}}, nil, apono.ErrNotFound},
		{"404 after 401", []script.Answer{{Status: 401}, {Status: 404}}, []apono.Option{refresh}, apono.ErrNotFound},
		{"404 after a refused connection", []script.Answer{{Err: errRefused}, {Status: 404}}, nil, apono.ErrNotFound},
		{"403 after 500", []script.Answer{{Status: 500}, {Status: 403}}, nil, apono.ErrForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, tc.answers...)
				err := newClient(t, fake, tc.opts...).Integrations.Delete(t.Context(), "i-1")
				if tc.want == nil {
					check.NoError(t, err)
				} else {
					check.ErrorIs(t, err, tc.want)
				}
				for _, req := range fake.Requests() {
					sent(t, req, http.MethodDelete, "/api/admin/v4/integrations/i-1", "", "")
				}
			})
		})
	}
}

// A sign-in page of a gateway must not pass for a deletion.
func TestDeleteIsNotConfirmedByAPage(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: "<html>Sign in</html>", Header: map[string]string{"Content-Type": "text/html"}})
	err := newClient(t, fake).Integrations.Delete(t.Context(), "i-1")
	check.Equal(t, string(check.ErrorAs[*apono.DecodeError](t, err).Body), "<html>Sign in</html>")
}

// Only a deletion is done when the object is gone.
func TestUncertainUpdateIsNotConfirmedByNotFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Answer{Err: errReset}, script.Answer{Status: 404})
		check.ErrorIs(t, callWith(t.Context(), http.MethodPut, newClient(t, fake)), apono.ErrNotFound)
	})
}

// One client serves a whole program. State that leaks from one call into
// another, or is set up by the first, shows as answers that are mixed up or as
// a race.
func TestOneClientServesManyGoroutines(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	attempts := map[string]int{}
	server := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		id := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
		mu.Lock()
		defer mu.Unlock()
		attempts[id]++
		answer := &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: req}
		if attempts[id] == 2 {
			body := fmt.Sprintf(`{"id":%q,"name":%q}`, id, req.Header.Get("X-Trace"))
			answer.StatusCode, answer.Body, answer.ContentLength = 200, io.NopCloser(strings.NewReader(body)), int64(len(body))
		}
		return answer, nil
	})
	client := newClient(t, noRequest(t), apono.WithHTTPClient(&http.Client{Transport: server}), quickly)
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			id := "i-" + strconv.Itoa(i)
			integration, err := client.Integrations.Get(apono.WithRequestHeader(t.Context(), "X-Trace", "trace of "+id), id)
			if err != nil || integration.ID != id || integration.Name != "trace of "+id {
				t.Errorf("the call for %s got %+v, %v", id, integration, err)
			}
		})
	}
	group.Wait()
}

// Without a check net/http's panic, or a nil pointer's, ends the program.
func TestNilContextIsRefused(t *testing.T) {
	t.Parallel()
	var none context.Context
	for name, call := range map[string]func(*apono.Client) error{
		"Get":     func(c *apono.Client) error { return getIntegration(none, c) },
		"Delete":  func(c *apono.Client) error { return c.Integrations.Delete(none, "i-1") },
		"Do":      func(c *apono.Client) error { return c.Do(none, http.MethodGet, "/api/x", nil, nil, nil) },
		"List":    func(c *apono.Client) error { _, err := c.Integrations.List(none); return err },
		"ListAll": func(c *apono.Client) error { _, err := apono.Collect(c.Integrations.ListAll(none)); return err },
		"ListAllCatalog": func(c *apono.Client) error {
			_, err := apono.Collect(c.Integrations.ListAllCatalog(none))
			return err
		},
	} {
		for _, pages := range []int{0, 2} {
			t.Run(fmt.Sprintf("%s with %d pages ahead", name, pages), func(t *testing.T) {
				t.Parallel()
				err := call(newClient(t, noRequest(t), apono.WithReadAhead(pages)))
				check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Arg, "ctx")
			})
		}
	}
}

// A question mark with nothing behind it is another URL to a cache or a signature.
func TestEmptyQueryIsNotSent(t *testing.T) {
	t.Parallel()
	for _, query := range []url.Values{nil, {}, {"q": nil}} {
		fake := script.New(t, script.Answer{})
		check.NoError(t, newClient(t, fake).Do(t.Context(), http.MethodGet, "/api/v9/spaces", query, nil, nil))
		check.Equal(t, fake.Requests()[0].URL, testBase+"/api/v9/spaces")
	}
}

// ownFrames lists the functions of this module that are running between a
// method and the caller's transport.
func ownFrames(method string) []string {
	stack := make([]uintptr, 200)
	frames := runtime.CallersFrames(stack[:runtime.Callers(0, stack)])
	var own []string
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, method) {
			return own
		}
		if strings.HasPrefix(frame.Function, "github.com/apono-go/apono") && !strings.HasPrefix(frame.Function, "github.com/apono-go/apono_test.") {
			own = append(own, path.Base(frame.Function))
		}
		if !more {
			return nil
		}
	}
}

// Whoever follows a call through a debugger, or reads it in the trace of a panic,
// should get to the end of it.
func TestFewFunctionsBetweenAMethodAndTheTransport(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: oneIntegration})
	var between []string
	next := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		between = ownFrames(".(*IntegrationsService).Get")
		return fake.RoundTrip(req)
	})
	check.NoError(t, getIntegration(t.Context(), newClient(t, noRequest(t), apono.WithHTTPClient(&http.Client{Transport: next}))))
	check.True(t, len(between) > 0 && len(between) <= 5, "at most five functions, got %q", between)
}
