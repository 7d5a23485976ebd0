package aponotest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

func TestFailNextAnswersInsteadOfActing(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	server.FailNext("Integrations.Delete", 2, 503, http.Header{"retry-after": {"7"}}, `{"message": "later"}`)
	server.FailNext("Integrations.Delete", 1, 500, nil, "down")
	once := apono.WithoutRetry(t.Context())
	client := server.Client()
	for _, want := range []int{503, 503, 500} {
		err := apitest.ErrorAs[*apono.APIError](t, client.Integrations.Delete(once, "i0"))
		require.Equal(t, want, err.StatusCode)
		if want == 503 {
			require.Equal(t, "later", err.Message)
			require.EqualValues(t, 7, err.RetryAfter.Seconds())
		}
		_, getErr := client.Integrations.Get(once, "i0")
		require.NoError(t, getErr) // nothing was deleted, and other operations work
	}
	require.NoError(t, client.Integrations.Delete(once, "i0"))
}

func TestFailNextForAnyOperation(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	server.FailNext("", 1, 418, nil, "")
	status, _ := ask(t, server, "GET", "/no/such/path", "")
	require.Equal(t, 418, status)
	status, _ = ask(t, server, "GET", "/no/such/path", "")
	require.Equal(t, 404, status)
}

func TestRequestsAreRecordedAsTheyWereSent(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	ask(t, server, "PUT", integrationsPath+"/a%2Fb", `{"name": 1}`)
	ask(t, server, "GET", integrationsPath+"?type=a&type=b", "")
	ask(t, server, "GET", "/elsewhere", "")
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

// misuse is a testing.TB that notes the first fatal error.
type misuse struct {
	testing.TB
	message string
}

func (m *misuse) Helper()        {}
func (m *misuse) Cleanup(func()) {}
func (m *misuse) Fatalf(format string, args ...any) {
	m.message = fmt.Sprintf(format, args...)
	panic(m)
}

// A test that misuses the server has to fail, not to pass by accident.
func TestMisuseFailsTheTest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		use  func(*aponotest.Server)
		want string
	}{
		"fault for no operation": {
			func(s *aponotest.Server) { s.FailNext("Integrations.Lsit", 1, 500, nil, "") },
			`aponotest: there is no operation "Integrations.Lsit": name it as in package apono, such as "Integrations.List"`,
		},
		"requests of no operation": {
			func(s *aponotest.Server) { s.Requests("listIntegrations") },
			`aponotest: there is no operation "listIntegrations": name it as in package apono, such as "Integrations.List"`,
		},
		"no collection": {
			func(s *aponotest.Server) { s.Put("integration", apono.Integration{}) },
			`aponotest: there is no collection "integration"`,
		},
		"no object": {
			func(s *aponotest.Server) { s.Put(aponotest.Integrations, []string{"x"}) },
			`aponotest: integrations: ["x"] is not an object`,
		},
		"unknown field": {
			func(s *aponotest.Server) {
				s.Put(aponotest.Integrations, json.RawMessage(`{"name": "x", "type": "y", "integration_config": {}, "color": "red"}`))
			},
			"aponotest: integrations: color: there is no such field",
		},
		"missing field": {
			func(s *aponotest.Server) { s.Put(aponotest.Users, map[string]any{"email": "a@example.com"}) },
			"aponotest: users: active: it is missing",
		},
		"time of another form": {
			func(s *aponotest.Server) {
				s.Put(aponotest.Integrations, json.RawMessage(`{"name": "x", "type": "y", "integration_config": {}, "last_sync_time": "today"}`))
			},
			"aponotest: integrations: last_sync_time: it must be a time in RFC 3339, not a string",
		},
		"no JSON": {
			func(s *aponotest.Server) { s.Put(aponotest.Integrations, make(chan int)) },
			"aponotest: integrations: unsupported type chan int",
		},
		"client options": {
			func(s *aponotest.Server) { s.Client(apono.WithAttemptTimeout(-1)) },
			"aponotest: apono: argument timeout: an attempt's timeout must be positive, or 0 for none",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb := &misuse{TB: t}
			server := aponotest.NewServer(tb)
			defer server.Close()
			defer func() {
				require.True(t, recover() == tb, "expected the test to be failed")
				require.Equal(t, test.want, tb.message)
			}()
			test.use(server)
		})
	}
}

// Credentials of a model print redacted; in the fake's state they are real.
func TestPutKeepsSecrets(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations, apono.Integration{
		ID: "i1", Name: "one", Type: "mysql",
		SecretStoreConfig: &apono.SecretStoreConfig{Apono: &apono.SecretConfig{Parameters: apono.Secrets{"password": "hunter2"}}},
	})
	found, err := server.Client().Integrations.Get(t.Context(), "i1")
	require.NoError(t, err)
	require.Equal(t, "hunter2", found.SecretStoreConfig.Apono.Parameters["password"])
	require.False(t, server.Get(aponotest.Integrations, "i2", &apono.Integration{}), "no integration i2")
}

func TestStartServesProgramsThatAreNoTests(t *testing.T) {
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

func TestDemoTenantIsLargeVariedAndTheSameEveryTime(t *testing.T) {
	t.Parallel()
	read := func() string {
		server := aponotest.NewServer(t, aponotest.WithDemoTenant())
		all, err := apono.Collect(server.Client().Integrations.ListAll(t.Context()))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(all), 250, "at least 250 integrations")
		types, categories := map[string]int{}, map[apono.IntegrationCategory]int{}
		for _, integration := range all {
			types[integration.Type]++
			categories[integration.Category]++
		}
		require.GreaterOrEqual(t, len(types), 8, "at least 8 types")
		require.Len(t, categories, 2)
		for c, id := range map[aponotest.Collection]string{
			aponotest.Connectors: "production-connector", aponotest.Users: "user-00-00", aponotest.Groups: "group-orders",
		} {
			require.Truef(t, server.Get(c, id, &map[string]any{}), "%s in %s", id, c)
		}
		data, err := json.Marshal(all)
		require.NoError(t, err)
		return string(data)
	}
	require.Equal(t, read(), read())
}

func TestEveryOperationIsServed(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	for _, op := range operation.All() {
		path := op.Fill(func(int, string) string { return "x" })
		status, answer := ask(t, server, op.Method, path, "")
		if status == http.StatusNotImplemented || strings.Contains(answer, "no operation") {
			t.Errorf("%s: %d %s", op.Name, status, answer)
		}
	}
}
