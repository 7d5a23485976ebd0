package main

import (
	"encoding/json"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

const demo = "Using a fake server with demo data.\n"

// newServer returns a server with pages of two items. It has four distinct
// attributes of three types; one of them comes from two integrations.
func newServer(t *testing.T) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, aponotest.WithPageSize(2))
	okta, duty := new("okta-1"), new("duty-1")
	server.Put(aponotest.Attributes,
		apono.Attribute{Type: "team", Value: "orders", SourceIntegrationID: okta},
		apono.Attribute{Type: "shift", Value: "night", SourceIntegrationID: duty},
		apono.Attribute{Type: "team", Value: "payments", SourceIntegrationID: okta},
		apono.Attribute{Type: "Team", Value: "orders", SourceIntegrationID: okta},
		apono.Attribute{Type: "team", Value: "orders", SourceIntegrationID: duty})
	return server
}

// Types are collected from all pages, and types that differ in case are kept
// apart: a condition of an access flow must name a type exactly.
func TestTypesAreSortedAndDistinct(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		args   []string
		stdout string
	}{
		{"lines", nil, "Team\nshift\nteam\n"},
		{"JSON", []string{"-json"}, `["Team","shift","team"]` + "\n"},
		{"counted", []string{"-count"}, "Team\t1\nshift\t1\nteam\t2\n"},
		{"counted in JSON", []string{"-count", "-json"}, `[{"type":"Team","values":1},{"type":"shift","values":1},{"type":"team","values":2}]` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			require.Equal(t, process.Result{Stdout: test.stdout}, process.Run(t, process.Env(server), test.args...))
			requests := server.Requests()
			require.Len(t, requests, 3)
			require.Equal(t, "GET /api/admin/v1/attributes", requests[0].Method+" "+requests[0].Path)
			require.Empty(t, requests[0].Query)
		})
	}
}

func TestSourceFilterIsSent(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	require.Equal(t, process.Result{Stdout: "shift\t1\nteam\t1\n"}, process.Run(t, process.Env(server), "-source", "duty-1", "-count"))
	query, err := json.Marshal(server.Requests()[0].Query)
	require.NoError(t, err)
	apitest.JSONEq(t, `{"source_integration_reference": ["duty-1"]}`, string(query))
}

func TestNoTypes(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	require.Equal(t, process.Result{Stdout: "[]\n"}, process.Run(t, process.Env(server), "-source", "nowhere", "-json"))
	require.Equal(t, process.Result{Stdout: "[]\n"}, process.Run(t, process.Env(server), "-source", "nowhere", "-json", "-count"))
	require.Equal(t, process.Result{Stderr: "No attributes found.\n"}, process.Run(t, process.Env(server), "-source", "nowhere"))
}

func TestDemoPrintsDemoTenant(t *testing.T) {
	t.Parallel()
	process.NeedsToken(t)
	require.Equal(t, process.Result{Stdout: "pagerduty_shift\t10\nteam\t10\n", Stderr: demo}, process.Run(t, nil, "-demo", "-count"))
}

// The program must not print a partial list after an error.
func TestErrorPrintsNoTypes(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Attributes.List", 1, aponotest.Fault{After: 1, Status: 403})
	require.Equal(t, process.Result{
		Stderr: "attribute-types: the token has no permission for this: apono: GET /api/admin/v1/attributes: 403 Forbidden, request ID fake-2\n", Code: 1,
	}, process.Run(t, process.Env(server)))
	require.Equal(t, process.Result{
		Stderr: "attribute-types: expected 0 arguments, got 1; see -h\n", Code: 2,
	}, process.Run(t, nil, "team"))
	help := process.Help(t)
	require.Contains(t, help, "-source integration")
	require.Contains(t, help, "-json")
	require.Contains(t, help, "-count")
}

func TestFullOutput(t *testing.T) {
	t.Parallel()
	process.FullOutput(t, nil, "-demo")
}
