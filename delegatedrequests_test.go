package apono_test

import (
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// delegatedRequests are what delegatedrequests/request.json and
// request_minimal.json hold.
func delegatedRequests() []*apono.DelegatedAccessRequest {
	return []*apono.DelegatedAccessRequest{
		{
			ID:             "dr-1",
			Status:         apono.AccessRequestStatusPending,
			DurationInSec:  apono.Ptr(3600),
			Justification:  apono.Ptr("On call"),
			CreationDate:   time.Date(2026, 3, 5, 7, 8, 9, 123000000, time.UTC),
			RevocationDate: apono.Ptr(time.Date(2026, 3, 5, 15, 16, 17, 0, time.UTC)),
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
	fake := script.New(t, script.Answer{Body: `{
		"items": [` + fixture(t, "delegatedrequests/request.json") + `,` + fixture(t, "delegatedrequests/request_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := newClient(t, fake).DelegatedRequests.List(t.Context(), apono.ListDelegatedRequestsOptions{
		Limit: 20, Grantee: "ben@example.com", Statuses: []apono.AccessRequestStatus{apono.AccessRequestStatusPending, "On hold"},
	})
	check.NoError(t, err)
	check.Equal(t, page, &apono.Page[apono.DelegatedAccessRequest]{Items: delegatedRequests(), NextPageToken: "t2"})
	sent(t, fake.Requests()[0], "GET", "/api/user/v1/delegated-access-requests",
		"grantee=ben%40example.com&limit=20&statuses=PENDING&statuses=On+hold", "")
}

func TestGetDelegatedRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "delegatedrequests/request.json")},
		script.Answer{Body: fixture(t, "delegatedrequests/request_minimal.json")},
	)
	client := newClient(t, fake)
	for i, want := range delegatedRequests() {
		got, err := client.DelegatedRequests.Get(t.Context(), "dr/1 a")
		check.NoError(t, err)
		check.Equal(t, got, want)
		sent(t, fake.Requests()[i], "GET", "/api/user/v1/delegated-access-requests/dr%2F1%20a", "", "")
	}
}
