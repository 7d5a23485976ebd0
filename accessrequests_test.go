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
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// activeRequest is what accessrequests/request.json holds.
func activeRequest() *apono.AccessRequest {
	return &apono.AccessRequest{
		ID:             "ar-1",
		Status:         apono.AccessRequestStatusActive,
		DurationInSec:  apono.Ptr(28800),
		Justification:  apono.Ptr("Incident 4711 <urgent>"),
		CreationDate:   time.Date(2026, 3, 5, 7, 8, 9, 123000000, time.UTC),
		RevocationDate: apono.Ptr(time.Date(2026, 3, 5, 15, 16, 17, 1, time.UTC)),
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

// minimalRequest is what accessrequests/request_minimal.json holds.
func minimalRequest() *apono.AccessRequest {
	return &apono.AccessRequest{
		ID: "ar-2", Status: "ON_HOLD", CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC),
		CustomFields: map[string]string{}, AccessGroups: []apono.AccessGroup{},
	}
}

// ordersBucket is the resource in the entitlements of the fixtures.
func ordersBucket() apono.EntitlementResource {
	return apono.EntitlementResource{
		ID: "r1", SourceID: "arn:aws:s3:::orders", Name: "orders",
		Type: apono.ResourceType{ID: "aws-account-s3-bucket", Label: "S3 Bucket"},
	}
}

func TestListAccessRequests(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{
		"items": [` + fixture(t, "accessrequests/request.json") + `,` + fixture(t, "accessrequests/request_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := newClient(t, fake).AccessRequests.List(t.Context(), apono.ListAccessRequestsOptions{
		Limit: 20, Requestor: "ann@example.com", Statuses: []apono.AccessRequestStatus{apono.AccessRequestStatusPendingMFA, "On hold"},
	})
	check.NoError(t, err)
	check.Equal(t, page, &apono.Page[apono.AccessRequest]{Items: []*apono.AccessRequest{activeRequest(), minimalRequest()}, NextPageToken: "t2"})
	sent(t, fake.Requests()[0], "GET", "/api/user/v4/access-requests",
		"limit=20&requestor=ann%40example.com&statuses=PENDING_MFA&statuses=On+hold", "")
}

func TestGetAccessRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "accessrequests/request.json")},
		script.Answer{Body: fixture(t, "accessrequests/request_minimal.json")},
	)
	client := newClient(t, fake)
	for i, want := range []*apono.AccessRequest{activeRequest(), minimalRequest()} {
		got, err := client.AccessRequests.Get(t.Context(), "ar/1 a")
		check.NoError(t, err)
		check.Equal(t, got, want)
		sent(t, fake.Requests()[i], "GET", "/api/user/v4/access-requests/ar%2F1%20a", "", "")
	}
}

// One submission may become several requests, or none. A caller that is given
// the first only leaves the others granted and forgotten.
func TestCreateAccessRequestAnswersAllRequests(t *testing.T) {
	t.Parallel()
	one, other := fixture(t, "accessrequests/request.json"), fixture(t, "accessrequests/request_minimal.json")
	fake := script.New(t, script.Answer{Body: `[` + one + `,` + other + `]`}, script.Answer{Body: `[` + other + `]`}, script.Answer{Body: `[]`})
	client := newClient(t, fake)
	for i, test := range []struct {
		in   apono.CreateAccessRequestInput
		body string
		want []*apono.AccessRequest
	}{
		{
			apono.CreateAccessRequestInput{
				Entitlements:  []apono.CreateAccessRequestEntitlement{{ResourceID: "r1", PermissionID: "p1"}, {ResourceID: "r2", PermissionID: "p2"}},
				Justification: apono.Ptr("Incident 4711 <urgent>"),
				DurationInSec: apono.Ptr(28800),
				CustomFields:  map[string]string{"ticket": "OPS-1", "note": ""},
				Grantee:       apono.Ptr("ben@example.com"),
			},
			fixture(t, "accessrequests/create.json"),
			[]*apono.AccessRequest{activeRequest(), minimalRequest()},
		},
		{
			apono.CreateAccessRequestInput{BundleReference: apono.Ptr("Orders on-call")},
			`{"bundle_reference": "Orders on-call", "custom_fields": {}}`,
			[]*apono.AccessRequest{minimalRequest()},
		},
		{
			apono.CreateAccessRequestInput{BundleReference: apono.Ptr("")},
			`{"bundle_reference": "", "custom_fields": {}}`,
			[]*apono.AccessRequest{},
		},
	} {
		got, err := client.AccessRequests.Create(t.Context(), test.in)
		check.NoError(t, err)
		check.Equal(t, got, test.want)
		sent(t, fake.Requests()[i], "POST", "/api/user/v4/access-requests", "", test.body)
	}
}

func TestRequestAgainAnswersAllRequests(t *testing.T) {
	t.Parallel()
	one, other := fixture(t, "accessrequests/request.json"), fixture(t, "accessrequests/request_minimal.json")
	fake := script.New(t, script.Answer{Body: `[` + one + `,` + other + `]`}, script.Answer{Body: `[` + one + `]`}, script.Answer{Body: `[]`})
	client := newClient(t, fake)
	for i, test := range []struct {
		in   apono.RequestAgainInput
		body string
		want []*apono.AccessRequest
	}{
		{
			apono.RequestAgainInput{Justification: apono.Ptr("Once more"), CustomFields: map[string]string{"ticket": "OPS-1"}},
			`{"justification": "Once more", "custom_fields": {"ticket": "OPS-1"}}`,
			[]*apono.AccessRequest{activeRequest(), minimalRequest()},
		},
		{apono.RequestAgainInput{Justification: apono.Ptr("")}, `{"justification": "", "custom_fields": {}}`, []*apono.AccessRequest{activeRequest()}},
		{apono.RequestAgainInput{}, `{"custom_fields": {}}`, []*apono.AccessRequest{}},
	} {
		got, err := client.AccessRequests.RequestAgain(t.Context(), "ar-1", test.in)
		check.NoError(t, err)
		check.Equal(t, got, test.want)
		sent(t, fake.Requests()[i], "POST", "/api/user/v4/access-requests/ar-1/request-again", "", test.body)
	}
}

// accessSubmissions are the two calls that answer a list of requests.
var accessSubmissions = map[string]func(context.Context, *apono.Client) ([]*apono.AccessRequest, error){
	"Create": func(ctx context.Context, c *apono.Client) ([]*apono.AccessRequest, error) {
		return c.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{BundleReference: apono.Ptr("b1")})
	},
	"RequestAgain": func(ctx context.Context, c *apono.Client) ([]*apono.AccessRequest, error) {
		return c.AccessRequests.RequestAgain(ctx, "ar-1", apono.RequestAgainInput{})
	},
}

// A program that goes through the requests it made must not meet a nil one, and
// must not take an answer of another shape for "nothing was requested".
func TestSubmissionsWithoutAListOfRequestsAreDecodeErrors(t *testing.T) {
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
				got, err := submit(t.Context(), newClient(t, script.New(t, script.Answer{Body: body})))
				check.Equal(t, check.ErrorAs[*apono.DecodeError](t, err).Err.Error(), want)
				check.Equal(t, got, nil)
			})
		}
	}
}

// Whoever asks for nothing, or for a bundle and more, gets something else than
// was meant; the API does not say what.
func TestAccessRequestsForNothingInParticularAreRefused(t *testing.T) {
	t.Parallel()
	const (
		union    = "apono: argument in: exactly one of BundleReference and Entitlements must be set, but "
		duration = "apono: argument in.DurationInSec: it must be above 0: leave it out for the flow's own duration"
	)
	bundle, entitlements := apono.Ptr("b1"), []apono.CreateAccessRequestEntitlement{{ResourceID: "r1", PermissionID: "p1"}}
	for name, test := range map[string]struct {
		in   apono.CreateAccessRequestInput
		want string
	}{
		"neither":           {apono.CreateAccessRequestInput{Justification: apono.Ptr("because")}, union + "none is"},
		"no entitlement":    {apono.CreateAccessRequestInput{Entitlements: entitlements[:0]}, union + "none is"},
		"both":              {apono.CreateAccessRequestInput{BundleReference: bundle, Entitlements: entitlements}, union + "BundleReference and Entitlements are"},
		"no duration":       {apono.CreateAccessRequestInput{BundleReference: bundle, DurationInSec: apono.Ptr(0)}, duration},
		"negative duration": {apono.CreateAccessRequestInput{Entitlements: entitlements, DurationInSec: apono.Ptr(-1)}, duration},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, noRequest(t)).AccessRequests.Create(t.Context(), test.in)
			check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Error(), test.want)
		})
	}
}

// A submission that is sent again after it may have been taken asks twice for
// the same access, a reset that is sent again replaces the password that was
// just handed out, and a one-time password is gone with the first answer,
// wherever that got lost: asking again gets nothing, or uses up another.
func TestAccessIsNotAskedForAgainUnlessNothingWasTaken(t *testing.T) {
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
		name   string
		answer script.Answer
		// writes is how many requests a POST makes, details reading access details.
		writes, details int
	}{
		{"401", script.Answer{Status: 401}, 1, 1},
		{"408", script.Answer{Status: 408}, 1, 1},
		{"425", script.Answer{Status: 425, Header: later}, 1, 1},
		{"429", script.Answer{Status: 429, Header: later}, 3, 1},
		{"500", script.Answer{Status: 500}, 1, 1},
		{"502", script.Answer{Status: 502}, 1, 1},
		{"503", script.Answer{Status: 503, Header: later}, 1, 1},
		{"504", script.Answer{Status: 504}, 1, 1},
		{"reset", script.Answer{Err: errReset}, 1, 1},
		{"attempt timeout", script.Answer{Delay: time.Hour}, 1, 1},
		{"cut body", script.Answer{Body: `[{"instructions": "hunter2`, BodyErr: io.ErrUnexpectedEOF}, 1, 1},
		{"reset in the body", script.Answer{Body: `[{"instructions": "hunter2`, BodyErr: errReset}, 1, 1},
		{"body that is no JSON", script.Answer{Body: `hunter2`}, 1, 1},
		{"empty body", script.Answer{}, 1, 1},
		{"connection refused", script.Answer{Err: errRefused}, 3, 3},
		{"name server failed", script.Answer{Err: errLookup}, 3, 3},
	} {
		for name, call := range calls {
			t.Run(name+" "+outcome.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					requests := outcome.writes
					if name == "GetAccessDetails" {
						requests = outcome.details
					}
					fake := script.New(t, slices.Repeat([]script.Answer{outcome.answer}, requests)...)
					err := call(t.Context(), newClient(t, fake))
					check.True(t, err != nil, "an error")
					check.Lacks(t, err.Error(), "hunter2")
					check.Equal(t, len(fake.Requests()), requests)
				})
			})
		}
	}
}

func TestRevokeAccessRequest(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{"message": "Revoking"}`})
	got, err := newClient(t, fake).AccessRequests.Revoke(t.Context(), "ar-1")
	check.NoError(t, err)
	check.Equal(t, got, &apono.Message{Message: "Revoking"})
	sent(t, fake.Requests()[0], "POST", "/api/user/v4/access-requests/ar-1/revoke", "", "")
}

func TestListAccessRequestEntitlements(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{"items": [` + fixture(t, "accessrequests/entitlement.json") + `], "pagination": {"next_page_token": "t2"}}`})
	page, err := newClient(t, fake).AccessRequests.ListEntitlements(t.Context(), "ar-1", apono.ListAccessRequestEntitlementsOptions{
		Limit: 20, IntegrationIDs: []string{"i1", "i2"}, ResourceTypes: []string{"aws-account-s3-bucket", "ssh"},
		Statuses: []apono.AccessRequestStatus{apono.AccessRequestStatusGranted, "Failure"},
	})
	check.NoError(t, err)
	check.Equal(t, page, &apono.Page[apono.AccessRequestEntitlement]{
		Items: []*apono.AccessRequestEntitlement{{
			Integration: apono.Ref{ID: "i1", Name: "Production"}, Resource: ordersBucket(),
			Permission: apono.RequestEntitlementPermission{Name: "ReadOnlyAccess"}, Status: "Granted",
		}},
		NextPageToken: "t2",
	})
	sent(t, fake.Requests()[0], "GET", "/api/user/v4/access-requests/ar-1/entitlements",
		"integration_ids=i1&integration_ids=i2&limit=20&resource_types=aws-account-s3-bucket&resource_types=ssh&statuses=GRANTED&statuses=Failure", "")
}

