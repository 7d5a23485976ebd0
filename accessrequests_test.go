package apono_test

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// activeRequest returns the object in accessrequests/request.json.
func activeRequest() *apono.AccessRequest {
	return &apono.AccessRequest{
		ID:             "ar-1",
		Status:         apono.AccessRequestStatusActive,
		DurationInSec:  new(28800),
		Justification:  new("Incident 4711 <urgent>"),
		CreationDate:   time.Date(2026, 3, 5, 7, 8, 9, 123000000, time.UTC),
		RevocationDate: new(time.Date(2026, 3, 5, 15, 16, 17, 1, time.UTC)),
		CustomFields:   map[string]string{"ticket": "OPS-1", "note": ""},
		AccessGroups: []apono.AccessGroup{
			{
				Integration: apono.Ref{ID: "i1", Name: "Production"},
				ResourceTypes: []apono.ResourceType{
					{ID: "aws-account-s3-bucket", Label: "S3 Bucket"}, {ID: "aws-account-iam-role", Label: "IAM Role"},
				},
			},
			{Integration: apono.Ref{ID: "i2", Name: "Orders database"}, ResourceTypes: []apono.ResourceType{}},
		},
		Requestor: &apono.IdentityRef{ID: "u1", SourceID: "ann@example.com"},
		Grantee:   &apono.IdentityRef{ID: "u2", SourceID: "ben@example.com"},
		Bundle:    &apono.Ref{ID: "b1", Name: "Orders on-call"},
	}
}

// minimalRequest returns the object in accessrequests/request_minimal.json.
func minimalRequest() *apono.AccessRequest {
	return &apono.AccessRequest{
		ID: "ar-2", Status: "ON_HOLD", CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC),
		CustomFields: map[string]string{}, AccessGroups: []apono.AccessGroup{},
	}
}

// ordersBucket returns the resource in the entitlements of the fixtures.
func ordersBucket() apono.EntitlementResource {
	return apono.EntitlementResource{
		ID: "r1", SourceID: "arn:aws:s3:::orders", Name: "orders",
		Type: apono.ResourceType{ID: "aws-account-s3-bucket", Label: "S3 Bucket"},
	}
}

