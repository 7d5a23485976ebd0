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
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/operation"
)

func TestFailNextAnswersInsteadOfActing(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	server.FailNext("Integrations.Delete", 2, 503, http.Header{"retry-after": {"7"}}, `{"message": "later"}`)
	server.FailNext("Integrations.Delete", 1, 500, nil, "down")
	once := apono.WithoutRetry(t.Context())
	client := server.Client()
	for _, want := range []int{503, 503, 500} {
		err := check.ErrorAs[*apono.APIError](t, client.Integrations.Delete(once, "i0"))
		check.Equal(t, err.StatusCode, want)
		if want == 503 {
			check.Equal(t, err.Message, "later")
			check.Equal(t, err.RetryAfter.Seconds(), 7)
		}
		_, getErr := client.Integrations.Get(once, "i0")
		check.NoError(t, getErr) // nothing was deleted, and other operations work
	}
	check.NoError(t, client.Integrations.Delete(once, "i0"))
}

func TestFailNextForAnyOperation(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	server.FailNext("", 1, 418, nil, "")
	status, _ := ask(t, server, "GET", "/no/such/path", "")
	check.Equal(t, status, 418)
	status, _ = ask(t, server, "GET", "/no/such/path", "")
	check.Equal(t, status, 404)
}

func TestRequestsAreRecordedAsTheyWereSent(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 1)
	ask(t, server, "PUT", integrationsPath+"/a%2Fb", `{"name": 1}`)
	ask(t, server, "GET", integrationsPath+"?type=a&type=b", "")
	ask(t, server, "GET", "/elsewhere", "")
	requests := server.Requests()
	check.Equal(t, len(requests), 3)
	first := requests[0]
	check.Equal(t, first.Header.Get("Authorization"), "Bearer "+server.Token)
	first.Header = nil
	check.Equal(t, first, aponotest.Request{
		Operation: "Integrations.Update", Method: "PUT", Path: integrationsPath + "/a%2Fb", Query: url.Values{}, Body: `{"name": 1}`, Status: 422,
	})
	check.Equal(t, requests[2].Operation, "")
	lists := server.Requests("Integrations.List", "Integrations.Get")
	check.Equal(t, len(lists), 1)
	check.Equal(t, lists[0].Query, url.Values{"type": {"a", "b"}})
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
			"aponotest: apono: argument timeout: an attempt's timeout must be positive",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb := &misuse{TB: t}
			server := aponotest.NewServer(tb)
			defer server.Close()
			defer func() {
				check.True(t, recover() == tb, "the test to be failed")
				check.Equal(t, tb.message, test.want)
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
	check.NoError(t, err)
	check.Equal(t, found.SecretStoreConfig.Apono.Parameters["password"], "hunter2")
	check.True(t, !server.Get(aponotest.Integrations, "i2", &apono.Integration{}), "no integration i2")
}

func TestStartServesProgramsThatAreNoTests(t *testing.T) {
	t.Parallel()
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	check.NoError(t, err)
	client := server.Client()
	defer client.CloseIdleConnections()
	_, err = client.Integrations.Get(t.Context(), "okta")
	check.NoError(t, err)
	server.Close()
	_, err = client.Integrations.Get(apono.WithoutRetry(t.Context()), "okta")
	check.ErrorAs[*apono.TransportError](t, err)
}

func TestDemoTenantIsLargeVariedAndTheSameEveryTime(t *testing.T) {
	t.Parallel()
	read := func() string {
		server := aponotest.NewServer(t, aponotest.WithDemoTenant())
		all, err := apono.Collect(server.Client().Integrations.ListAll(t.Context()))
		check.NoError(t, err)
		check.True(t, len(all) >= 250, "at least 250 integrations, got %d", len(all))
		types, categories := map[string]int{}, map[apono.IntegrationCategory]int{}
		for _, integration := range all {
			types[integration.Type]++
			categories[integration.Category]++
		}
		check.True(t, len(types) >= 8, "at least 8 types, got %v", types)
		check.Equal(t, len(categories), 2)
		for c, id := range map[aponotest.Collection]string{
			aponotest.Connectors: "production-connector", aponotest.Users: "user-00-00", aponotest.Groups: "group-orders",
		} {
			check.True(t, server.Get(c, id, &map[string]any{}), "%s in %s", id, c)
		}
		data, err := json.Marshal(all)
		check.NoError(t, err)
		return string(data)
	}
	check.Equal(t, read(), read())
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
