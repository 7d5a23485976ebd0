package aponotest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

const integrationsPath = "/api/admin/v4/integrations"

// sendHTTP sends a request without the SDK.
func sendHTTP(t *testing.T, server *aponotest.Server, method, path, body string) (status int, response string) {
	t.Helper()
	return sendHTTPAs(t, server, server.Token, method, path, body)
}

func sendHTTPAs(t *testing.T, server *aponotest.Server, token, method, path, body string) (status int, response string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if len(data) > 0 {
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, string(data)
}

// checkResponse checks the status of a response and its complete JSON.
func checkResponse(t *testing.T, server *aponotest.Server, method, path, body string, wantStatus int, want string) {
	t.Helper()
	status, response := sendHTTP(t, server, method, path, body)
	require.Equalf(t, wantStatus, status, "%s %s returned status %d, want %d: %s", method, path, status, wantStatus, response)
	if want == "" {
		require.Empty(t, response)
		return
	}
	apitest.JSONEq(t, want, response)
}

func TestRequestsAreRecordedAsSent(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	sendHTTP(t, server, "PUT", integrationsPath+"/a%2Fb", `{"name": 1}`)
	sendHTTP(t, server, "GET", integrationsPath+"?type=a&type=b", "")
	sendHTTP(t, server, "GET", "/elsewhere", "")
	requests := server.Requests()
	require.Len(t, requests, 3)
	first := requests[0]
	require.Equal(t, "Bearer "+server.Token, first.Header.Get("Authorization"))
	first.Header = nil
	require.Equal(t, aponotest.Request{
		Operation: "Integrations.Update", Method: "PUT", Path: integrationsPath + "/a%2Fb", Query: url.Values{}, Body: `{"name": 1}`, Status: 422,
	}, first)
	require.Empty(t, requests[2].Operation)
	lists := server.Requests("Integrations.List", "Integrations.Get")
	require.Len(t, lists, 1)
	require.Equal(t, url.Values{"type": {"a", "b"}}, lists[0].Query)
}

// misuse is a testing.TB that records errors.
type misuse struct {
	testing.TB
	message  string
	errors   []string
	cleanups []func()
}

func (m *misuse) Helper() {}

func (m *misuse) Cleanup(f func()) { m.cleanups = append(m.cleanups, f) }

func (m *misuse) Errorf(format string, args ...any) {
	m.errors = append(m.errors, fmt.Sprintf(format, args...))
}

// end runs the cleanups of the test.
func (m *misuse) end() {
	for _, f := range slices.Backward(m.cleanups) {
		f()
	}
}

func (m *misuse) Fatalf(format string, args ...any) {
	m.message = fmt.Sprintf(format, args...)
	panic(m)
}

func TestMisuseFailsTest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		use  func(*aponotest.Server)
		want string
	}{
		"fault for unknown operation": {
			func(s *aponotest.Server) { s.FailNext("Integrations.Lsit", 1, 500, nil, "") },
			`aponotest: unknown operation "Integrations.Lsit": use a name such as "Integrations.List"`,
		},
		"requests of unknown operation": {
			func(s *aponotest.Server) { s.Requests("listIntegrations") },
			`aponotest: unknown operation "listIntegrations": use a name such as "Integrations.List"`,
		},
		"unknown collection": {
			func(s *aponotest.Server) { s.Put("integration", apono.Integration{}) },
			`aponotest: unknown collection "integration"`,
		},
		"not an object": {
			func(s *aponotest.Server) { s.Put(aponotest.Integrations, []string{"x"}) },
			`aponotest: integrations: ["x"] is not an object`,
		},
		"unknown field": {
			func(s *aponotest.Server) {
				s.Put(aponotest.Integrations, map[string]any{"name": "x", "type": "y", "integration_config": map[string]any{}, "color": "red"})
			},
			"aponotest: integrations: color: unknown field",
		},
		"missing field": {
			func(s *aponotest.Server) { s.Put(aponotest.Users, map[string]any{"email": "a@example.com"}) },
			"aponotest: users: active: must be set",
		},
		"invalid time": {
			func(s *aponotest.Server) {
				s.Put(aponotest.Integrations, json.RawMessage(`{"name": "x", "type": "y", "integration_config": {}, "last_sync_time": "today"}`))
			},
			"aponotest: integrations: last_sync_time: must be an RFC 3339 time, not a string",
		},
		"invalid JSON": {
			func(s *aponotest.Server) { s.Put(aponotest.Integrations, make(chan int)) },
			"aponotest: integrations: unsupported type chan int",
		},
		"times of 0": {
			func(s *aponotest.Server) { s.FailNext("Integrations.List", 0, 500, nil, "") },
			"aponotest: times must be at least 1, not 0",
		},
		"negative times": {
			func(s *aponotest.Server) { s.FaultNext("", -1, aponotest.Fault{Status: 500}) },
			"aponotest: times must be at least 1, not -1",
		},
		"client options": {
			func(s *aponotest.Server) { s.Client(apono.WithAttemptTimeout(-1)) },
			"aponotest: apono: argument timeout: must be positive, or 0 for no timeout",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb := &misuse{TB: t}
			server := aponotest.NewServer(tb)
			defer server.Close()
			defer func() {
				require.True(t, recover() == tb, "the test did not fail")
				require.Equal(t, test.want, tb.message)
			}()
			test.use(server)
		})
	}
}