func TestEveryListOfAccessReadsAllPages(t *testing.T) {
	t.Parallel()
	resource := func(id string) string { return fmt.Sprintf(`{"resource": {"id": %q}}`, id) }
	plain := []string{tokenPage("t2", "a", "b"), tokenPage("", "c")}
	nested := []string{
		`{"items": [` + resource("a") + `,` + resource("b") + `], "pagination": {"next_page_token": "t2"}}`,
		`{"items": [` + resource("c") + `], "pagination": {}}`,
	}
	for path, test := range map[string]struct {
		pages []string
		list  func(context.Context, *apono.Client) ([]string, error)
	}{
		"/api/user/v4/access-requests": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return names(c.AccessRequests.ListAll(ctx), func(r *apono.AccessRequest) string { return r.ID })
		}},
		"/api/user/v4/access-requests/ar-1/entitlements": {nested, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return names(c.AccessRequests.ListAllEntitlements(ctx, "ar-1"), func(e *apono.AccessRequestEntitlement) string { return e.Resource.ID })
		}},
		"/api/user/v1/delegated-access-requests": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return names(c.DelegatedRequests.ListAll(ctx), func(r *apono.DelegatedAccessRequest) string { return r.ID })
		}},
		"/api/user/v1/access-sessions": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return names(c.Sessions.ListAll(ctx), func(s *apono.AccessSession) string { return s.ID })
		}},
		"/api/user/v1/available-access/bundles": {plain, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return names(c.AvailableAccess.ListAllBundles(ctx), func(b *apono.AvailableBundle) string { return b.ID })
		}},
		"/api/user/v1/available-access/entitlements": {nested, func(ctx context.Context, c *apono.Client) ([]string, error) {
			return names(c.AvailableAccess.ListAllEntitlements(ctx), func(e *apono.AvailableEntitlement) string { return e.Resource.ID })
		}},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Body: test.pages[0]}, script.Answer{Body: test.pages[1]})
			got, err := test.list(t.Context(), newClient(t, fake))
			check.NoError(t, err)
			check.Equal(t, got, []string{"a", "b", "c"})
			sent(t, fake.Requests()[0], "GET", path, "", "")
			sent(t, fake.Requests()[1], "GET", path, "page_token=t2", "")
		})
	}
}

