package aponotest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
			func(s *aponotest.Server) { s.FaultNext("Integrations.Lsit", 1, aponotest.Fault{Status: 500}) },
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
		"get from unknown collection": {
			func(s *aponotest.Server) { s.Get("group", "g1", new(apono.Group)) },
			`aponotest: unknown collection "group"`,
		},
		"list of unknown collection": {
			func(s *aponotest.Server) { aponotest.List[apono.GroupMember](s, "members") },
			`aponotest: unknown collection "members"`,
		},
		"collection of what has none": {
			func(s *aponotest.Server) { aponotest.List[apono.User](s, "users of g1") },
			`aponotest: unknown collection "users of g1"`,
		},
		"members of unknown group": {
			func(s *aponotest.Server) {
				s.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "ada@example.com"})
			},
			`aponotest: members of g1: group "g1" not found`,
		},
		"resources of unknown integration": {
			func(s *aponotest.Server) { s.Put(aponotest.ResourcesOf("i1"), apono.Resource{}) },
			`aponotest: resources of i1: integration "i1" not found`,
		},
		"fault without effect": {
			func(s *aponotest.Server) { s.FaultNext("Integrations.List", 1, aponotest.Fault{After: 1}) },
			"aponotest: a Fault without Latency, Status, Header, Body and Break has no effect",
		},
		"status of 0": {
			func(s *aponotest.Server) { s.FaultNext("", 1, aponotest.Fault{Status: 0}) },
			"aponotest: a Fault without Latency, Status, Header, Body and Break has no effect",
		},
		"negative After": {
			func(s *aponotest.Server) { s.FaultNext("", 1, aponotest.Fault{Status: 500, After: -1}) },
			"aponotest: After must not be negative, got -1",
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
			func(s *aponotest.Server) { s.FaultNext("Integrations.List", 0, aponotest.Fault{Status: 500}) },
			"aponotest: times must be at least 1, not 0",
		},
		"negative times": {
			func(s *aponotest.Server) { s.FaultNext("", -1, aponotest.Fault{Status: 500}) },
			"aponotest: times must be at least 1, not -1",
		},
		"client options": {
			func(s *aponotest.Server) { s.Client(apono.WithAttemptTimeout(-1)) },
			"aponotest: apono: argument timeout: must be at most 24 hours, or 0 for no timeout",
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
	require.Empty(t, aponotest.List[apono.Group](server, aponotest.Groups))
	server.Put(aponotest.Groups, apono.Group{ID: "g2", Name: "two"}, apono.Group{ID: "g1", Name: "one", Extra: apono.Extra{"color": json.RawMessage(`"red"`)}})
	server.Put(aponotest.MembersOf("g1"), apono.GroupMember{Email: "ada@example.com"})
	_, err := server.Client().Groups.Rename(t.Context(), "g2", "deux")
	require.NoError(t, err)
	require.Equal(t, []*apono.Group{
		{ID: "g2", Name: "deux"}, {ID: "g1", Name: "one", Extra: apono.Extra{"color": json.RawMessage(`"red"`)}},
	}, aponotest.List[apono.Group](server, aponotest.Groups))
	require.Equal(t, []*apono.GroupMember{{Email: "ada@example.com"}}, aponotest.List[apono.GroupMember](server, aponotest.MembersOf("g1")))
	require.NoError(t, server.Client().Groups.Delete(t.Context(), "g2"))
	require.Len(t, aponotest.List[apono.Group](server, aponotest.Groups), 1)
}

// Every model must decode all objects of the demo tenant.
func TestListDecodesEveryCollection(t *testing.T) {
	t.Parallel()
	server := demoServer(t, aponotest.WithApprovalAfter(0))
	status, _ := send(t, server, "POST", requestsPath, goodRequest)
	require.Equal(t, 200, status)
	server.Put(aponotest.Reports, []byte(goodReport))
	session := aponotest.List[apono.AccessSession](server, aponotest.Sessions)[0].ID
	for c, length := range map[aponotest.Collection]int{
		aponotest.Integrations: len(aponotest.List[apono.Integration](server, aponotest.Integrations)),
		aponotest.Catalog:      len(aponotest.List[apono.CatalogEntry](server, aponotest.Catalog)),
		aponotest.Connectors:   len(aponotest.List[apono.Connector](server, aponotest.Connectors)),
		aponotest.Users:        len(aponotest.List[apono.User](server, aponotest.Users)),
		aponotest.Groups:       len(aponotest.List[apono.Group](server, aponotest.Groups)),
		aponotest.Attributes:   len(aponotest.List[apono.Attribute](server, aponotest.Attributes)),
		aponotest.AccessFlows:  len(aponotest.List[apono.AccessFlow](server, aponotest.AccessFlows)),
		aponotest.Bundles:      len(aponotest.List[apono.Bundle](server, aponotest.Bundles)),
		aponotest.Scopes:       len(aponotest.List[apono.AccessScope](server, aponotest.Scopes)),
		aponotest.Spaces:       len(aponotest.List[apono.Space](server, aponotest.Spaces)),
		aponotest.SpaceScopes:  len(aponotest.List[apono.SpaceScope](server, aponotest.SpaceScopes)),
		aponotest.Reports:      len(aponotest.List[apono.ActivityReport](server, aponotest.Reports)),
		aponotest.Activity:     len(aponotest.List[apono.ActivityEntry](server, aponotest.Activity)),

		aponotest.AccessRequests:                      len(aponotest.List[apono.AccessRequest](server, aponotest.AccessRequests)),
		aponotest.ResourcesOf("ssh-staging-orders"):   len(aponotest.List[apono.Resource](server, aponotest.ResourcesOf("ssh-staging-orders"))),
		aponotest.PermissionsOf("ssh-staging-orders"): len(aponotest.List[apono.Permission](server, aponotest.PermissionsOf("ssh-staging-orders"))),
		aponotest.MembersOf("group-orders"):           len(aponotest.List[apono.GroupMember](server, aponotest.MembersOf("group-orders"))),
		aponotest.SpaceMembersOf("space-orders"):      len(aponotest.List[apono.SpaceMember](server, aponotest.SpaceMembersOf("space-orders"))),
		aponotest.EntitlementsOf(requestID(1)):        len(aponotest.List[apono.AccessRequestEntitlement](server, aponotest.EntitlementsOf(requestID(1)))),
		aponotest.DetailsOf(session):                  len(aponotest.List[apono.AccessSessionDetails](server, aponotest.DetailsOf(session))),
	} {
		require.NotZero(t, length, c)
	}
	require.Equal(t, "group-orders", aponotest.List[apono.Group](server, aponotest.Groups)[0].ID)
}

func TestWithSeed(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithoutNetwork(), aponotest.WithSeed([]byte("\ufeff"+`{
		"groups": [{"id": "g1", "name": "On call", "color": "red"}], "members of g1": [{"email": "ada@example.com"}]}`)))
	require.Len(t, aponotest.List[apono.Group](server, aponotest.Groups), 1)
	require.Equal(t, []*apono.GroupMember{{Email: "ada@example.com"}}, aponotest.List[apono.GroupMember](server, aponotest.MembersOf("g1")))
	for seed, want := range map[string]string{
		`[]`:              "seed: json: cannot unmarshal array",
		`{"group": [{}]}`: `seed: unknown collection "group"`,
		`{"flows": []}`:   `seed: unknown collection "flows"`,
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