// Models marshal with secrets redacted. Put must store their values.
func TestPutKeepsSecrets(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations, apono.Integration{
		ID: "i1", Name: "one", Type: "mysql",
		SecretStoreConfig: &apono.SecretStoreConfig{Apono: &apono.SecretConfig{Parameters: map[string]apono.Secret{"password": apono.NewSecret("hunter2")}}},
	})
	found, err := server.Client().Integrations.Get(t.Context(), "i1")
	require.NoError(t, err)
	require.Equal(t, "hunter2", found.SecretStoreConfig.Apono.Parameters["password"].Reveal())
	require.False(t, server.Get(aponotest.Integrations, "i2", &apono.Integration{}), "i2 was added")
}

func TestStart(t *testing.T) {
	t.Parallel()
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	require.NoError(t, err)
	client := server.Client()
	defer client.CloseIdleConnections()
	_, err = client.Integrations.Get(t.Context(), "okta")
	require.NoError(t, err)
	server.Close()
	_, err = client.Integrations.Get(apono.WithoutRetry(t.Context()), "okta")
	require.ErrorAs(t, err, new(*apono.TransportError))
}

func TestPutAcceptsUnknownMembers(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithoutNetwork())
	server.Put(aponotest.Groups,
		json.RawMessage(`{"id": "g1", "name": "one", "color": {"hue": 7, "since": 1.50}}`),
		[]byte(`{"id": "g2", "name": "two", "color": null}`),
		apono.Group{ID: "g3", Name: "three", Extra: apono.Extra{"color": json.RawMessage(`"red"`)}})
	server.Put(aponotest.Bundles, []byte(`{"id": "b1", "name": "one", "access_targets": [{"mcp_server": {"id": "m1"}}]}`))
	_, response := send(t, server, "GET", groupsPath, noBody)
	require.JSONEq(t, `{"items": [{"id": "g1", "name": "one", "color": {"hue": 7, "since": 1.50}}, {"id": "g2", "name": "two", "color": null},
		{"id": "g3", "name": "three", "color": "red"}], "pagination": {}}`, response)
	bundle, err := server.Client().Bundles.Get(t.Context(), "b1")
	require.NoError(t, err)
	require.JSONEq(t, `{"id": "m1"}`, string(bundle.AccessTargets[0].Extra["mcp_server"]))

	// Request bodies are still checked.
	status, _ := send(t, server, "PUT", groupsPath+"/g1/name", `{"name": "x", "color": "red"}`)
	require.Equal(t, 422, status)
}

