package apono_test

import (
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// delegatedRequests returns the objects in delegatedrequests/request.json and
// request_minimal.json.
func delegatedRequests() []*apono.DelegatedAccessRequest {
	return []*apono.DelegatedAccessRequest{
		{
			ID:             "dr-1",
			Status:         apono.AccessRequestStatusPending,
			DurationInSec:  new(3600),
			Justification:  new("On call"),
			CreationDate:   time.Date(2026, 3, 5, 7, 8, 9, 123000000, time.UTC),
			RevocationDate: new(time.Date(2026, 3, 5, 15, 16, 17, 0, time.UTC)),
			CustomFields:   map[string]string{"ticket": "OPS-2"},
			AccessGroups: []apono.AccessGroup{{
				Integration:   apono.Ref{ID: "i1", Name: "Production"},
				ResourceTypes: []apono.ResourceType{{ID: "aws-account-s3-bucket", Label: "S3 Bucket"}},
			}},
			Requestor: &apono.IdentityRef{ID: "u1", SourceID: "ann@example.com"},
			Grantee:   apono.IdentityRef{ID: "u2", SourceID: "ben@example.com"},
			Bundle:    &apono.Ref{ID: "b1", Name: "Orders on-call"},
		},
		{
			ID: "dr-2", Status: "Revoked", CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC),
			CustomFields: map[string]string{}, AccessGroups: []apono.AccessGroup{},
			Grantee: apono.IdentityRef{ID: "u3", SourceID: "chen@example.com"},
		},
	}
}

func TestListDelegatedRequests(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"items": [` + apitest.Fixture(t, "delegatedrequests/request.json") + `,` + apitest.Fixture(t, "delegatedrequests/request_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := apitest.NewClient(t, fake).DelegatedRequests.List(t.Context(), apono.ListDelegatedRequestsOptions{
		Limit: 20, Grantee: "ben@example.com", Statuses: []apono.AccessRequestStatus{apono.AccessRequestStatusPending, "On hold"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.DelegatedAccessRequest]{Items: delegatedRequests(), NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v1/delegated-access-requests",
		"grantee=ben%40example.com&limit=20&statuses=PENDING&statuses=On+hold", "")
}

func TestGetDelegatedRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "delegatedrequests/request.json")},
		script.Response{Body: apitest.Fixture(t, "delegatedrequests/request_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range delegatedRequests() {
		got, err := client.DelegatedRequests.Get(t.Context(), "dr/1 a")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/user/v1/delegated-access-requests/dr%2F1%20a", "", "")
	}
}