// The API does not say how it spells a status. A program that waits for the one
// spelling which it knows waits for ever, or takes a refusal for an approval.
func TestAccessRequestStatusIsKnownInEverySpelling(t *testing.T) {
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
			check.Equal(t, map[string]bool{
				"pending": s.Pending(), "granted": s.Granted(), "rejected": s.Rejected(), "failed": s.Failed(), "revoked": s.Revoked(),
			}, map[string]bool{
				"pending": want == "pending", "granted": want == "granted", "rejected": want == "rejected",
				"failed": want == "failed", "revoked": want == "revoked",
			})
		})
	}
}

func TestAccessRequestStatusIs(t *testing.T) {
	t.Parallel()
	const mfa = apono.AccessRequestStatusPendingMFA
	for _, spelling := range []apono.AccessRequestStatus{"PENDING_MFA", "PendingMFA", "pending mfa", "Pending-MFA", "p_e-n d_ING MFA"} {
		check.True(t, spelling.Is(mfa) && mfa.Is(spelling) && spelling.Is("Other", mfa), "%q to be pending for a second factor", spelling)
		check.True(t, !spelling.Is(apono.AccessRequestStatusPending, "", "PENDING MF"), "%q to be nothing else", spelling)
	}
	check.True(t, !mfa.Is(), "no status to be one of none")
	check.True(t, apono.AccessRequestStatus("On hold").Is("ON_HOLD"), "statuses without a constant to be compared alike")
}

