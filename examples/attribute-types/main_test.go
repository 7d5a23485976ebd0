package main

import (
	"encoding/json"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/check"
)

func TestMain(m *testing.M) { process.Main(m, main) }

const demo = "No APONO_TOKEN or APONO_PERSONAL_TOKEN is set: this is the demo tenant of an embedded fake server.\n"

// newServer has four values of three types, one of which comes from two
// integrations, in pages of two.
func newServer(t *testing.T) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, aponotest.WithPageSize(2))
	okta, duty := apono.Ptr("okta-1"), apono.Ptr("duty-1")
	server.Put(aponotest.Attributes,
		apono.Attribute{Type: "team", Value: "orders", SourceIntegrationID: okta},
		apono.Attribute{Type: "shift", Value: "night", SourceIntegrationID: duty},
		apono.Attribute{Type: "team", Value: "payments", SourceIntegrationID: okta},
		apono.Attribute{Type: "Team", Value: "orders", SourceIntegrationID: okta},
		apono.Attribute{Type: "team", Value: "orders", SourceIntegrationID: duty})
	return server
}

// Whoever writes an access flow copies a type from this output: one that is
// missing because it is on a later page, or in another letter case, makes a
// condition that nobody meets.
func TestTypesAreASortedSet(t *testing.T) {
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
			check.Equal(t, process.Run(t, process.Env(server), test.args...), process.Result{Stdout: test.stdout})
			requests := server.Requests()
			check.Equal(t, len(requests), 3)
			check.Equal(t, requests[0].Method+" "+requests[0].Path, "GET /api/admin/v1/attributes")
			check.Equal(t, len(requests[0].Query), 0)
		})
	}
}

func TestSourceIsAskedFor(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	check.Equal(t, process.Run(t, process.Env(server), "-source", "duty-1", "-count"), process.Result{Stdout: "shift\t1\nteam\t1\n"})
	query, err := json.Marshal(server.Requests()[0].Query)
	check.NoError(t, err)
	check.JSON(t, string(query), `{"source_integration_reference": ["duty-1"]}`)
}

// A script that reads the output has to get an empty list where there is
// nothing, and a person has to see that it is not an error of theirs.
func TestNoTypes(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	check.Equal(t, process.Run(t, process.Env(server), "-source", "nowhere", "-json"), process.Result{Stdout: "[]\n"})
	check.Equal(t, process.Run(t, process.Env(server), "-source", "nowhere", "-json", "-count"), process.Result{Stdout: "[]\n"})
	check.Equal(t, process.Run(t, process.Env(server), "-source", "nowhere"), process.Result{Stderr: "There are no such attributes.\n"})
}

func TestWithoutTokenPrintsTheDemoTenant(t *testing.T) {
	t.Parallel()
	check.Equal(t, process.Run(t, nil, "-count"), process.Result{Stdout: "pagerduty_shift\t10\nteam\t10\n", Stderr: demo})
}

// A set that lacks what came after an error would look whole.
func TestErrorsPrintNoTypes(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.FaultNext("Attributes.List", 1, aponotest.Fault{})
	server.FailNext("Attributes.List", 1, 403, nil, "")
	check.Equal(t, process.Run(t, process.Env(server)), process.Result{
		Stderr: "attribute-types: this token may not do that: apono: GET /api/admin/v1/attributes: 403 Forbidden, request id fake-2\n", Code: 1,
	})
	check.Equal(t, process.Run(t, nil, "team"), process.Result{
		Stderr: "attribute-types: it takes 0 arguments besides flags, not 1; see -h\n", Code: 2,
	})
	help := process.Run(t, nil, "-h")
	check.Equal(t, help.Code, 0)
	check.Contains(t, help.Stderr, "-source integration", "-json", "-count")
}