func TestListAccessRequests(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"items": [` + apitest.Fixture(t, "accessrequests/request.json") + `,` + apitest.Fixture(t, "accessrequests/request_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := apitest.NewClient(t, fake).AccessRequests.List(t.Context(), apono.ListAccessRequestsOptions{
		Limit: 20, Requestor: "ann@example.com", Statuses: []apono.AccessRequestStatus{apono.AccessRequestStatusPendingMFA, "On hold"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AccessRequest]{Items: []*apono.AccessRequest{activeRequest(), minimalRequest()}, NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v4/access-requests",
		"limit=20&requestor=ann%40example.com&statuses=PENDING_MFA&statuses=On+hold", "")
}

func TestGetAccessRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "accessrequests/request.json")},
		script.Response{Body: apitest.Fixture(t, "accessrequests/request_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.AccessRequest{activeRequest(), minimalRequest()} {
		got, err := client.AccessRequests.Get(t.Context(), "ar/1 a")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/user/v4/access-requests/ar%2F1%20a", "", "")
	}
}

// The server may create several requests, or none. All of them must be returned, so that
// the caller can revoke them.
func TestCreateAccessRequestReturnsAllRequests(t *testing.T) {
	t.Parallel()
	one, other := apitest.Fixture(t, "accessrequests/request.json"), apitest.Fixture(t, "accessrequests/request_minimal.json")
	fake := script.New(t, script.Response{Body: `[` + one + `,` + other + `]`}, script.Response{Body: `[` + other + `]`}, script.Response{Body: `[]`})
	client := apitest.NewClient(t, fake)
	for i, test := range []struct {
		in   apono.CreateAccessRequestInput
		body string
		want []*apono.AccessRequest
	}{
		{
			apono.CreateAccessRequestInput{
				Entitlements:  []apono.CreateAccessRequestEntitlement{{ResourceID: "r1", PermissionID: "p1"}, {ResourceID: "r2", PermissionID: "p2"}},
				Justification: new("Incident 4711 <urgent>"),
				DurationInSec: new(28800),
				CustomFields:  map[string]string{"ticket": "OPS-1", "note": ""},
				Grantee:       new("ben@example.com"),
			},
			apitest.Fixture(t, "accessrequests/create.json"),
			[]*apono.AccessRequest{activeRequest(), minimalRequest()},
		},
		{
			apono.CreateAccessRequestInput{BundleReference: new("Orders on-call")},
			`{"bundle_reference": "Orders on-call", "custom_fields": {}}`,
			[]*apono.AccessRequest{minimalRequest()},
		},
		{
			apono.CreateAccessRequestInput{BundleReference: new("")},
			`{"bundle_reference": "", "custom_fields": {}}`,
			[]*apono.AccessRequest{},
		},
	} {
		got, err := client.AccessRequests.Create(t.Context(), test.in)
		require.NoError(t, err)
		require.Equal(t, test.want, got)
		apitest.Sent(t, fake.Requests()[i], "POST", "/api/user/v4/access-requests", "", test.body)
	}
}

func TestRequestAgainReturnsAllRequests(t *testing.T) {
	t.Parallel()
	one, other := apitest.Fixture(t, "accessrequests/request.json"), apitest.Fixture(t, "accessrequests/request_minimal.json")
	fake := script.New(t, script.Response{Body: `[` + one + `,` + other + `]`}, script.Response{Body: `[` + one + `]`}, script.Response{Body: `[]`})
	client := apitest.NewClient(t, fake)
	for i, test := range []struct {
		in   apono.RequestAgainInput
		body string
		want []*apono.AccessRequest
	}{
		{
			apono.RequestAgainInput{Justification: new("Once more"), CustomFields: map[string]string{"ticket": "OPS-1"}},
			`{"justification": "Once more", "custom_fields": {"ticket": "OPS-1"}}`,
			[]*apono.AccessRequest{activeRequest(), minimalRequest()},
		},
		{apono.RequestAgainInput{Justification: new("")}, `{"justification": "", "custom_fields": {}}`, []*apono.AccessRequest{activeRequest()}},
		{apono.RequestAgainInput{}, `{"custom_fields": {}}`, []*apono.AccessRequest{}},
	} {
		got, err := client.AccessRequests.RequestAgain(t.Context(), "ar-1", test.in)
		require.NoError(t, err)
		require.Equal(t, test.want, got)
		apitest.Sent(t, fake.Requests()[i], "POST", "/api/user/v4/access-requests/ar-1/request-again", "", test.body)
	}
}

// accessSubmissions are the calls that return a list of created requests.
var accessSubmissions = map[string]func(context.Context, *apono.Client) ([]*apono.AccessRequest, error){
	"Create": func(ctx context.Context, c *apono.Client) ([]*apono.AccessRequest, error) {
		return c.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{BundleReference: new("b1")})
	},
	"RequestAgain": func(ctx context.Context, c *apono.Client) ([]*apono.AccessRequest, error) {
		return c.AccessRequests.RequestAgain(ctx, "ar-1", apono.RequestAgainInput{})
	},
}

// The list must not contain nil, and a response of another form must not look like an
// empty list.
func TestCreateAccessRequestWithoutListInResponseIsDecodeError(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[{"id": "ar-1"}, null]`:               "item 1 of the list is null",
		`[null]`:                               "item 0 of the list is null",
		`{"id": "ar-1", "status": "ACTIVE"}`:   "cannot unmarshal object into Go slice",
		`{"items": [], "pagination": {}}`:      "cannot unmarshal object into Go slice",
		`null`:                                 "the body is null",
		``:                                     "the body is empty",
		`[] []`:                                "invalid character '[' after top-level value",
		`[{"id": "ar-1", "status": "ACTIVE"},`: "unexpected EOF",
	} {
		for name, submit := range accessSubmissions {
			t.Run(name+" "+body, func(t *testing.T) {
				t.Parallel()
				got, err := submit(t.Context(), apitest.NewClient(t, script.New(t, script.Response{Body: body})))
				require.EqualError(t, apitest.ErrorAs[*apono.DecodeError](t, err).Err, want)
				require.Nil(t, got)
			})
		}
	}
}