func TestListReturnsCurrentObjects(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithoutNetwork())
	require.Empty(t, server.List(aponotest.Groups))
	server.Put(aponotest.Groups, apono.Group{ID: "g2", Name: "two"}, apono.Group{ID: "g1", Name: "one", Extra: apono.Extra{"color": json.RawMessage(`"red"`)}})
	server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "ada@example.com"})
	_, err := server.Client().Groups.Rename(t.Context(), "g2", "deux")
	require.NoError(t, err)
	require.Equal(t, []any{
		&apono.Group{ID: "g2", Name: "deux"}, &apono.Group{ID: "g1", Name: "one", Extra: apono.Extra{"color": json.RawMessage(`"red"`)}},
	}, server.List(aponotest.Groups))
	require.Equal(t, []any{&apono.GroupMember{Email: "ada@example.com"}}, server.List(aponotest.MembersOf("g1")))
	require.NoError(t, server.Client().Groups.Delete(t.Context(), "g2"))
	require.Len(t, server.List(aponotest.Groups), 1)
}

// Every model must decode all objects of the demo tenant.
func TestListReturnsModelOfEveryCollection(t *testing.T) {
	t.Parallel()
	server := demoServer(t, aponotest.WithApprovalAfter(0))
	status, _ := send(t, server, "POST", requestsPath, goodRequest)
	require.Equal(t, 200, status)
	session := server.List(aponotest.Sessions)[0].(*apono.AccessSession).ID //nolint:forcetypeassert // a wrong type fails the test
	for c, want := range map[aponotest.Collection]any{
		aponotest.Integrations: apono.Integration{}, aponotest.Catalog: apono.CatalogEntry{}, aponotest.Connectors: apono.Connector{},
		aponotest.Users: apono.User{}, aponotest.Groups: apono.Group{}, aponotest.Attributes: apono.Attribute{},
		aponotest.AccessFlows: apono.AccessFlow{}, aponotest.Bundles: apono.Bundle{}, aponotest.Scopes: apono.AccessScope{},
		aponotest.Spaces: apono.Space{}, aponotest.SpaceScopes: apono.SpaceScope{}, aponotest.AccessRequests: apono.AccessRequest{},
		aponotest.Sessions: apono.AccessSession{}, aponotest.Activity: apono.ActivityEntry{},
		aponotest.ResourcesOf("ssh-staging-orders"): apono.Resource{}, aponotest.PermissionsOf("ssh-staging-orders"): apono.Permission{},
		aponotest.MembersOf("group-orders"): apono.GroupMember{}, aponotest.SpaceMembersOf("space-orders"): apono.SpaceMember{},
		aponotest.EntitlementsOf(requestID(1)): apono.AccessRequestEntitlement{}, aponotest.DetailsOf(session): apono.AccessSessionDetails{},
	} {
		list := server.List(c)
		require.NotEmptyf(t, list, "%s", c)
		require.Equalf(t, reflect.PointerTo(reflect.TypeOf(want)), reflect.TypeOf(list[0]), "%s", c)
	}
	server.Put(aponotest.Reports, []byte(goodReport))
	require.IsType(t, &apono.ActivityReport{}, server.List(aponotest.Reports)[0])
}

func TestWithSeed(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithoutNetwork(), aponotest.WithSeed([]byte(`{
		"groups": [{"id": "g1", "name": "On call", "color": "red"}], "members of g1": [{"email": "ada@example.com"}]}`)))
	require.Len(t, server.List(aponotest.Groups), 1)
	require.Equal(t, []any{&apono.GroupMember{Email: "ada@example.com"}}, server.List(aponotest.MembersOf("g1")))
	for seed, want := range map[string]string{
		`[]`:              "seed: json: cannot unmarshal array",
		`{"group": [{}]}`: `seed: unknown collection "group"`,
		`{"users": [{"email": "ada@example.com"}]}`: "seed: users: active: must be set",
	} {
		_, err := aponotest.Start(aponotest.WithSeed([]byte(seed)))
		require.ErrorContains(t, err, want)
	}
}

// A connection that was opened outside a synctest bubble ends the process if it is used
// inside one.
func TestClientsDoNotShareConnections(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	outside, err := apono.NewClient(server.Token, apono.WithBaseURL(server.URL))
	require.NoError(t, err)
	_, err = outside.Integrations.List(t.Context())
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		inside := server.Client()
		_, err := inside.Integrations.List(t.Context())
		require.NoError(t, err)
		inside.CloseIdleConnections()
	})
}
