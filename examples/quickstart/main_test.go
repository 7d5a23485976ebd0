package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/apono-go/apono/internal/check"
)

func TestMain(m *testing.M) { process.Main(m, main) }

// quickstart runs the program in a process of its own.
func quickstart(t *testing.T, env []string, args ...string) (stdout, stderr string, exitCode int) {
	t.Helper()
	result := process.Run(t, env, args...)
	return result.Stdout, result.Stderr, result.Code
}

// withToken is the environment of somebody who has a token for a server.
func withToken(server *aponotest.Server, token string) []string {
	return []string{"APONO_TOKEN=" + token, "APONO_ENDPOINT=" + server.URL}
}

func TestWithoutTokenListsTheDemoTenant(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := quickstart(t, nil)
	check.Equal(t, code, 0)
	check.Equal(t, stderr, "No APONO_TOKEN or APONO_PERSONAL_TOKEN is set: this is the demo tenant of an embedded fake server.\n")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	check.Equal(t, len(lines), 1+273+1)
	check.Equal(t, strings.Fields(lines[0]), []string{"NAME", "TYPE", "CATEGORY", "STATUS", "CONNECTOR"})
	check.Equal(t, strings.Fields(lines[1]),
		[]string{"aws-account-production-orders", "aws-account", "RESOURCES", "ACTIVE", "production-connector"})
	check.True(t, regexp.MustCompile(`^273 integrations in 3 pages, [0-9.]+m?s$`).MatchString(lines[274]), "a summary, got %q", lines[274])
}

func TestWithTokenListsTheRealServer(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithPageSize(1))
	server.Put(aponotest.Integrations,
		apono.Integration{ID: "i1", Name: "orders", Type: "mysql", ConnectorID: apono.Ptr("c1")},
		apono.Integration{ID: "i2", Name: "people", Type: "okta"})
	stdout, stderr, code := quickstart(t, withToken(server, server.Token))
	check.Equal(t, code, 0)
	check.Equal(t, stderr, "")
	check.Contains(t, stdout, "orders  mysql  RESOURCES         ACTIVE  c1\n", "people  okta   USER-INFORMATION  ACTIVE  -\n", "2 integrations in 2 pages, ")
}

func TestFiltersAreSent(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations,
		apono.Integration{ID: "i1", Name: "orders", Type: "mysql"}, apono.Integration{ID: "i2", Name: "orders-old", Type: "mysql"})
	stdout, stderr, code := quickstart(t, withToken(server, server.Token),
		"-name", "ord*", "-type", "mysql,okta", "-category", "RESOURCES", "-status", "ACTIVE", "-json")
	check.Equal(t, code, 0)
	check.Contains(t, stderr, "2 integrations in 1 page, ")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	check.Equal(t, len(lines), 2)
	check.JSON(t, lines[0], `{"id": "i1", "name": "orders", "type": "mysql", "category": "RESOURCES", "status": "ACTIVE", "integration_config": {}}`)
	query, err := json.Marshal(server.Requests()[0].Query)
	check.NoError(t, err)
	check.JSON(t, string(query), `{"name": ["ord*"], "type": ["mysql", "okta"], "category": ["RESOURCES"], "status": ["ACTIVE"]}`)
}

func TestErrorsAreOneHelpfulLine(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.FailNext("Integrations.List", 1, 403, nil, "")
	for _, test := range []struct {
		env  []string
		args []string
		code int
		want string
	}{
		{withToken(server, server.Token), nil, 1, "quickstart: this token may not do that: apono: GET /api/admin/v4/integrations: 403 Forbidden, request id fake-1\n"},
		{withToken(server, "wrong"), nil, 1, "quickstart: Apono refused the token: check APONO_TOKEN or APONO_PERSONAL_TOKEN, or make a new token in the Apono portal\n"},
		{withToken(server, "two words"), nil, 1, "quickstart: apono: argument APONO_TOKEN: the token holds characters other than printable ASCII: is it complete, and from the right place?\n"},
		{nil, []string{"extra"}, 2, "quickstart: it takes 0 arguments besides flags, not 1; see -h\n"},
	} {
		stdout, stderr, code := quickstart(t, test.env, test.args...)
		check.Equal(t, stderr, test.want)
		check.Equal(t, stdout, "")
		check.Equal(t, code, test.code)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	_, stderr, code := quickstart(t, nil, "-h")
	check.Equal(t, code, 0)
	check.Contains(t, stderr, "-category", "-json", "-name", "-status", "-type")
	_, stderr, code = quickstart(t, nil, "-nonsense")
	check.Equal(t, code, 2)
	check.Contains(t, stderr, "flag provided but not defined: -nonsense")
}