func TestCreateAccessRequestRejectsInvalidInputs(t *testing.T) {
	t.Parallel()
	const (
		union    = "apono: argument in: exactly one of BundleReference and Entitlements must be set, but "
		duration = "apono: argument in.DurationInSec: must be positive, or nil for the duration of the access flow"
	)
	bundle, entitlements := new("b1"), []apono.CreateAccessRequestEntitlement{{ResourceID: "r1", PermissionID: "p1"}}
	for name, test := range map[string]struct {
		in   apono.CreateAccessRequestInput
		want string
	}{
		"neither":           {apono.CreateAccessRequestInput{Justification: new("because")}, union + "none is"},
		"no entitlement":    {apono.CreateAccessRequestInput{Entitlements: entitlements[:0]}, union + "none is"},
		"both":              {apono.CreateAccessRequestInput{BundleReference: bundle, Entitlements: entitlements}, union + "BundleReference and Entitlements are"},
		"no duration":       {apono.CreateAccessRequestInput{BundleReference: bundle, DurationInSec: new(0)}, duration},
		"negative duration": {apono.CreateAccessRequestInput{Entitlements: entitlements, DurationInSec: new(-1)}, duration},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apitest.NewClient(t, apitest.NoRequest(t)).AccessRequests.Create(t.Context(), test.in)
			require.EqualError(t, apitest.ErrorAs[*apono.ArgumentError](t, err), test.want)
		})
	}
}

// A retry after the server processed the request would request the access twice, reset a
// password that was already used, or use up a one-time password.
func TestAccessCallsAreNotRetriedAfterTheyMayHaveBeenProcessed(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *apono.Client) error{
		"Revoke": func(ctx context.Context, c *apono.Client) error {
			_, err := c.AccessRequests.Revoke(ctx, "ar-1")
			return err
		},
		"ResetCredentials": func(ctx context.Context, c *apono.Client) error {
			_, err := c.Sessions.ResetCredentials(ctx, "s1")
			return err
		},
		"GetAccessDetails": func(ctx context.Context, c *apono.Client) error {
			_, err := c.Sessions.GetAccessDetails(ctx, "s1")
			return err
		},
	}
	for name, submit := range accessSubmissions {
		calls[name] = func(ctx context.Context, c *apono.Client) error { _, err := submit(ctx, c); return err }
	}
	later := map[string]string{"Retry-After": "1"}
	for _, outcome := range []struct {
		name     string
		response script.Response
		// writes is the number of attempts of a POST, details that of GetAccessDetails.
		writes, details int
	}{
		{"401", script.Response{Status: 401}, 1, 1},
		{"408", script.Response{Status: 408}, 1, 1},
		{"425", script.Response{Status: 425, Header: later}, 1, 1},
		{"429", script.Response{Status: 429, Header: later}, 3, 1},
		{"500", script.Response{Status: 500}, 1, 1},
		{"502", script.Response{Status: 502}, 1, 1},
		{"503", script.Response{Status: 503, Header: later}, 1, 1},
		{"504", script.Response{Status: 504}, 1, 1},
		{"reset", script.Response{Err: apitest.ErrReset}, 1, 1},
		{"attempt timeout", script.Response{Delay: time.Hour}, 1, 1},
		{"cut body", script.Response{Body: `[{"instructions": "hunter2`, BodyErr: io.ErrUnexpectedEOF}, 1, 1},
		{"reset in the body", script.Response{Body: `[{"instructions": "hunter2`, BodyErr: apitest.ErrReset}, 1, 1},
		{"body that is not JSON", script.Response{Body: `hunter2`}, 1, 1},
		{"empty body", script.Response{}, 1, 1},
		{"connection refused", script.Response{Err: apitest.ErrConnectionRefused}, 3, 3},
		{"name server failed", script.Response{Err: apitest.ErrLookup}, 3, 3},
	} {
		for name, call := range calls {
			t.Run(name+" "+outcome.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					requests := outcome.writes
					if name == "GetAccessDetails" {
						requests = outcome.details
					}
					fake := script.New(t, slices.Repeat([]script.Response{outcome.response}, requests)...)
					err := call(t.Context(), apitest.NewClient(t, fake))
					require.Error(t, err)
					require.NotContains(t, err.Error(), "hunter2")
					require.Len(t, fake.Requests(), requests)
				})
			})
		}
	}
}

func TestRevokeAccessRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"message": "Revoking"}`})
	got, err := apitest.NewClient(t, fake).AccessRequests.Revoke(t.Context(), "ar-1")
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "Revoking"}, got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/user/v4/access-requests/ar-1/revoke", "", "")
}

func TestListAccessRequestEntitlements(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"items": [` + apitest.Fixture(t, "accessrequests/entitlement.json") + `], "pagination": {"next_page_token": "t2"}}`})
	page, err := apitest.NewClient(t, fake).AccessRequests.ListEntitlements(t.Context(), "ar-1", apono.ListAccessRequestEntitlementsOptions{
		Limit: 20, IntegrationIDs: []string{"i1", "i2"}, ResourceTypes: []string{"aws-account-s3-bucket", "ssh"},
		Statuses: []apono.AccessRequestStatus{apono.AccessRequestStatusGranted, "Failure"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AccessRequestEntitlement]{
		Items: []*apono.AccessRequestEntitlement{{
			Integration: apono.Ref{ID: "i1", Name: "Production"}, Resource: ordersBucket(),
			Permission: apono.RequestEntitlementPermission{Name: "ReadOnlyAccess"}, Status: "Granted",
		}},
		NextPageToken: "t2",
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v4/access-requests/ar-1/entitlements",
		"integration_ids=i1&integration_ids=i2&limit=20&resource_types=aws-account-s3-bucket&resource_types=ssh&statuses=GRANTED&statuses=Failure", "")
}

func TestListAllOfAccessReadsAllPages(t *testing.T) {
	t.Parallel()
	resource := func(id string) string { return fmt.Sprintf(`{"resource": {"id": %q}}`, id) }
	plain := []string{apitest.TokenPage("t2", "a", "b"), apitest.TokenPage("", "c")}
	nested := []string{
		`{"items": [` + resource("a") + `,` + resource("b") + `], "pagination": {"next_page_token": "t2"}}`,
		`{"items": [` + resource("c") + `], "pagination": {}}`,
	}
	for path, test := range map[string]struct {
		pages []string
		list  func(context.Context, *apono.Client) ([]string, error)
	}{
		"/api/user/v4/access-requests": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.AccessRequests.ListAll(ctx), func(r *apono.AccessRequest) string { return r.ID })
		}},
		"/api/user/v4/access-requests/ar-1/entitlements": {nested, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.AccessRequests.ListAllEntitlements(ctx, "ar-1"), func(e *apono.AccessRequestEntitlement) string { return e.Resource.ID })
		}},
		"/api/user/v1/delegated-access-requests": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.DelegatedRequests.ListAll(ctx), func(r *apono.DelegatedAccessRequest) string { return r.ID })
		}},
		"/api/user/v1/access-sessions": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Sessions.ListAll(ctx), func(s *apono.AccessSession) string { return s.ID })
		}},
		"/api/user/v1/available-access/bundles": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.AvailableAccess.ListAllBundles(ctx), func(b *apono.AvailableBundle) string { return b.ID })
		}},
		"/api/user/v1/available-access/entitlements": {nested, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.AvailableAccess.ListAllEntitlements(ctx), func(e *apono.AvailableEntitlement) string { return e.Resource.ID })
		}},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: test.pages[0]}, script.Response{Body: test.pages[1]})
			got, err := test.list(t.Context(), apitest.NewClient(t, fake))
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c"}, got)
			apitest.Sent(t, fake.Requests()[0], "GET", path, "", "")
			apitest.Sent(t, fake.Requests()[1], "GET", path, "page_token=t2", "")
		})
	}
}

// The API does not document the spelling of a status.
func TestAccessRequestStatusMethodsIgnoreSpelling(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"INITIALIZING": "pending", "Initializing": "pending",
		"PENDING": "pending", "Pending": "pending", "pending": "pending",
		"PENDING_MFA": "pending", "PendingMFA": "pending", "pending mfa": "pending", "Pending-Mfa": "pending", "pending_mfa": "pending",
		"APPROVED": "pending", "Approved": "pending",
		"GRANTING": "pending", "Granting": "pending",
		"ACTIVE": "granted", "Active": "granted", "active": "granted", "GRANTED": "granted", "Granted": "granted",
		"REJECTED": "rejected", "Rejected": "rejected",
		"FAILED": "failed", "Failed": "failed", "Failure": "failed",
		"REVOKED": "revoked", "Revoked": "revoked", "re-voked": "revoked", "EXPIRED": "revoked", "Expired": "revoked",
		"REVOKING": "", "Revoking": "", "": "", " ": "", "_": "", "UNKNOWN": "", "PENDING_REVIEW": "", "NOT_GRANTED": "", "REVOKED2": "",
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			s := apono.AccessRequestStatus(status)
			require.Equal(t, map[string]bool{
				"pending": want == "pending", "granted": want == "granted", "rejected": want == "rejected",
				"failed": want == "failed", "revoked": want == "revoked",
			}, map[string]bool{
				"pending": s.Pending(), "granted": s.Granted(), "rejected": s.Rejected(), "failed": s.Failed(), "revoked": s.Revoked(),
			})
		})
	}
}

