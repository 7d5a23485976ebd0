package apono_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

const legacyDetailsPath = "/api/v3/access-requests/ar-1/access-details"

// legacyRequests returns the objects in legacy/access_request.json and
// access_request_other.json. The status of the second is not one of the constants.
func legacyRequests() []*apono.AccessRequestV3 {
	return []*apono.AccessRequestV3{
		{
			RequestID: "ar-1", FriendlyRequestID: "AR-123", UserID: "u1", Status: apono.AccessStatusV3Granted, IntegrationID: "i1",
			ResourceIDs: []string{"r1", "r2"}, Permissions: []string{"READ_ONLY", "ADMIN"}, Justification: "On call <b>",
		},
		{
			RequestID: "ar-2", FriendlyRequestID: "AR-124", UserID: "u2", Status: "WAITING", IntegrationID: "i2",
			ResourceIDs: []string{}, Permissions: []string{},
		},
	}
}

func TestListLegacyAccessRequests(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"data": [` + apitest.Fixture(t, "legacy/access_request.json") + `,` + apitest.Fixture(t, "legacy/access_request_other.json") + `],
		"pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := apitest.NewClient(t, fake).Legacy.AccessRequests.List(t.Context(), apono.ListAccessRequestsV3Options{
		Limit: 2, Skip: 4, DaysOffset: 30, UserID: "ann+x@example.com",
	})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.AccessRequestV3]{Items: legacyRequests(), Total: 9, Limit: 2, Offset: 4}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v3/access-requests", "days_offset=30&limit=2&skip=4&user_id=ann%2Bx%40example.com", "")
}

func TestGetLegacyAccessRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/access_request.json")}, script.Response{Body: apitest.Fixture(t, "legacy/access_request_other.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range legacyRequests() {
		got, err := client.Legacy.AccessRequests.Get(t.Context(), "ar-1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/v3/access-requests/ar-1", "", "")
	}
}

func TestCreateLegacyAccessRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "legacy/access_request.json")})
	got, err := apitest.NewClient(t, fake).Legacy.AccessRequests.Create(t.Context(), apono.CreateAccessRequestV3Input{
		UserID: "u1", IntegrationID: "i1", ResourceIDs: []string{"r1", "r2"}, Permissions: []string{"READ_ONLY", "ADMIN"},
		Justification: "On call <b>", DurationInSec: new(3600),
	})
	require.NoError(t, err)
	require.Equal(t, legacyRequests()[0], got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v3/access-requests", "", `{
		"user_id": "u1", "integration_id": "i1", "resource_ids": ["r1", "r2"], "permissions": ["READ_ONLY", "ADMIN"],
		"justification": "On call <b>", "duration_in_sec": 3600
	}`)
}

func TestRevokeManyLegacyAccessRequests(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"message": "Revoking"}`})
	got, err := apitest.NewClient(t, fake).Legacy.AccessRequests.RevokeMany(t.Context(), []string{"ar-1", "ar-2"})
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "Revoking"}, got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v3/access-requests-bulk/revoke", "", `{"request_ids": ["ar-1", "ar-2"]}`)
}

// What the server does with an empty list of ids is not documented.
func TestRevokeManyWithoutIDsIsArgumentError(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t))
	for _, none := range [][]string{nil, {}} {
		_, err := client.Legacy.AccessRequests.RevokeMany(t.Context(), none)
		require.Equal(t, "requestIDs", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
	}
}

func TestResetLegacyCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"message": "Resetting"}`})
	got, err := apitest.NewClient(t, fake).Legacy.AccessRequests.ResetCredentials(t.Context(), "ar-1")
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "Resetting"}, got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v3/access-requests/ar-1/reset", "", "")
}

func TestGetLegacyAccessDetails(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"details": "Connect with hunter2-<&>"}`}, script.Response{Body: `{"details": ""}`})
	client := apitest.NewClient(t, fake)
	for i, want := range []string{"Connect with hunter2-<&>", ""} {
		got, err := client.Legacy.AccessRequests.GetAccessDetails(t.Context(), "ar-1")
		require.NoError(t, err)
		require.Equal(t, want, got.Details.Reveal())
		apitest.Sent(t, fake.Requests()[i], "GET", legacyDetailsPath, "", "")
	}
}

