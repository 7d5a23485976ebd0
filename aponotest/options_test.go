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

func TestWithPort(t *testing.T) {
	t.Parallel()
	server, port := startOnTakenPort(t)
	for tries := 1; server == nil && tries < 5; tries++ { // another process may take the port
		server, port = startOnTakenPort(t)
	}
	require.NotNil(t, server, "no free port found")
	defer server.Close()
	require.Equal(t, fmt.Sprintf("http://127.0.0.1:%d", port), server.URL)
	_, err := server.Client().Integrations.List(t.Context())
	require.NoError(t, err)
}

// startOnTakenPort starts a server on a port after a failed start on it. The server is
// nil if another process has taken the port.
func startOnTakenPort(t *testing.T) (server *aponotest.Server, port int) {
	t.Helper()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port = taken.Addr().(*net.TCPAddr).Port
	_, err = aponotest.Start(aponotest.WithPort(port))
	require.Error(t, err, "no error for a port in use")
	require.ErrorContains(t, err, fmt.Sprintf("127.0.0.1:%d", port))
	require.ErrorContains(t, err, "in use")
	require.NoError(t, taken.Close())
	server, err = aponotest.Start(aponotest.WithPort(port))
	if err != nil {
		return nil, port
	}
	return server, port
}

// A server without spaces ignores unknown members.
func TestWithoutSpaces(t *testing.T) {
	t.Parallel()
	server := accessServer(t, aponotest.WithoutSpaces())
	for _, request := range []string{
		"GET " + spacesPath, "POST " + spacesPath, "GET " + spacesPath + "/s", "PUT " + spacesPath + "/s", "DELETE " + spacesPath + "/s",
		"GET " + spacesPath + "/s/members", "PUT " + spacesPath + "/s/members", "PUT " + spacesPath + "/s/members/m", "DELETE " + spacesPath + "/s/members/m",
		"GET " + spaceScopesPath, "POST " + spaceScopesPath, "GET " + spaceScopesPath + "/s", "PUT " + spaceScopesPath + "/s", "DELETE " + spaceScopesPath + "/s",
	} {
		method, path, _ := strings.Cut(request, " ")
		checkResponse(t, server, method, path, "", 404, fmt.Sprintf(`{"message": %q}`, "operation "+request+" not found"))
	}
	synctest.Test(t, func(t *testing.T) {
		const dates = `"creation_date": "2000-01-01T00:00:00.000Z"`
		checkDirectResponse(t, server, "POST", bundlesPath+"?space_reference=nowhere", `{"name": "b", "description": "d", "future": {"x": 1}, "access_targets": [
			{"access_scope": {"access_scope_reference": "scope-1", "future": []}}]}`, 200,
			`{"id": "`+firstID+`", "name": "b", `+dates+`, "update_date": "2000-01-01T00:00:00.000Z",
			"access_targets": [{"access_scope": {"access_scope_id": "scope-1", "access_scope_name": "Databases"}}]}`)
		small := strings.Replace(smallFlow, `"requestor_identity_type": "HUMAN", `, "", 1)
		want := `{"id": "` + secondID + `", "name": "f", ` + dates + `, ` + small + `}`
		checkDirectResponse(t, server, "POST", flowsPath, `{"name": "f", "request_for_others": false, "space": null, `+smallFlow+`}`, 200, want)
		checkDirectResponse(t, server, "GET", flowsPath+"?space_references=nowhere", "", 200, spacePage(want))
		checkDirectResponse(t, server, "PUT", flowsPath+"/"+secondID, `{"name": "f", "request_for_others": false, `+small+`}`, 200,
			strings.Replace(want, dates, dates+`, "update_date": "2000-01-01T00:00:00.000Z"`, 1))
	})
	for body, want := range map[string]string{
		`{"name": "b", "access_targets": [{"query_target": {"query": "q"}}]}`: `{"field": "access_targets[0]",
			"message": "access_targets[0]: exactly one of access_scope, integration must be set"}`,
		`{"access_targets": []}`: `{"field": "name", "message": "name: must be set"}`,
	} {
		checkResponse(t, server, "POST", bundlesPath, body, 422, want)
	}
	checkResponse(t, server, "POST", flowsPath, `{"name": "g", "request_for_others": false, "escalation_policy": {"approver_groups": []}, `+smallFlow+`}`, 422,
		`{"field": "escalation_policy.interval_in_min", "message": "escalation_policy.interval_in_min: must be set"}`)

	// Put removes members that the server does not have.
	server.Put(aponotest.AccessFlows, apono.AccessFlow{ID: "put", Name: "put", RequestorIdentityType: "AGENT", Space: &apono.SpaceReference{SpaceID: "s", SpaceName: "s"}})
	_, flow := sendHTTP(t, server, "GET", flowsPath+"/put", "")
	require.NotContains(t, flow, "space")
	require.NotContains(t, flow, "AGENT")
	require.NotContains(t, flow, "requestor_identity_type")
}
