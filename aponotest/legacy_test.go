package aponotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

const (
	legacyIntegrationsPath = "/api/v2/integrations"
	legacyBundlesPath      = "/api/v1/access-bundles"
	legacyFlowsPath        = "/api/v1/access-flows"
	legacyRequestsPath     = "/api/v3/access-requests"
	legacySelectablePath   = "/api/v3/selectable-integrations"

	// legacyFirstID is the first id that a server generates.
	legacyFirstID = "00000001-0000-4000-8000-000000000001"
)

// legacyPage returns an offset list with all rows in one page.
func legacyPage(total int, rows string) string {
	return fmt.Sprintf(`{"data": [%s], "pagination": {"total": %d, "limit": %[2]d, "offset": 0}}`, rows, total)
}

// The errors name fields of the older form, and rejected requests do not change the
// state.
func TestInvalidLegacyRequestsAreRejected(t *testing.T) {
	t.Parallel()
	const revoke = "/api/v3/access-requests-bulk/revoke"
	const request = `{"user_id": "u-ann", "justification": "", "integration_id": "aws", "resource_ids": ["bucket"], "permissions": ["ReadOnly"]`
	const flow = `{"active": true, "trigger": {"type": "automatic"}, "grantees": [], "revoke_after_in_sec": 1`
	target := func(id string) string {
		return `"integration_targets": [{"integration_id": "` + id + `", "resource_type": "t", "permissions": [], "resource_tag_includes": [], "resource_tag_excludes": []}]`
	}
	change := func(body, old, changed string) string { return strings.Replace(body, old, changed, 1) + `}` }
	for _, test := range []struct {
		method, path, body string
		status             int
		field, message     string
	}{
		{"GET", legacyIntegrationsPath + "?limit=1", "", 422, "limit", "unknown query parameter"},
		{"GET", legacyFlowsPath + "?skip=1", "", 422, "skip", "unknown query parameter"},
		{"GET", legacyBundlesPath + "?name=x", "", 422, "name", "unknown query parameter"},
		{"GET", "/api/v2/connectors?limit=1", "", 422, "limit", "unknown query parameter"},
		{"GET", "/api/v2/users?email=x", "", 422, "email", "unknown query parameter"},
		{"GET", "/api/v2/users/u-ann?x=", "", 422, "x", "unknown query parameter"},
		{"GET", legacyRequestsPath + "?days_offset=x", "", 422, "days_offset", `must be an integer, not "x"`},
		{"GET", legacyRequestsPath + "?user_id=a&user_id=b", "", 422, "user_id", "must be given once, not 2 times"},
		{"GET", legacyRequestsPath + "/r?user_id=a", "", 422, "user_id", "unknown query parameter"},
		{"GET", legacySelectablePath + "/aws/s3/permissions?limit=1", "", 422, "limit", "unknown query parameter"},
		{"GET", legacyRequestsPath + "/none", "", 404, "", `access request "none" not found`},
		{"DELETE", legacyFlowsPath + "/f1", `{}`, 422, "", "the operation takes no body"},

		{"POST", legacyIntegrationsPath, `{"name": "x", "metadata": {}}`, 422, "type", "must be set"},
		{"POST", legacyIntegrationsPath, `{"name": "x", "type": "t", "metadata": {}, "owner": {}}`, 422, "owner", "unknown field"},
		{"POST", legacyIntegrationsPath, `{"name": "Production", "type": "t", "metadata": {}}`, 409, "name", "already used by another integration"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "type": "t", "metadata": {}}`, 422, "type", "unknown field"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x"}`, 422, "metadata", "must be set"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "metadata": {}, "secret_config": {"region": "r"}}`, 422, "secret_config.type", "must be one of AWS, GCP, AZURE, KUBERNETES, HASHICORP_VAULT, APONO"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "metadata": {}, "secret_config": {"type": "aws", "region": "r", "secret_id": "s"}}`, 422, "secret_config.type", "must be one of AWS, GCP, AZURE, KUBERNETES, HASHICORP_VAULT, APONO"},
		{"PUT", legacyIntegrationsPath + "/aws", `{"name": "x", "metadata": {}, "secret_config": {"type": "AWS", "region": "r"}}`, 422, "secret_config.secret_id", "must be set"},

		{"POST", legacyBundlesPath, `{"name": "x"}`, 422, "integration_targets", "must be set"},
		{"POST", legacyBundlesPath, `{"name": "x", ` + target("none") + `}`, 400, "integration_targets[0].integration_id", `integration "none" not found`},
		{"PATCH", legacyBundlesPath + "/b1", `{"name": "x", ` + target("Production") + `}`, 400, "integration_targets[0].integration_id", `integration "Production" not found`},
		{"PATCH", legacyBundlesPath + "/b1", `{"integration_targets": [{}]}`, 422, "integration_targets[0].integration_id", "must be set"},
		{"PATCH", legacyBundlesPath + "/b1", `{"access_targets": []}`, 422, "access_targets", "unknown field"},

		{"POST", legacyFlowsPath, flow + `}`, 422, "name", "must be set"},
		{"POST", legacyFlowsPath, flow + `, "name": "first"}`, 409, "name", "already used by another access flow"},
		{"POST", legacyFlowsPath, `{"name": "x", ` + change(flow[1:], `"automatic"`, `"AUTOMATIC"`), 422, "trigger.type", "must be one of user_request, automatic"},
		{"POST", legacyFlowsPath, flow + `, "name": "x", "bundle_targets": [{"bundle_id": "On call"}]}`, 400, "bundle_targets[0].bundle_id", `bundle "On call" not found`},
		{"PATCH", legacyFlowsPath + "/f1", `{"name": "x", "revoke_after_in_sec": 1.5}`, 422, "revoke_after_in_sec", "must be a 32-bit integer, not a number"},
		{"PATCH", legacyFlowsPath + "/f1", `{"name": "x", "bundle_targets": [{"bundle_id": "b1"}, {"bundle_id": "none"}]}`, 400, "bundle_targets[1].bundle_id", `bundle "none" not found`},
		{"PATCH", legacyFlowsPath + "/f1", `{"settings": {"require_mfa": true}}`, 422, "settings.require_mfa", "unknown field"},
		{"PATCH", legacyFlowsPath + "/f1", `{"name": "second", "revoke_after_in_sec": 59}`, 409, "name", "already used by another access flow"},

		{"POST", legacyRequestsPath, change(request, "u-ann", "u-none"), 400, "user_id", `user "u-none" not found`},
		{"POST", legacyRequestsPath, change(request, `"aws"`, `"none"`), 400, "integration_id", `integration "none" not found`},
		{"POST", legacyRequestsPath, change(request, `["bucket"]`, `["bucket", "db"]`), 400, "resource_ids[1]", `resource "db" not found in this integration`},
		{"POST", legacyRequestsPath, change(request, `["ReadOnly"]`, `["ReadOnly", "Assume"]`), 400, "permissions[1]", `permission "Assume" to resource "bucket" not found`},
		{"POST", legacyRequestsPath, change(request, `["bucket"]`, `[]`), 400, "resource_ids", "must not be empty"},
		{"POST", legacyRequestsPath, change(request, `["ReadOnly"]`, `[]`), 400, "permissions", "must not be empty"},
		{"POST", legacyRequestsPath, change(request, `"aws"`, `"aws", "duration_in_sec": 0`), 400, "duration_in_sec", "must be positive"},
		{"POST", legacyRequestsPath, change(request, `"justification": "",`, ""), 422, "justification", "must be set"},
		{"POST", revoke, `{"request_ids": ["r1", "none"]}`, 400, "request_ids[1]", `access request "none" not found`},
		{"POST", revoke, `{}`, 422, "request_ids", "must be set"},
	} {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			t.Parallel()
			server := requestServer(t)
			server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "f2", "name": "second", `+smallFlow+`}`))
			status, _ := sendHTTP(t, server, "POST", legacyFlowsPath, flow+`, "name": "first"}`)
			require.Equal(t, 200, status)
			putLegacyRequest(server, "r1", "u-ann", "ACTIVE", 0)
			state := func() (state string) {
				for _, path := range []string{integrationsPath, bundlesPath, flowsPath, legacyFlowsPath, legacyRequestsPath} {
					_, response := sendHTTP(t, server, "GET", path, "")
					state += response
				}
				return state
			}
			before := state()
			checkRejected(t, server, test.method, strings.Replace(test.path, "/f1", "/"+legacyFirstID, 1), test.body, test.status, test.field, test.message)
			require.Equal(t, before, state())
		})
	}
}

func TestLegacyListsHavePages(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithOffsetPageSize(2))
	server.Put(aponotest.Integrations, json.RawMessage(`{"id": "z", "name": "z", "type": "okta", "integration_config": {}}`))
	server.Put(aponotest.PermissionsOf("aws"), json.RawMessage(`{"id": "own", "name": "Own", "resource_type": "s3"}`))
	for path, want := range map[string]string{
		legacyIntegrationsPath + "?skip=2": `{"data": [{"id": "z", "name": "z", "type": "okta", "status": "Active", "metadata": {}, "connected_resource_types": []}],
			"pagination": {"total": 3, "limit": 2, "offset": 2}}`,
		legacyBundlesPath + "?skip=1&limit=1": `{"data": [{"id": "b2", "name": "Auditors", "integration_targets": []}],
			"pagination": {"total": 2, "limit": 1, "offset": 1}}`,
		legacySelectablePath + "/aws/s3/permissions":        `{"data": ["ReadOnly", "ReadWrite"], "allow_multiple": true, "pagination": {"total": 3, "limit": 2, "offset": 0}}`,
		legacySelectablePath + "/aws/s3/permissions?skip=2": `{"data": ["Own"], "allow_multiple": true, "pagination": {"total": 3, "limit": 2, "offset": 2}}`,
		legacySelectablePath + "?skip=9":                    `{"data": [], "pagination": {"total": 2, "limit": 2, "offset": 9}}`,
	} {
		checkResponse(t, server, "GET", path, "", 200, want)
	}
}

// legacyEverything checks the number of items of a list and of its first page.
func legacyEverything[T any](t *testing.T, page *apono.OffsetPage[T], err error, all iter.Seq2[*T, error], total int) {
	t.Helper()
	require.NoError(t, err)
	items, err := apono.Collect(all)
	require.NoError(t, err)
	require.Len(t, items, total)
	require.Equal(t, items[:1], page.Items)
	require.Equal(t, []int{total, 1, 0}, []int{page.Total, page.Limit, page.Offset})
}

// legacyService has the common methods of the services for integrations, flows and
// bundles.
type legacyService[T, O, Create, Update any] interface {
	List(context.Context, ...O) (*apono.OffsetPage[T], error)
	ListAll(context.Context, ...O) iter.Seq2[*T, error]
	Get(context.Context, string) (*T, error)
	Create(context.Context, Create) (*T, error)
	Update(context.Context, string, Update) (*T, error)
	Delete(context.Context, string) error
}

func legacyEndToEnd[T, O, Create, Update any](t *testing.T, service legacyService[T, O, Create, Update],
	create Create, update Update, want func(made *T) (created, updated *T), id func(*T) string, total int,
) {
	t.Helper()
	made, err := service.Create(t.Context(), create)
	require.NoError(t, err)
	created, updated := want(made)
	require.Equal(t, created, made)
	read, err := service.Get(t.Context(), id(made))
	require.NoError(t, err)
	require.Equal(t, created, read)
	page, err := service.List(t.Context())
	legacyEverything(t, page, err, service.ListAll(t.Context()), total)

	changed, err := service.Update(t.Context(), id(made), update)
	require.NoError(t, err)
	require.Equal(t, updated, changed)

	require.NoError(t, service.Delete(t.Context(), id(made)))
	_, err = service.Get(t.Context(), id(made))
	require.ErrorIs(t, err, apono.ErrNotFound)
	_, err = service.Update(t.Context(), id(made), update)
	require.ErrorIs(t, err, apono.ErrNotFound)
	require.ErrorIs(t, service.Delete(t.Context(), id(made)), apono.ErrNotFound)
}

func TestLegacyServicesWithClient(t *testing.T) {
	t.Parallel()
	server := requestServer(t, aponotest.WithOffsetPageSize(1))
	legacy := server.Client().Legacy
	legacyEndToEnd[apono.IntegrationV2, apono.ListIntegrationsV2Options](t, legacy.Integrations,
		apono.CreateIntegrationV2Input{
			Name: "i", Type: "mysql", ProvisionerID: new("c"), Metadata: map[string]any{"port": 5432},
			SecretConfig: map[string]apono.Secret{"type": apono.NewSecret("AWS"), "region": apono.NewSecret("r"), "secret_id": apono.NewSecret("s")},
		},
		apono.UpdateIntegrationV2Input{Name: "j", ConnectedResourceTypes: []string{"t"}},
		func(made *apono.IntegrationV2) (created, updated *apono.IntegrationV2) {
			return &apono.IntegrationV2{
					ID: made.ID, Name: "i", Type: "mysql", Status: apono.IntegrationStatusV2Active, ProvisionerID: new("c"),
					Metadata: map[string]any{"port": json.Number("5432")}, ConnectedResourceTypes: []string{},
					SecretConfig: map[string]apono.Secret{"type": apono.NewSecret("AWS"), "region": apono.NewSecret("r"), "secret_id": apono.NewSecret("s")},
				}, &apono.IntegrationV2{
					ID: made.ID, Name: "j", Type: "mysql", Status: apono.IntegrationStatusV2Active, Metadata: map[string]any{}, ConnectedResourceTypes: []string{"t"},
				}
		},
		func(i *apono.IntegrationV2) string { return i.ID }, 3)

	targets := []apono.AccessTargetIntegrationV1{{
		IntegrationID: "pg", ResourceType: "database", Permissions: []string{"ReadOnly"},
		ResourceTagIncludes: []apono.TagV1{{Name: "__name", Value: "orders"}}, ResourceTagExcludes: []apono.TagV1{},
	}}
	legacyEndToEnd[apono.AccessBundleV1, apono.ListAccessBundlesV1Options](t, legacy.AccessBundles,
		apono.CreateAccessBundleV1Input{Name: "b", IntegrationTargets: targets},
		apono.UpdateAccessBundleV1Input{IntegrationTargets: []apono.AccessTargetIntegrationV1{}},
		func(made *apono.AccessBundleV1) (created, updated *apono.AccessBundleV1) {
			return &apono.AccessBundleV1{ID: made.ID, Name: "b", IntegrationTargets: targets},
				&apono.AccessBundleV1{ID: made.ID, Name: "b", IntegrationTargets: []apono.AccessTargetIntegrationV1{}}
		},
		func(b *apono.AccessBundleV1) string { return b.ID }, 3)

	flow := func(made *apono.AccessFlowV1, name string, approvers []apono.ApproverV1) *apono.AccessFlowV1 {
		return &apono.AccessFlowV1{
			ID: made.ID, CreatedDate: made.CreatedDate, Name: name, Active: true, Trigger: apono.AccessFlowTriggerV1{Type: apono.AccessFlowTriggerTypeV1UserRequest},
			Grantees: []apono.GranteeV1{{ID: "g", Type: apono.IdentityTypeV1Group}}, Approvers: approvers, RevokeAfterInSec: 90,
			IntegrationTargets: []apono.AccessTargetIntegrationV1{}, BundleTargets: []apono.AccessTargetBundleV1{{BundleID: "b1"}},
			Settings: &apono.AccessFlowSettingsV1{RequireAllApprovers: new(true)},
		}
	}
	approvers := []apono.ApproverV1{{ID: "u", Type: apono.IdentityTypeV1User}}
	server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "f2", "name": "other", `+smallFlow+`}`))
	legacyEndToEnd[apono.AccessFlowV1, apono.ListAccessFlowsV1Options](t, legacy.AccessFlows,
		apono.CreateAccessFlowV1Input{
			Name: "f", Active: true, Trigger: apono.AccessFlowTriggerV1{Type: apono.AccessFlowTriggerTypeV1UserRequest},
			Grantees: []apono.GranteeV1{{ID: "g", Type: apono.IdentityTypeV1Group}}, Approvers: approvers, RevokeAfterInSec: 90,
			BundleTargets: []apono.AccessTargetBundleV1{{BundleID: "b1"}},
			Settings:      &apono.AccessFlowSettingsV1{RequireAllApprovers: new(true)},
		},
		apono.UpdateAccessFlowV1Input{Name: new("g"), Approvers: []apono.ApproverV1{}},
		func(made *apono.AccessFlowV1) (created, updated *apono.AccessFlowV1) {
			require.Less(t, time.Since(made.CreatedDate).Abs(), time.Minute, "wrong creation date")
			return flow(made, "f", approvers), flow(made, "g", []apono.ApproverV1{})
		},
		func(f *apono.AccessFlowV1) string { return f.ID }, 2)
}
