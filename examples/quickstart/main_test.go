package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// quickstart runs the program in a separate process.
func quickstart(t *testing.T, env []string, args ...string) (stdout, stderr string, exitCode int) {
	t.Helper()
	result := process.Run(t, env, args...)
	return result.Stdout, result.Stderr, result.Code
}

// withToken returns an environment with the address of server and a token.
func withToken(server *aponotest.Server, token string) []string {
	return []string{"APONO_TOKEN=" + token, "APONO_ENDPOINT=" + server.URL}
}

func TestWithoutTokenListsDemoTenant(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := quickstart(t, nil)
	require.Zero(t, code)
	require.Equal(t, "No token is set: using a fake server with demo data.\n", stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 1+10+2)
	require.Equal(t, []string{"NAME", "TYPE", "CATEGORY", "STATUS", "CONNECTOR"}, strings.Fields(lines[0]))
	require.Equal(t, []string{"aws-account-production-orders", "aws-account", "RESOURCES", "ACTIVE", "production-co…"}, strings.Fields(lines[1]))
	require.Equal(t, "… 263 more; use -all to print all", lines[11])
	require.Regexp(t, `^273 integrations in 3 pages, [0-9.]+m?s$`, lines[12], "wrong summary line")
	for _, args := range [][]string{{"-all"}, {"-all", "-wide"}} {
		stdout, _, code = quickstart(t, nil, args...)
		require.Zero(t, code)
		require.Equal(t, 1+273+1, strings.Count(stdout, "\n"))
		require.NotContains(t, stdout, "more")
	}
}

// Without a token the program uses the demo tenant only if nothing points to another one.
func TestDemo(t *testing.T) {
	t.Parallel()
	const fallback, demo = "No token is set: using a fake server with demo data.\n", "Using a fake server with demo data.\n"
	server := aponotest.NewServer(t)
	for _, test := range []struct {
		env    []string
		args   []string
		stderr string
		code   int
	}{
		{[]string{"APONO_TOKEN=", "APONO_PERSONAL_TOKEN=", "APONO_ENDPOINT=", "APONO_TOKEN_FILE="}, nil, fallback, 0},
		{nil, []string{"-demo"}, demo, 0},
		{[]string{"APONO_ENDPOINT=" + server.URL}, []string{"-demo"}, demo, 0},
		{[]string{"APONO_ENDPOINT=" + server.URL}, nil, "quickstart: no token: set APONO_TOKEN, or use -demo for demo data; see -h\n", 2},
		{[]string{"APONO_TOKEN=", "APONO_ENDPOINT=" + server.URL}, nil, "quickstart: no token: set APONO_TOKEN, or use -demo for demo data; see -h\n", 2},
		{[]string{"APONO_PERSONAL_TOKEN=t"}, []string{"-demo"}, "quickstart: -demo cannot be used with APONO_PERSONAL_TOKEN: unset it, or leave out -demo; see -h\n", 2},
	} {
		stdout, stderr, code := quickstart(t, test.env, test.args...)
		require.Equal(t, test.stderr, stderr)
		require.Equal(t, test.code, code)
		require.Equal(t, test.code == 0, strings.Contains(stdout, "\n273 integrations in 3 pages, "))
	}
	require.Empty(t, server.Requests())
}

func TestTableFitsTerminalWidth(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	name := strings.Repeat("ä", 100) + "!"
	server.Put(aponotest.Integrations, apono.Integration{ID: "i1", Name: name, Type: "mysql", ConnectorID: new(strings.Repeat("c", 60))})
	stdout, _, code := quickstart(t, withToken(server, server.Token))
	require.Zero(t, code)
	require.Equal(t, ""+
		"NAME                                         TYPE   CATEGORY   STATUS  CONNECTOR\n"+
		strings.Repeat("ä", 21)+"…"+strings.Repeat("ä", 20)+"!  mysql  RESOURCES  ACTIVE  "+strings.Repeat("c", 8)+"…\n", stdout[:strings.Index(stdout, "1 integration")])
	stdout, _, _ = quickstart(t, withToken(server, server.Token), "-wide")
	require.Contains(t, stdout, name+"  mysql  RESOURCES  ACTIVE  "+strings.Repeat("c", 60)+"\n")
}

func TestWithTokenListsServer(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithPageSize(1))
	server.Put(aponotest.Integrations,
		apono.Integration{ID: "i1", Name: "orders", Type: "mysql", ConnectorID: new("c1")},
		apono.Integration{ID: "i2", Name: "people", Type: "okta"})
	stdout, stderr, code := quickstart(t, withToken(server, server.Token))
	require.Zero(t, code)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "orders  mysql  RESOURCES         ACTIVE  c1\n")
	require.Contains(t, stdout, "people  okta   USER-INFORMATION  ACTIVE  -\n")
	require.Contains(t, stdout, "2 integrations in 2 pages, ")
}

func TestFiltersAreSent(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations,
		apono.Integration{ID: "i1", Name: "orders", Type: "mysql"}, apono.Integration{ID: "i2", Name: "orders-old", Type: "mysql"})
	stdout, stderr, code := quickstart(t, withToken(server, server.Token),
		"-name", "ord*", "-type", "mysql,okta", "-category", "RESOURCES", "-status", "ACTIVE", "-json")
	require.Zero(t, code)
	require.Contains(t, stderr, "2 integrations in 1 page, ")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 2)
	apitest.JSONEq(t, `{"id": "i1", "name": "orders", "type": "mysql", "category": "RESOURCES", "status": "ACTIVE", "integration_config": {}}`, lines[0])
	query, err := json.Marshal(server.Requests()[0].Query)
	require.NoError(t, err)
	apitest.JSONEq(t, `{"name": ["ord*"], "type": ["mysql", "okta"], "category": ["RESOURCES"], "status": ["ACTIVE"]}`, string(query))
}

func TestErrorIsOneLine(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.FaultNext("Integrations.List", 1, aponotest.Fault{Status: 403})
	for _, test := range []struct {
		env  []string
		args []string
		code int
		want string
	}{
		{withToken(server, server.Token), nil, 1, "quickstart: the token has no permission for this: apono: GET /api/admin/v4/integrations: 403 Forbidden, request ID fake-1\n"},
		{withToken(server, "wrong"), nil, 1, "quickstart: Apono rejected the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or create a new token in the Apono portal\n"},
		{withToken(server, "two words"), nil, 1, "quickstart: apono: argument APONO_TOKEN: must be printable ASCII without spaces: check that it is complete and the right one\n"},
		{nil, []string{"extra"}, 2, "quickstart: expected 0 arguments, got 1; see -h\n"},
	} {
		stdout, stderr, code := quickstart(t, test.env, test.args...)
		require.Equal(t, test.want, stderr)
		require.Empty(t, stdout)
		require.Equal(t, test.code, code)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := process.Help(t)
	for _, part := range []string{
		"-category", "-json", "-name", "-status", "-type", "-all", "-wide",
	} {
		require.Contains(t, help, part)
	}
	_, stderr, code := quickstart(t, nil, "-nonsense")
	require.Equal(t, 2, code)
	require.Equal(t, "quickstart: flag provided but not defined: -nonsense; see -h\n", stderr)
}

func TestFullOutput(t *testing.T) {
	t.Parallel()
	process.FullOutput(t, nil, "-json")
}