// One-time credentials are used up by the first response, even if it gets lost.
func TestLegacyAccessDetailsAreNotRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, response := range []script.Response{
			{Status: 408}, {Status: 425}, {Status: 429, Header: map[string]string{"Retry-After": "1"}}, {Status: 500}, {Status: 502}, {Status: 503}, {Status: 504},
			{Err: apitest.ErrReset}, {Body: `{"details":`, BodyErr: io.ErrUnexpectedEOF}, {Body: `{"details":`}, {Delay: time.Hour},
		} {
			fake := script.New(t, response, response)
			_, err := apitest.NewClient(t, fake).Legacy.AccessRequests.GetAccessDetails(t.Context(), "ar-1")
			require.Errorf(t, err, "expected an error after %+v", response)
			require.Len(t, fake.Requests(), 1)
			err = apitest.NewClient(t, fake).Do(t.Context(), "GET", legacyDetailsPath, nil, nil, new(map[string]any))
			require.Errorf(t, err, "expected an error after %+v", response)
			require.Len(t, fake.Requests(), 2)
		}
	})
}

func TestReadOnlyClientRejectsLegacyAccessDetails(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithReadOnly())
	_, err := client.Legacy.AccessRequests.GetAccessDetails(t.Context(), "ar-1")
	require.ErrorIs(t, err, apono.ErrReadOnly)
	for _, path := range []string{legacyDetailsPath, "/api/v3/access%2Drequests/ar-1/access%2ddetails", "/api/v3/access-requests/a%2Fb/access-details"} {
		require.ErrorIs(t, client.Do(t.Context(), "GET", path, nil, nil, new(map[string]any)), apono.ErrReadOnly)
	}
	_, err = client.Legacy.AccessFlows.Update(t.Context(), "f1", apono.UpdateAccessFlowV1Input{})
	require.ErrorIs(t, err, apono.ErrReadOnly)
	_, err = client.Legacy.AccessRequests.RevokeMany(t.Context(), []string{"ar-1"})
	require.ErrorIs(t, err, apono.ErrReadOnly)
}

// A response that cannot be decoded may contain a password.
func TestDecodeErrorOfLegacyAccessDetailsHidesBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"details": hunter2}`, `"hunter2"`, `hunter2`, `{"details": "hunter2"} hunter2`,
		`{"details": "hunter2`, `["hunter2"]`,
	} {
		_, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).Legacy.AccessRequests.GetAccessDetails(t.Context(), "ar-1")
		require.Equal(t, body, string(apitest.ErrorAs[*apono.DecodeError](t, err).Body))
		require.ErrorContains(t, err, "apono: GET /api/v3/access-requests/{id}/access-details: 200 OK, but the body is unusable: ")
		for way, text := range formatted(err) {
			require.NotContainsf(t, text, "hunter2", "%s must not print the password", way)
		}
	}
}

