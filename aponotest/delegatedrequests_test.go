package aponotest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestAccessRequestsForOthersAreDelegatedRequests(t *testing.T) {
	t.Parallel()
	server := requestServer(t)
	wants := make([]string, 0, 2)
	for i, grantee := range []string{"u-ben", "ben@example.com"} {
		want := fmt.Sprintf(`{"id": %q, "status": "PENDING", "creation_date": "now", "custom_fields": {}, "access_groups": [],
			"grantee": {"id": "u-ben", "source_id": "ben@example.com"}, "bundle": {"id": "b1", "name": "On call"}}`, requestID(i+1))
		checkRequestResponse(t, server, "POST", requestsPath, fmt.Sprintf(`{"bundle_reference": "b1", "grantee": %q, "custom_fields": {}}`, grantee), `[`+want+`]`)
		checkRequestResponse(t, server, "GET", delegatedPath+"/"+requestID(i+1), "", want)
		wants = append(wants, want)
	}
	checkRequestResponse(t, server, "GET", delegatedPath, "", requestPage(wants...))
	checkResponse(t, server, "GET", requestsPath, "", 200, requestPage())
	server.Put(aponotest.AccessRequests, json.RawMessage(`{"id": "own", "custom_fields": {}, "access_groups": []}`))
	checkResponse(t, server, "GET", delegatedPath+"/own", "", 404, `{"message": "delegated access request \"own\" not found"}`)
	checkResponse(t, server, "GET", delegatedPath+"/none", "", 404, `{"message": "delegated access request \"none\" not found"}`)
}

func TestDelegatedRequestsWithClient(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithPageSize(1))
	client, ctx := server.Client(), t.Context()
	var made []string
	for _, bundle := range []string{"b1", "Auditors"} {
		requests, err := client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{BundleReference: &bundle, Grantee: new("ben@example.com")})
		require.NoError(t, err)
		made = append(made, requests[0].ID)
	}
	got, err := client.DelegatedRequests.Get(ctx, made[1])
	require.NoError(t, err)
	require.Equal(t, apono.IdentityRef{ID: "u-ben", SourceID: "ben@example.com"}, got.Grantee)
	require.Equal(t, &apono.Ref{ID: "b2", Name: "Auditors"}, got.Bundle)
	all, err := apono.Collect(client.DelegatedRequests.ListAll(ctx, apono.ListDelegatedRequestsOptions{Grantee: "u-ben"}))
	require.NoError(t, err)
	require.Len(t, all, 2, "wrong delegated requests")
	require.Equal(t, made[0], all[0].ID, "wrong delegated requests")
	require.Equal(t, made[1], all[1].ID, "wrong delegated requests")
	page, err := client.DelegatedRequests.List(ctx, apono.ListDelegatedRequestsOptions{Grantee: "u-ann"})
	require.NoError(t, err)
	require.Empty(t, page.Items)
	server.Put(aponotest.AccessRequests, *got) // Put accepts what Get returns
	again, err := client.DelegatedRequests.Get(ctx, made[1])
	require.NoError(t, err)
	require.Equal(t, got, again)
}