// A constant with a slip in it filters for nothing.
func TestConstantsOfAccessAreTheAPIsWords(t *testing.T) {
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
		check.Equal(t, string(constant), want)
	}
	for constant, want := range map[apono.CredentialsStatus]string{
		apono.CredentialsStatusAvailable:     "AVAILABLE",
		apono.CredentialsStatusViewed:        "VIEWED",
		apono.CredentialsStatusResetting:     "RESETTING",
		apono.CredentialsStatusNotApplicable: "NOT_APPLICABLE",
	} {
		check.Equal(t, string(constant), want)
	}
}

// A field without a tag is sent under its Go name, which the API ignores: the
// filter filters nothing, and the member is lost.
func TestEveryFieldOfTheAccessTypesIsTagged(t *testing.T) {
	t.Parallel()
	tagged(t, "url",
		reflect.TypeFor[apono.ListAccessRequestsOptions](), reflect.TypeFor[apono.ListAccessRequestEntitlementsOptions](),
		reflect.TypeFor[apono.ListDelegatedRequestsOptions](), reflect.TypeFor[apono.ListSessionsOptions](),
		reflect.TypeFor[apono.ListAvailableBundlesOptions](), reflect.TypeFor[apono.ListAvailableEntitlementsOptions](),
	)
	tagged(t, "json",
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