func TestAccessRequestStatusIs(t *testing.T) {
	t.Parallel()
	const mfa = apono.AccessRequestStatusPendingMFA
	for _, spelling := range []apono.AccessRequestStatus{"PENDING_MFA", "PendingMFA", "pending mfa", "Pending-MFA", "p_e-n d_ING MFA"} {
		require.Truef(t, spelling.Is(mfa), "%q must be PENDING_MFA", spelling)
		require.Truef(t, mfa.Is(spelling), "%q must be PENDING_MFA", spelling)
		require.Truef(t, spelling.Is("Other", mfa), "%q must be PENDING_MFA", spelling)
		require.Falsef(t, spelling.Is(apono.AccessRequestStatusPending, "", "PENDING MF"), "%q must not be another status", spelling)
	}
	require.False(t, mfa.Is(), "Is without arguments must be false")
	require.True(t, apono.AccessRequestStatus("On hold").Is("ON_HOLD"), "statuses without a constant must be compared in the same way")
}

func TestAccessConstants(t *testing.T) {
	t.Parallel()
	for constant, want := range map[apono.AccessRequestStatus]string{
		apono.AccessRequestStatusInitializing: "INITIALIZING",
		apono.AccessRequestStatusPending:      "PENDING",
		apono.AccessRequestStatusPendingMFA:   "PENDING_MFA",
		apono.AccessRequestStatusApproved:     "APPROVED",
		apono.AccessRequestStatusGranting:     "GRANTING",
		apono.AccessRequestStatusActive:       "ACTIVE",
		apono.AccessRequestStatusGranted:      "GRANTED",
		apono.AccessRequestStatusRejected:     "REJECTED",
		apono.AccessRequestStatusFailed:       "FAILED",
		apono.AccessRequestStatusFailure:      "FAILURE",
		apono.AccessRequestStatusRevoking:     "REVOKING",
		apono.AccessRequestStatusRevoked:      "REVOKED",
		apono.AccessRequestStatusExpired:      "EXPIRED",
	} {
		require.Equal(t, want, string(constant))
	}
	for constant, want := range map[apono.CredentialsStatus]string{
		apono.CredentialsStatusAvailable:     "AVAILABLE",
		apono.CredentialsStatusViewed:        "VIEWED",
		apono.CredentialsStatusResetting:     "RESETTING",
		apono.CredentialsStatusNotApplicable: "NOT_APPLICABLE",
	} {
		require.Equal(t, want, string(constant))
	}
}

// A field without a tag would be sent under its Go name, which the API ignores.
func TestAccessTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url",
		reflect.TypeFor[apono.ListAccessRequestsOptions](), reflect.TypeFor[apono.ListAccessRequestEntitlementsOptions](),
		reflect.TypeFor[apono.ListDelegatedRequestsOptions](), reflect.TypeFor[apono.ListSessionsOptions](),
		reflect.TypeFor[apono.ListAvailableBundlesOptions](), reflect.TypeFor[apono.ListAvailableEntitlementsOptions](),
	)
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.AccessRequest](), reflect.TypeFor[apono.AccessGroup](), reflect.TypeFor[apono.Ref](),
		reflect.TypeFor[apono.Ref](), reflect.TypeFor[apono.IdentityRef](), reflect.TypeFor[apono.IdentityRef](),
		reflect.TypeFor[apono.ResourceType](), reflect.TypeFor[apono.AccessRequestEntitlement](), reflect.TypeFor[apono.EntitlementResource](),
		reflect.TypeFor[apono.RequestEntitlementPermission](), reflect.TypeFor[apono.CreateAccessRequestInput](),
		reflect.TypeFor[apono.CreateAccessRequestEntitlement](), reflect.TypeFor[apono.RequestAgainInput](),
		reflect.TypeFor[apono.DelegatedAccessRequest](), reflect.TypeFor[apono.AccessSession](), reflect.TypeFor[apono.AccessSessionDetails](),
		reflect.TypeFor[apono.Link](), reflect.TypeFor[apono.AvailableBundle](), reflect.TypeFor[apono.AvailableEntitlement](),
		reflect.TypeFor[apono.EntitlementPermission](),
	)
}
