package apono_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

func TestDo(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"id":"s-1","name":"Sandbox","rules":[]}`})
	var out struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	in := map[string]any{"name": "Sandbox", "rule_references": []string{"dev"}}
	err := apitest.NewClient(t, fake).Do(t.Context(), http.MethodPost, "/api/admin/v1/gadgets", url.Values{"dry run": {"a b", "c&d"}}, in, &out)
	require.NoError(t, err)
	require.Equal(t, "s-1 Sandbox", out.ID+" "+out.Name)
	apitest.Sent(t, fake.Requests()[0], http.MethodPost, "/api/admin/v1/gadgets", "dry+run=a+b&dry+run=c%26d", `{"name":"Sandbox","rule_references":["dev"]}`)
}

func TestDoWithoutInputAndOutput(t *testing.T) {
	t.Parallel()
	for _, response := range []script.Response{{Status: 204}, {Body: `{"message":"deleted"}`}, {Status: 202}} {
		t.Run(fmt.Sprint(response.Status, response.Body), func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, response)
			require.NoError(t, apitest.NewClient(t, fake).Do(t.Context(), http.MethodDelete, "/api/admin/v1/gadgets/a%20b%2Fc", nil, nil, nil))
			apitest.Sent(t, fake.Requests()[0], http.MethodDelete, "/api/admin/v1/gadgets/a%20b%2Fc", "", "")
		})
	}
}

// A body that is JSON already is not encoded again.
func TestDoSendsJSONAsItIs(t *testing.T) {
	t.Parallel()
	for _, in := range []any{[]byte(`{"b":1,  "a":1.0}`), json.RawMessage(`{"b":1,  "a":1.0}`)} {
		fake := script.New(t, script.Response{})
		require.NoError(t, apitest.NewClient(t, fake).Do(t.Context(), http.MethodPost, "/api/admin/v1/gadgets", nil, in, nil))
		require.Equal(t, `{"b":1,  "a":1.0}`, fake.Requests()[0].Body)
		require.Equal(t, "application/json", fake.Requests()[0].Header.Get("Content-Type"))
	}
}

// Some operations of the portal return files.
func TestDoReturnsBodyOfAnyForm(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"id,name\ni-1,prod\n", "\x1f\x8b", `{"id":"i-1"}`, "null", ""} {
		out := []byte("before")
		fake := script.New(t, script.Response{Body: body})
		require.NoError(t, apitest.NewClient(t, fake).Do(t.Context(), http.MethodGet, "/api/admin/v1/gadgets/export", nil, nil, &out))
		require.Equal(t, body, string(out))
	}
	out := []byte("before")
	err := apitest.NewClient(t, script.New(t, script.Response{Status: 404, Body: "x"})).Do(t.Context(), http.MethodGet, "/api/x", nil, nil, &out)
	require.ErrorIs(t, err, apono.ErrNotFound)
	require.Equal(t, "before", string(out))
}

// Some servers begin every body with a byte order mark.
func TestByteOrderMarkBeforeAnyBody(t *testing.T) {
	t.Parallel()
	const mark = "\ufeff"
	var out struct{ ID string }
	client := apitest.NewClient(t, script.New(t,
		script.Response{Body: mark + apitest.OneIntegration}, script.Response{Body: mark}, script.Response{Body: mark + `{"message":"deleted"}`},
		script.Response{Body: mark + `{"ID":"x"}`}, script.Response{Body: mark + `{"items":[{"id":"a"}],"pagination":{}}`},
		script.Response{Status: 400, Body: mark + `{"code":"E7","message":"is taken"}`},
	))
	require.NoError(t, apitest.GetIntegration(t.Context(), client))
	require.NoError(t, client.Integrations.Delete(t.Context(), "i"))
	require.NoError(t, client.Integrations.Delete(t.Context(), "i"))
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/api/x", nil, nil, &out))
	require.Equal(t, "x", out.ID)
	_, err := client.Integrations.List(t.Context())
	require.NoError(t, err)
	rejected := apitest.ErrorAs[*apono.APIError](t, apitest.GetIntegration(t.Context(), client))
	require.Equal(t, "E7 is taken", rejected.Code+" "+rejected.Message)
}

// An empty or null body must not become a zero value.
func TestDoWithOutputRequiresJSONObject(t *testing.T) {
	t.Parallel()
	for _, response := range []script.Response{{Status: 204}, {Body: "null"}, {Body: "<html>"}, {Body: `{} {}`}, {Body: `[]`}} {
		t.Run(fmt.Sprint(response.Status, response.Body), func(t *testing.T) {
			t.Parallel()
			var out struct{ ID string }
			err := apitest.NewClient(t, script.New(t, response)).Do(t.Context(), http.MethodGet, "/api/admin/v1/gadgets/s", nil, nil, &out)
			require.Equal(t, response.Body, string(apitest.ErrorAs[*apono.DecodeError](t, err).Body))
		})
	}
}

// An HTML page is the response of a gateway.
func TestDoWithoutOutputRejectsHTML(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: "<html>Sign in</html>", Header: map[string]string{"Content-Type": "text/html"}})
	err := apitest.NewClient(t, fake).Do(t.Context(), http.MethodDelete, "/api/admin/v1/gadgets/s", nil, nil, nil)
	require.ErrorAs(t, err, new(*apono.DecodeError))
}

func TestDoRejectsInvalidArguments(t *testing.T) {
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
			err := apitest.NewClient(t, apitest.NoRequest(t)).Do(t.Context(), tc.method, tc.path, nil, nil, nil)
			require.Equal(t, tc.arg, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
		})
	}
}

func TestDoRejectsInputThatIsNotJSON(t *testing.T) {
	t.Parallel()
	err := apitest.NewClient(t, apitest.NoRequest(t)).Do(t.Context(), http.MethodPost, "/api/x", nil, func() {}, nil)
	require.Equal(t, "in", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
}

// Error texts end up in tickets and chats, so parts of a path that may be arguments are
// masked.
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
			err := apitest.NewClient(t, script.New(t, script.Response{Status: 403})).Do(t.Context(), http.MethodGet, path, url.Values{"name": {"secret"}}, nil, nil)
			require.Equal(t, want, apitest.ErrorAs[*apono.APIError](t, err).Path)
			require.EqualError(t, err, "apono: GET "+want+": 403 Forbidden")
		})
	}
}

// After an attempt that may have deleted the object, a 404 counts as success. Otherwise
// it is an error, because the id may be wrong.
func TestDeleteWithNotFoundAfterRetry(t *testing.T) {
	t.Parallel()
	refresh := apono.WithTokenSource(func(context.Context) (string, error) { return apitest.Token, nil })
	notFound := script.Response{Status: 404, Body: `{"message":"not found"}`}
	page := script.Response{Status: 404, Body: "<html>not here</html>"}
	for _, tc := range []struct {
		name      string
		responses []script.Response
		opts      []apono.Option
		want      error
	}{
		{"204", []script.Response{{Status: 204}}, nil, nil},
		{"200 with a message", []script.Response{{Body: `{"message":"deleted"}`}}, nil, nil},
		{"200 without a body", []script.Response{{Body: " "}}, nil, nil},
		{"404", []script.Response{notFound}, nil, apono.ErrNotFound},
		{"404 after a broken connection", []script.Response{{Err: apitest.ErrReset}, notFound}, nil, nil},
		{"404 after 408", []script.Response{{Status: 408}, notFound}, nil, nil},
		{"404 after 500", []script.Response{{Status: 500}, notFound}, nil, nil},
		{"404 after 504", []script.Response{{Status: 504}, notFound}, nil, nil},
		{"404 after a cut body", []script.Response{{Body: "{", BodyErr: io.ErrUnexpectedEOF}, notFound}, nil, nil},
		{"404 after 500 and 429", []script.Response{{Status: 500}, {Status: 429}, notFound}, nil, nil},
		{"a page with 404 after 500", []script.Response{{Status: 500}, page}, nil, apono.ErrNotFound},
		{"404 without a body after 500", []script.Response{{Status: 500}, {Status: 404}}, nil, apono.ErrNotFound},
		{"404 after 429", []script.Response{{Status: 429}, notFound}, nil, apono.ErrNotFound},
		{"404 after 425", []script.Response{{Status: 425}, notFound}, nil, apono.ErrNotFound},
		{"404 after 401", []script.Response{{Status: 401}, notFound}, []apono.Option{refresh}, apono.ErrNotFound},
		{"404 after connection refused", []script.Response{{Err: apitest.ErrConnectionRefused}, notFound}, nil, apono.ErrNotFound},
		{"403 after 500", []script.Response{{Status: 500}, {Status: 403}}, nil, apono.ErrForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := script.New(t, tc.responses...)
				err := apitest.NewClient(t, fake, tc.opts...).Integrations.Delete(t.Context(), "i-1")
				if tc.want == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, tc.want)
				}
				for _, req := range fake.Requests() {
					apitest.Sent(t, req, http.MethodDelete, "/api/admin/v4/integrations/i-1", "", "")
				}
			})
		})
	}
}

func TestUpdateWithNotFoundAfterRetryIsError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := script.New(t, script.Response{Err: apitest.ErrReset}, script.Response{Status: 404})
		require.ErrorIs(t, apitest.CallWith(t.Context(), http.MethodPut, apitest.NewClient(t, fake)), apono.ErrNotFound)
	})
}

// State shared between calls would mix up responses or cause a data race.
func TestClientIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	attempts := map[string]int{}
	server := apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
		id := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
		mu.Lock()
		defer mu.Unlock()
		attempts[id]++
		response := &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: req}
		if attempts[id] == 2 {
			body := fmt.Sprintf(`{"id":%q,"name":%q}`, id, req.Header.Get("X-Trace"))
			response.StatusCode, response.Body, response.ContentLength = 200, io.NopCloser(strings.NewReader(body)), int64(len(body))
		}
		return response, nil
	})
	client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: server}), apitest.Quickly)
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			id := "i-" + strconv.Itoa(i)
			integration, err := client.Integrations.Get(apono.WithRequestHeader(t.Context(), "X-Trace", "trace of "+id), id)
			if err != nil || integration.ID != id || integration.Name != "trace of "+id {
				t.Errorf("the call for %s returned %+v, %v", id, integration, err)
			}
		})
	}
	group.Wait()
}

// Without the check, net/http panics.
func TestNilContextIsArgumentError(t *testing.T) {
	t.Parallel()
	var none context.Context
	for name, call := range map[string]func(*apono.Client) error{
		"Get":     func(c *apono.Client) error { return apitest.GetIntegration(none, c) },
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
				err := call(apitest.NewClient(t, apitest.NoRequest(t), apitest.ReadAhead(pages)))
				require.Equal(t, "ctx", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
			})
		}
	}
}

// A URL with an empty query differs from one without, for caches and signatures.
func TestEmptyQueryIsNotSent(t *testing.T) {
	t.Parallel()
	for _, query := range []url.Values{nil, {}, {"q": nil}} {
		fake := script.New(t, script.Response{})
		require.NoError(t, apitest.NewClient(t, fake).Do(t.Context(), http.MethodGet, "/api/v9/spaces", query, nil, nil))
		require.Equal(t, apitest.BaseURL+"/api/v9/spaces", fake.Requests()[0].URL)
	}
}

// ownFrames lists the functions of this module between a method and the caller's
// transport.
func ownFrames(method string) []string {
	stack := make([]uintptr, 200)
	frames := runtime.CallersFrames(stack[:runtime.Callers(0, stack)])
	var own []string
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, method) {
			return own
		}
		if strings.HasPrefix(frame.Function, "github.com/apono-go/apono") && !strings.Contains(frame.Function, "apono_test.") && !strings.Contains(frame.Function, "apitest.") {
			own = append(own, path.Base(frame.Function))
		}
		if !more {
			return nil
		}
	}
}

// A short call stack helps with debugging and in traces of panics.
func TestCallStackIsShort(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.OneIntegration})
	var between []string
	next := apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
		between = ownFrames(".(*IntegrationsService).Get")
		return fake.RoundTrip(req)
	})
	require.NoError(t, apitest.GetIntegration(t.Context(), apitest.NewClient(t, apitest.NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: next}))))
	require.NotEmpty(t, between, "at most five functions")
	require.LessOrEqual(t, len(between), 5, "at most five functions")
}