func TestListSelectables(t *testing.T) {
	t.Parallel()
	const pagination = `], "pagination": {"total": 9, "limit": 2, "offset": 4}}`
	const query = "limit=2&skip=4&user_id=ann%40example.com"
	opts := apono.ListSelectableOptions{Limit: 2, Skip: 4, UserID: "ann@example.com"}
	fake := script.New(t,
		script.Response{Body: `{"data": [{"id": "i1"}, {"id": "i2"}` + pagination},
		script.Response{Body: `{"data": [{"id": "db", "name": "Database"}, {"id": "vm", "name": ""}` + pagination},
		script.Response{Body: `{"data": [{"id": "r1", "type": "db", "name": "orders"}, {"id": "r2", "type": "", "name": ""}` + pagination},
	)
	client := apitest.NewClient(t, fake).Legacy.AccessRequests
	integrations, err := client.ListSelectableIntegrations(t.Context(), opts)
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.SelectableIntegration]{
		Items: []*apono.SelectableIntegration{{ID: "i1"}, {ID: "i2"}}, Total: 9, Limit: 2, Offset: 4,
	}, integrations)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v3/selectable-integrations", query, "")
	types, err := client.ListSelectableResourceTypes(t.Context(), "i1", opts)
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.SelectableResourceType]{
		Items: []*apono.SelectableResourceType{{ID: "db", Name: "Database"}, {ID: "vm"}}, Total: 9, Limit: 2, Offset: 4,
	}, types)
	apitest.Sent(t, fake.Requests()[1], "GET", "/api/v3/selectable-integrations/i1/resource-types", query, "")
	resources, err := client.ListSelectableResources(t.Context(), "i1", "db", opts)
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.SelectableResource]{
		Items: []*apono.SelectableResource{{ID: "r1", Type: "db", Name: "orders"}, {ID: "r2"}}, Total: 9, Limit: 2, Offset: 4,
	}, resources)
	apitest.Sent(t, fake.Requests()[2], "GET", "/api/v3/selectable-integrations/i1/db/resources", query, "")
}

// The page must keep allow_multiple, because it restricts requests.
func TestListSelectablePermissions(t *testing.T) {
	t.Parallel()
	for allow, want := range map[string]bool{`, "allow_multiple": true`: true, `, "allow_multiple": false`: false, ``: false} {
		fake := script.New(t, script.Response{Body: `{"data": ["READ_ONLY", ""], "pagination": {"total": 9, "limit": 2, "offset": 4}` + allow + `}`})
		page, err := apitest.NewClient(t, fake).Legacy.AccessRequests.ListSelectablePermissions(t.Context(), "i1", "db",
			apono.ListSelectableOptions{Limit: 2, Skip: 4, UserID: "ann@example.com"})
		require.NoError(t, err)
		require.Equal(t, want, page.AllowMultiple)
		require.Equal(t, []string{"READ_ONLY", ""}, page.Items)
		require.Equal(t, []int{9, 2, 4}, []int{page.Total, page.Limit, page.Offset})
		apitest.Sent(t, fake.Requests()[0], "GET", "/api/v3/selectable-integrations/i1/db/permissions", "limit=2&skip=4&user_id=ann%40example.com", "")
	}
}

func TestBrokenSelectablePermissionsAreErrors(t *testing.T) {
	t.Parallel()
	const pagination = `, "pagination": {"total": 2, "limit": 2, "offset": 0}, "allow_multiple": true}`
	for body, cause := range map[string]string{
		`{"data": ["A", null]` + pagination:       "item 1 of the list is null",
		`{"data": [{"id": "A"}]` + pagination:     "",
		`{"data": {}` + pagination:                "",
		`["A"]`:                                   "",
		`{"data": ["A"], "allow_multiple": true}`: "pagination is missing",
	} {
		client := apitest.NewClient(t, script.New(t, script.Response{Body: body}, script.Response{Body: body})).Legacy.AccessRequests
		page, err := client.ListSelectablePermissions(t.Context(), "i1", "db")
		require.ErrorAs(t, err, new(*apono.DecodeError))
		require.ErrorContains(t, err, "/api/v3/selectable-integrations/{integration_id}/{resource_type}/permissions: ")
		require.ErrorContains(t, err, cause)
		require.Nil(t, page, "no page")
		pairs := 0
		for name, err := range client.ListAllSelectablePermissions(t.Context(), "i1", "db") {
			require.ErrorAs(t, err, new(*apono.DecodeError))
			require.Empty(t, name)
			pairs++
		}
		require.Equal(t, 1, pairs)
	}
}
