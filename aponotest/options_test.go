package aponotest_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// Programs that a script starts look for the fake where they were told to.
func TestServerOnAPort(t *testing.T) {
	t.Parallel()
	server, port := breakOnPort(t)
	for tries := 1; server == nil && tries < 5; tries++ { // somebody else was quicker
		server, port = breakOnPort(t)
	}
	require.NotNil(t, server, "a server on a port that was free")
	defer server.Close()
	require.Equal(t, fmt.Sprintf("http://127.0.0.1:%d", port), server.URL)
	_, err := server.Client().Integrations.List(t.Context())
	require.NoError(t, err)
}

// breakOnPort starts a server on a port that it first finds taken. The server is
// nil if the port was taken again meanwhile.
func breakOnPort(t *testing.T) (server *aponotest.Server, port int) {
	t.Helper()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port = taken.Addr().(*net.TCPAddr).Port
	_, err = aponotest.Start(aponotest.WithPort(port))
	require.Error(t, err, "an error for a port that is taken")
	require.ErrorContains(t, err, fmt.Sprintf("127.0.0.1:%d", port))
	require.ErrorContains(t, err, "in use")
	require.NoError(t, taken.Close())
	server, err = aponotest.Start(aponotest.WithPort(port))
	if err != nil {
		return nil, port
	}
	return server, port
}

// A server of April knows nothing of spaces. It does not say so: what it does
// not know it passes over.
func TestWithoutSpaces(t *testing.T) {
	t.Parallel()
	server := accessServer(t, aponotest.WithoutSpaces())
	for _, request := range []string{
		"GET " + spacesPath, "POST " + spacesPath, "GET " + spacesPath + "/s", "PUT " + spacesPath + "/s", "DELETE " + spacesPath + "/s",
		"GET " + spacesPath + "/s/members", "PUT " + spacesPath + "/s/members", "PUT " + spacesPath + "/s/members/m", "DELETE " + spacesPath + "/s/members/m",
		"GET " + spaceScopesPath, "POST " + spaceScopesPath, "GET " + spaceScopesPath + "/s", "PUT " + spaceScopesPath + "/s", "DELETE " + spaceScopesPath + "/s",
	} {
		method, path, _ := strings.Cut(request, " ")
		answers(t, server, method, path, "", 404, fmt.Sprintf(`{"message": %q}`, "operation "+request+" not found"))
	}
	synctest.Test(t, func(t *testing.T) {
		const dates = `"creation_date": "2000-01-01T00:00:00.000Z"`
		accessAnswers(t, server, "POST", bundlesPath+"?space_reference=nowhere", `{"name": "b", "description": "d", "future": {"x": 1}, "access_targets": [
			{"access_scope": {"access_scope_reference": "scope-1", "future": []}}]}`, 200,
			`{"id": "`+firstID+`", "name": "b", `+dates+`, "update_date": "2000-01-01T00:00:00.000Z",
			"access_targets": [{"access_scope": {"access_scope_id": "scope-1", "access_scope_name": "Databases"}}]}`)
		small := strings.Replace(smallFlow, `"requestor_identity_type": "HUMAN", `, "", 1)
		want := `{"id": "` + secondID + `", "name": "f", ` + dates + `, ` + small + `}`
		accessAnswers(t, server, "POST", flowsPath, `{"name": "f", "request_for_others": false, "space": null, `+smallFlow+`}`, 200, want)
		accessAnswers(t, server, "GET", flowsPath+"?space_references=nowhere", "", 200, spacePage(want))
		accessAnswers(t, server, "PUT", flowsPath+"/"+secondID, `{"name": "f", "request_for_others": false, `+small+`}`, 200,
			strings.Replace(want, dates, dates+`, "update_date": "2000-01-01T00:00:00.000Z"`, 1))
	})
	for body, want := range map[string]string{
		`{"name": "b", "access_targets": [{"query_target": {"query": "q"}}]}`: `{"field": "access_targets[0]",
			"message": "access_targets[0]: exactly one of access_scope, integration must be set"}`,
		`{"access_targets": []}`: `{"field": "name", "message": "name: is required"}`,
	} {
		answers(t, server, "POST", bundlesPath, body, 422, want)
	}
	answers(t, server, "POST", flowsPath, `{"name": "g", "request_for_others": false, "escalation_policy": {"approver_groups": []}, `+smallFlow+`}`, 422,
		`{"field": "escalation_policy.interval_in_min", "message": "escalation_policy.interval_in_min: is required"}`)

	// What is put is stored as such a server would have it.
	server.Put(aponotest.AccessFlows, apono.AccessFlow{ID: "put", Name: "put", RequestorIdentityType: "AGENT", Space: &apono.SpaceReference{SpaceID: "s", SpaceName: "s"}})
	_, flow := ask(t, server, "GET", flowsPath+"/put", "")
	require.NotContains(t, flow, "space")
	require.NotContains(t, flow, "AGENT")
	require.NotContains(t, flow, "requestor_identity_type")
}
