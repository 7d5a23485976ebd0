package apono_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// A partial update must send exactly the fields that are set, including empty lists. The
// API rejects null for required members.
func TestLegacyInputsSendFieldsThatAreSet(t *testing.T) {
	t.Parallel()
	createFlow := func(in apono.CreateAccessFlowV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error { _, err := l.AccessFlows.Create(ctx, in); return err }
	}
	updateFlow := func(in apono.UpdateAccessFlowV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessFlows.Update(ctx, "f1", in)
			return err
		}
	}
	createBundle := func(in apono.CreateAccessBundleV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessBundles.Create(ctx, in)
			return err
		}
	}
	updateBundle := func(in apono.UpdateAccessBundleV1Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessBundles.Update(ctx, "b1", in)
			return err
		}
	}
	request := func(in apono.CreateAccessRequestV3Input) func(context.Context, *apono.Legacy) error {
		return func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.Create(ctx, in)
			return err
		}
	}
	const emptyTarget = `{"integration_id": "", "resource_type": "", "resource_tag_includes": [], "resource_tag_excludes": [], "permissions": []}`
	for _, c := range []struct {
		name string
		call func(context.Context, *apono.Legacy) error
		body string
	}{
		{"zero update of a flow", updateFlow(apono.UpdateAccessFlowV1Input{}), `{}`},
		{
			"empty members in the update of a flow",
			updateFlow(apono.UpdateAccessFlowV1Input{
				Name: new(""), Active: new(false), Trigger: &apono.AccessFlowTriggerV1{Timeframe: &apono.TimeframeV1{}},
				Grantees: []apono.GranteeV1{}, IntegrationTargets: []apono.AccessTargetIntegrationV1{}, BundleTargets: []apono.AccessTargetBundleV1{},
				Approvers: []apono.ApproverV1{}, RevokeAfterInSec: new(0), Settings: &apono.AccessFlowSettingsV1{},
			}),
			`{
				"name": "", "active": false, "grantees": [], "integration_targets": [], "bundle_targets": [], "approvers": [],
				"trigger": {"type": "", "timeframe": {
					"start_of_day_time_in_seconds": 0, "end_of_day_time_in_seconds": 0, "days_in_week": [], "time_zone": ""
				}},
				"revoke_after_in_sec": 0, "settings": {}
			}`,
		},
		{
			"only active",
			updateFlow(apono.UpdateAccessFlowV1Input{Active: new(false), Settings: &apono.AccessFlowSettingsV1{RequireAllApprovers: new(false)}}),
			`{"active": false, "settings": {"require_all_approvers": false}}`,
		},
		{
			"zero flow", createFlow(apono.CreateAccessFlowV1Input{}),
			`{"name": "", "active": false, "trigger": {"type": ""}, "grantees": [], "revoke_after_in_sec": 0}`,
		},
		{
			"empty members in a flow",
			createFlow(apono.CreateAccessFlowV1Input{
				IntegrationTargets: []apono.AccessTargetIntegrationV1{{}}, BundleTargets: []apono.AccessTargetBundleV1{}, Approvers: []apono.ApproverV1{},
				RevokeAfterInSec: apono.RevokeNeverV1,
			}),
			`{
				"name": "", "active": false, "trigger": {"type": ""}, "grantees": [], "revoke_after_in_sec": -1,
				"integration_targets": [` + emptyTarget + `], "bundle_targets": [], "approvers": []
			}`,
		},
		{"zero bundle", createBundle(apono.CreateAccessBundleV1Input{}), `{"name": "", "integration_targets": []}`},
		{"zero update of a bundle", updateBundle(apono.UpdateAccessBundleV1Input{}), `{}`},
		{
			"empty members in the update of a bundle",
			updateBundle(apono.UpdateAccessBundleV1Input{Name: new(""), IntegrationTargets: []apono.AccessTargetIntegrationV1{}}),
			`{"name": "", "integration_targets": []}`,
		},
		{
			"zero request", request(apono.CreateAccessRequestV3Input{}),
			`{"user_id": "", "integration_id": "", "resource_ids": [], "permissions": [], "justification": ""}`,
		},
		{
			"a request with duration 0", request(apono.CreateAccessRequestV3Input{DurationInSec: new(0)}),
			`{"user_id": "", "integration_id": "", "resource_ids": [], "permissions": [], "justification": "", "duration_in_sec": 0}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.AnyObject})
			require.NoError(t, c.call(t.Context(), apitest.NewClient(t, fake).Legacy))
			apitest.JSONEq(t, c.body, fake.Requests()[0].Body)
		})
	}
}

// A retry after the server processed the request could undo another change or create a
// second object. After a 429 it is safe.
func TestLegacyChangesAreRetriedOnlyAfter429(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *apono.Legacy) error{
		"update of a flow": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessFlows.Update(ctx, "f1", apono.UpdateAccessFlowV1Input{Active: new(true)})
			return err
		},
		"update of a bundle": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessBundles.Update(ctx, "b1", apono.UpdateAccessBundleV1Input{Name: new("b")})
			return err
		},
		"request": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.Create(ctx, apono.CreateAccessRequestV3Input{})
			return err
		},
		"revocation": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.RevokeMany(ctx, []string{"ar-1"})
			return err
		},
		"reset": func(ctx context.Context, l *apono.Legacy) error {
			_, err := l.AccessRequests.ResetCredentials(ctx, "ar-1")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, response := range []script.Response{
					{Status: 408}, {Status: 500}, {Status: 502}, {Status: 503}, {Status: 504}, {Err: apitest.ErrReset},
					{Body: `{"id":`, BodyErr: io.ErrUnexpectedEOF}, {Delay: time.Hour},
				} {
					fake := script.New(t, response)
					require.Errorf(t, call(t.Context(), apitest.NewClient(t, fake).Legacy), "expected an error after %+v", response)
					require.Len(t, fake.Requests(), 1)
				}
				fake := script.New(t, script.Response{Status: 429, Header: map[string]string{"Retry-After": "7"}}, script.Response{Body: apitest.AnyObject})
				require.NoError(t, call(t.Context(), apitest.NewClient(t, fake).Legacy))
				apitest.IsRetryAfter(t, 7*time.Second, apitest.Waits(fake)[0])
				require.Equal(t, fake.Requests()[0].Body, fake.Requests()[1].Body)
			})
		})
	}
}

func TestDeleteLegacyObjects(t *testing.T) {
	t.Parallel()
	for path, remove := range map[string]func(*apono.Legacy) error{
		"/api/v2/integrations/a%2Fb":   func(l *apono.Legacy) error { return l.Integrations.Delete(t.Context(), "a/b") },
		"/api/v1/access-flows/a%2Fb":   func(l *apono.Legacy) error { return l.AccessFlows.Delete(t.Context(), "a/b") },
		"/api/v1/access-bundles/a%2Fb": func(l *apono.Legacy) error { return l.AccessBundles.Delete(t.Context(), "a/b") },
	} {
		fake := script.New(t, script.Response{Body: `{"message": "Deleted"}`})
		require.NoError(t, remove(apitest.NewClient(t, fake).Legacy))
		apitest.Sent(t, fake.Requests()[0], "DELETE", path, "", "")
	}
}

func TestLegacyListAllReadsAllPages(t *testing.T) {
	t.Parallel()
	const selectable = "/api/v3/selectable-integrations"
	pages := func(items ...string) []string {
		const page = `{"data": [%s], "pagination": {"total": 3, "limit": 2, "offset": %d}, "allow_multiple": true}`
		return []string{fmt.Sprintf(page, items[0]+","+items[1], 0), fmt.Sprintf(page, items[2], 2)}
	}
	ids := pages(`{"id": "a"}`, `{"id": "b"}`, `{"id": "c"}`)
	for _, c := range []struct {
		path  string
		pages []string
		query string
		list  func(context.Context, *apono.Legacy) ([]string, error)
	}{
		{"/api/v2/integrations", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return apitest.Names(l.Integrations.ListAll(ctx), func(i *apono.IntegrationV2) string { return i.ID })
		}},
		{"/api/v1/access-flows", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return apitest.Names(l.AccessFlows.ListAll(ctx), func(f *apono.AccessFlowV1) string { return f.ID })
		}},
		{"/api/v1/access-bundles", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return apitest.Names(l.AccessBundles.ListAll(ctx), func(b *apono.AccessBundleV1) string { return b.ID })
		}},
		{"/api/v2/users", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return apitest.Names(l.Users.ListAll(ctx), func(u *apono.UserV2) string { return u.ID })
		}},
		{
			"/api/v3/access-requests", pages(`{"request_id": "a"}`, `{"request_id": "b"}`, `{"request_id": "c"}`), "&user_id=u1",
			func(ctx context.Context, l *apono.Legacy) ([]string, error) {
				return apitest.Names(l.AccessRequests.ListAll(ctx, apono.ListAccessRequestsV3Options{UserID: "u1"}),
					func(r *apono.AccessRequestV3) string { return r.RequestID })
			},
		},
		{selectable, ids, "&user_id=u1", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return apitest.Names(l.AccessRequests.ListAllSelectableIntegrations(ctx, apono.ListSelectableOptions{UserID: "u1"}),
				func(i *apono.SelectableIntegration) string { return i.ID })
		}},
		{selectable + "/i1/resource-types", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return apitest.Names(l.AccessRequests.ListAllSelectableResourceTypes(ctx, "i1"), func(r *apono.SelectableResourceType) string { return r.ID })
		}},
		{selectable + "/i1/db/permissions", pages(`"a"`, `"b"`, `"c"`), "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			var all []string
			for name, err := range l.AccessRequests.ListAllSelectablePermissions(ctx, "i1", "db") {
				if err != nil {
					return all, err
				}
				all = append(all, name)
			}
			return all, nil
		}},
		{selectable + "/i1/db/resources", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return apitest.Names(l.AccessRequests.ListAllSelectableResources(ctx, "i1", "db"), func(r *apono.SelectableResource) string { return r.ID })
		}},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: c.pages[0]}, script.Response{Body: c.pages[1]})
			got, err := c.list(t.Context(), apitest.NewClient(t, fake).Legacy)
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c"}, got)
			apitest.Sent(t, fake.Requests()[0], "GET", c.path, strings.TrimPrefix(c.query, "&"), "")
			apitest.Sent(t, fake.Requests()[1], "GET", c.path, "skip=2"+c.query, "")
		})
	}
}

func TestLegacyPathArgumentsAreEscaped(t *testing.T) {
	t.Parallel()
	type call func(l *apono.Legacy, arg string) error
	for path, c := range map[string]struct {
		arg  string
		call call
	}{
		"GET /api/v2/integrations/":    {"id", func(l *apono.Legacy, arg string) error { _, err := l.Integrations.Get(t.Context(), arg); return err }},
		"DELETE /api/v2/integrations/": {"id", func(l *apono.Legacy, arg string) error { return l.Integrations.Delete(t.Context(), arg) }},
		"PUT /api/v2/integrations/": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.Integrations.Update(t.Context(), arg, apono.UpdateIntegrationV2Input{})
			return err
		}},
		"GET /api/v1/access-flows/":    {"id", func(l *apono.Legacy, arg string) error { _, err := l.AccessFlows.Get(t.Context(), arg); return err }},
		"DELETE /api/v1/access-flows/": {"id", func(l *apono.Legacy, arg string) error { return l.AccessFlows.Delete(t.Context(), arg) }},
		"PATCH /api/v1/access-flows/": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessFlows.Update(t.Context(), arg, apono.UpdateAccessFlowV1Input{})
			return err
		}},
		"GET /api/v1/access-bundles/":    {"id", func(l *apono.Legacy, arg string) error { _, err := l.AccessBundles.Get(t.Context(), arg); return err }},
		"DELETE /api/v1/access-bundles/": {"id", func(l *apono.Legacy, arg string) error { return l.AccessBundles.Delete(t.Context(), arg) }},
		"PATCH /api/v1/access-bundles/": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessBundles.Update(t.Context(), arg, apono.UpdateAccessBundleV1Input{})
			return err
		}},
		"GET /api/v2/users/":           {"id", func(l *apono.Legacy, arg string) error { _, err := l.Users.Get(t.Context(), arg); return err }},
		"GET /api/v3/access-requests/": {"id", func(l *apono.Legacy, arg string) error { _, err := l.AccessRequests.Get(t.Context(), arg); return err }},
		"GET /api/v3/access-requests/*/access-details": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.GetAccessDetails(t.Context(), arg)
			return err
		}},
		"POST /api/v3/access-requests/*/reset": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ResetCredentials(t.Context(), arg)
			return err
		}},
		"GET /api/v3/selectable-integrations/*/resource-types": {"integration_id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectableResourceTypes(t.Context(), arg)
			return err
		}},
		"GET /api/v3/selectable-integrations/*/db/permissions": {"integration_id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectablePermissions(t.Context(), arg, "db")
			return err
		}},
		"GET /api/v3/selectable-integrations/i1/*/permissions": {"resource_type", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectablePermissions(t.Context(), "i1", arg)
			return err
		}},
		"GET /api/v3/selectable-integrations/*/db/resources": {"integration_id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectableResources(t.Context(), arg, "db")
			return err
		}},
		"GET /api/v3/selectable-integrations/i1/*/resources": {"resource_type", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectableResources(t.Context(), "i1", arg)
			return err
		}},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			for _, arg := range []string{"", ".", "..", "a\nb"} {
				err := c.call(apitest.NewClient(t, apitest.NoRequest(t)).Legacy, arg)
				require.Equal(t, c.arg, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
			}
			fake := script.New(t, script.Response{Body: `{"id": "x", "request_id": "x", "message": "x", "details": "x", "data": [], "pagination": {"total": 0, "limit": 0, "offset": 0}}`})
			require.NoError(t, c.call(apitest.NewClient(t, fake).Legacy, "a/b?c#d%2F+@ .."))
			method, want, _ := strings.Cut(path, " ")
			before, after, _ := strings.Cut(want, "*")
			require.Equal(t, method, fake.Requests()[0].Method)
			require.Equal(t, "/base"+before+"a%2Fb%3Fc%23d%252F+@%20.."+after, fake.Requests()[0].Path)
			require.Empty(t, fake.Requests()[0].Query)
		})
	}
}

func TestLegacyConstants(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"Initializing":      string(apono.IntegrationStatusV2Initializing),
		"Refreshing":        string(apono.IntegrationStatusV2Refreshing),
		"Active":            string(apono.IntegrationStatusV2Active),
		"Error":             string(apono.IntegrationStatusV2Error),
		"Warning":           string(apono.IntegrationStatusV2Warning),
		"Disabled":          string(apono.IntegrationStatusV2Disabled),
		"user_request":      string(apono.AccessFlowTriggerTypeV1UserRequest),
		"automatic":         string(apono.AccessFlowTriggerTypeV1Automatic),
		"user":              string(apono.IdentityTypeV1User),
		"group":             string(apono.IdentityTypeV1Group),
		"context_attribute": string(apono.IdentityTypeV1ContextAttribute),
		"PENDING":           string(apono.AccessStatusV3Pending),
		"APPROVED":          string(apono.AccessStatusV3Approved),
		"REJECTED":          string(apono.AccessStatusV3Rejected),
		"GRANTED":           string(apono.AccessStatusV3Granted),
		"REVOKING":          string(apono.AccessStatusV3Revoking),
		"EXPIRED":           string(apono.AccessStatusV3Expired),
		"FAILED":            string(apono.AccessStatusV3Failed),
		"-1":                fmt.Sprint(apono.RevokeNeverV1),
	} {
		require.Equal(t, want, got)
	}
}

// The legacy API has times as numbers with nanoseconds, which a float would lose.
func TestLegacyTimesKeepNanoseconds(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(t *testing.T, body string) (any, *time.Time){
		"last_sync_time": func(t *testing.T, body string) (any, *time.Time) {
			got, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).Legacy.Integrations.Get(t.Context(), "i1")
			require.NoError(t, err)
			return got, got.LastSyncTime
		},
		"created_date": func(t *testing.T, body string) (any, *time.Time) {
			got, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).Legacy.AccessFlows.Get(t.Context(), "f1")
			require.NoError(t, err)
			return got, &got.CreatedDate
		},
		"last_connected": func(t *testing.T, body string) (any, *time.Time) {
			got, err := apitest.NewClient(t, script.New(t, script.Response{Body: "[" + body + "]"})).Legacy.Connectors.List(t.Context())
			require.NoError(t, err)
			return *got[0], got[0].LastConnected
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for number, want := range map[string]struct {
				nanos int
				text  string
			}{
				"1696263265.851898000": {851898000, "1696263265.851898000"},
				"1696263265.000000001": {1, "1696263265.000000001"},
				"1696263265.005":       {5000000, "1696263265.005000000"},
				"1696263265":           {0, "1696263265.000000000"},
			} {
				model, at := read(t, fmt.Sprintf(`{"id": "x", "connector_id": "x", %q: %s}`, name, number))
				require.Equal(t, time.Date(2023, 10, 2, 16, 14, 25, want.nanos, time.UTC), *at)
				data, err := json.Marshal(model)
				require.NoError(t, err)
				require.Contains(t, string(data)+",", fmt.Sprintf(`%q:%s`, name, want.text))
				require.Equal(t, 1, strings.Count(string(data), name))
			}
			for _, body := range []string{`{"id": "x", "connector_id": "x"}`, fmt.Sprintf(`{"id": "x", "connector_id": "x", %q: null}`, name)} {
				model, at := read(t, body)
				require.Truef(t, at == nil || name == "created_date" && at.IsZero(), "no time, got %v", at)
				data, err := json.Marshal(model)
				require.NoError(t, err)
				require.Truef(t, at != nil || !strings.Contains(string(data), name), "expected an error for %s", data)
			}
		})
	}
}

func TestLegacyModelsMarshalAsTheyWereRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model any
		want  string
	}{
		{*legacyDirectory(), apitest.Fixture(t, "legacy/integration_minimal.json")},
		{legacyFlow(), apitest.Fixture(t, "legacy/access_flow.json")},
		{legacyConnectors()[0], `{"connector_id": "c1", "last_connected": 1696263265.851898001, "status": "Connected"}`},
		{*legacyConnectors()[1], `{"connector_id": "c2", "status": ""}`},
	} {
		data, err := json.Marshal(c.model)
		require.NoError(t, err)
		apitest.JSONEq(t, c.want, string(data))
	}
	data, err := json.Marshal(legacyOrders())
	require.NoError(t, err)
	var kept apono.IntegrationV2
	require.NoError(t, json.Unmarshal(data, &kept))
	want := *legacyOrders()
	want.SecretConfig = secrets("type", "[redacted]", "region", "[redacted]", "secret_id", "[redacted]")
	require.Equal(t, want, kept)
}

// A field without a tag would be sent under its Go name, which the API ignores.
func TestLegacyTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url",
		reflect.TypeFor[apono.ListIntegrationsV2Options](), reflect.TypeFor[apono.ListAccessFlowsV1Options](),
		reflect.TypeFor[apono.ListAccessBundlesV1Options](), reflect.TypeFor[apono.ListUsersV2Options](),
		reflect.TypeFor[apono.ListAccessRequestsV3Options](), reflect.TypeFor[apono.ListSelectableOptions](),
	)
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.IntegrationV2](), reflect.TypeFor[apono.CreateIntegrationV2Input](), reflect.TypeFor[apono.UpdateIntegrationV2Input](),
		reflect.TypeFor[apono.AccessFlowV1](), reflect.TypeFor[apono.CreateAccessFlowV1Input](), reflect.TypeFor[apono.UpdateAccessFlowV1Input](),
		reflect.TypeFor[apono.AccessFlowTriggerV1](), reflect.TypeFor[apono.TimeframeV1](), reflect.TypeFor[apono.AccessFlowSettingsV1](),
		reflect.TypeFor[apono.GranteeV1](), reflect.TypeFor[apono.ApproverV1](), reflect.TypeFor[apono.AccessTargetIntegrationV1](),
		reflect.TypeFor[apono.TagV1](), reflect.TypeFor[apono.AccessTargetBundleV1](), reflect.TypeFor[apono.AccessBundleV1](),
		reflect.TypeFor[apono.CreateAccessBundleV1Input](), reflect.TypeFor[apono.UpdateAccessBundleV1Input](),
		reflect.TypeFor[apono.ConnectorV2](), reflect.TypeFor[apono.UserV2](), reflect.TypeFor[apono.AccessRequestV3](),
		reflect.TypeFor[apono.CreateAccessRequestV3Input](), reflect.TypeFor[apono.AccessDetailsV3](), reflect.TypeFor[apono.SelectableIntegration](),
		reflect.TypeFor[apono.SelectableResourceType](), reflect.TypeFor[apono.SelectableResource](),
	)
}

// legacyTargetJSON is legacyTarget in JSON.
const legacyTargetJSON = `{
	"integration_id": "i1", "resource_type": "postgresql-database",
	"resource_tag_includes": [{"name": "__id", "value": "r1"}, {"name": "env", "value": "prod"}],
	"resource_tag_excludes": [{"name": "__name", "value": "billing"}],
	"permissions": ["READ_ONLY", "ADMIN"]
}`

const (
	legacyBundleInput = `{"name": "Orders on-call", "integration_targets": [` + legacyTargetJSON + `]}`
	legacyBundleJSON  = `{"id": "b1", "name": "Orders on-call", "integration_targets": [` + legacyTargetJSON + `]}`
)

func legacyBundle() *apono.AccessBundleV1 {
	return &apono.AccessBundleV1{ID: "b1", Name: "Orders on-call", IntegrationTargets: []apono.AccessTargetIntegrationV1{legacyTarget()}}
}

func TestListLegacyAccessBundles(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"data": [` + legacyBundleJSON + `, {"id": "b2", "name": "", "integration_targets": []}], "pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := apitest.NewClient(t, fake).Legacy.AccessBundles.List(t.Context(), apono.ListAccessBundlesV1Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.AccessBundleV1]{
		Items: []*apono.AccessBundleV1{legacyBundle(), {ID: "b2", IntegrationTargets: []apono.AccessTargetIntegrationV1{}}}, Total: 9, Limit: 2, Offset: 4,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v1/access-bundles", "limit=2&skip=4", "")
}

func TestGetCreateAndUpdateLegacyAccessBundle(t *testing.T) {
	t.Parallel()
	targets := []apono.AccessTargetIntegrationV1{legacyTarget()}
	for _, c := range []struct {
		method, path, body string
		call               func(*apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error)
	}{
		{"GET", "/api/v1/access-bundles/b1", "", func(s *apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error) {
			return s.Get(t.Context(), "b1")
		}},
		{"POST", "/api/v1/access-bundles", legacyBundleInput, func(s *apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error) {
			return s.Create(t.Context(), apono.CreateAccessBundleV1Input{Name: "Orders on-call", IntegrationTargets: targets})
		}},
		{"PATCH", "/api/v1/access-bundles/b1", legacyBundleInput, func(s *apono.LegacyAccessBundlesService) (*apono.AccessBundleV1, error) {
			return s.Update(t.Context(), "b1", apono.UpdateAccessBundleV1Input{Name: new("Orders on-call"), IntegrationTargets: targets})
		}},
	} {
		fake := script.New(t, script.Response{Body: legacyBundleJSON})
		got, err := c.call(apitest.NewClient(t, fake).Legacy.AccessBundles)
		require.NoError(t, err)
		require.Equal(t, legacyBundle(), got)
		apitest.Sent(t, fake.Requests()[0], c.method, c.path, "", c.body)
	}
}

func TestListLegacyConnectors(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: `[{"connector_id": "c1", "last_connected": 1696263265.851898001, "status": "Connected"}, {"connector_id": "c2", "status": ""}]`},
		script.Response{Body: `[]`},
	)
	client := apitest.NewClient(t, fake).Legacy.Connectors
	for i, want := range [][]*apono.ConnectorV2{legacyConnectors(), {}} {
		got, err := client.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/v2/connectors", "", "")
	}
}

// A list with null items, or in another form, must not look like an empty list.
func TestInvalidListOfLegacyConnectorsIsDecodeError(t *testing.T) {
	t.Parallel()
	for body, cause := range map[string]string{
		``:                            "the body is empty",
		`null`:                        "the body is null",
		`[null]`:                      "item 0 of the list is null",
		`[{"connector_id":"c"},null]`: "item 1 of the list is null",
		`{}`:                          "",
		`{"data":[]}`:                 "",
		`["c"]`:                       "",
		`[[]]`:                        "",
		`[]]`:                         "after top-level value",
		`[{"last_connected":"soon"}]`: "",
		`[{"connector_id":`:           "",
	} {
		_, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).Legacy.Connectors.List(t.Context())
		require.ErrorAs(t, err, new(*apono.DecodeError))
		require.ErrorContains(t, err, "apono: GET /api/v2/connectors: 200 OK, but the body is unusable: ")
		require.ErrorContains(t, err, cause)
	}
}

const legacyAnn = `{"id": "u1", "email": "ann@example.com", "first_name": "Ann", "last_name": "Lee", "active": true}`

func legacyUser() *apono.UserV2 {
	return &apono.UserV2{ID: "u1", Email: "ann@example.com", FirstName: "Ann", LastName: "Lee", Active: true}
}

func TestListLegacyUsers(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"data": [` + legacyAnn + `, {"id": "u2", "active": false}], "pagination": {"total": 9, "limit": 2, "offset": 4}}`})
	page, err := apitest.NewClient(t, fake).Legacy.Users.List(t.Context(), apono.ListUsersV2Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.UserV2]{Items: []*apono.UserV2{legacyUser(), {ID: "u2"}}, Total: 9, Limit: 2, Offset: 4}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/users", "limit=2&skip=4", "")
}

func TestGetLegacyUserByEmail(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: legacyAnn})
	got, err := apitest.NewClient(t, fake).Legacy.Users.Get(t.Context(), "ann+x@example.com")
	require.NoError(t, err)
	require.Equal(t, legacyUser(), got)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/users/ann+x@example.com", "", "")
}

// legacyConnectors are a connector with all members and one with only the required
// members.
func legacyConnectors() []*apono.ConnectorV2 {
	return []*apono.ConnectorV2{{ConnectorID: "c1", LastConnected: new(legacyTime()), Status: "Connected"}, {ConnectorID: "c2"}}
}

// legacyTime is 1696263265.851898001 in the fixtures. A float would lose its last digits.
func legacyTime() time.Time { return time.Date(2023, 10, 2, 16, 14, 25, 851898001, time.UTC) }

func legacyAWS() map[string]apono.Secret {
	return secrets("type", "AWS", "region", "eu-west-1", "secret_id", "orders/apono")
}

// legacyOrders returns the object in legacy/integration.json.
func legacyOrders() *apono.IntegrationV2 {
	return &apono.IntegrationV2{
		ID: "i1", Name: "Orders database", Type: "postgresql", Status: apono.IntegrationStatusV2Active,
		Details: new("4 resources loaded"), ProvisionerID: new("connector-1"),
		Connection:   map[string]any{"attempts": json.Number("3"), "hosts": []any{"a", map[string]any{"b": nil}}},
		LastSyncTime: new(legacyTime()),
		Metadata: map[string]any{
			"hostname": "orders.example.com", "port": json.Number("5432"), "weight": json.Number("12345678901234567890"),
			"ssl": map[string]any{"hosts": []any{"a", map[string]any{"b": "c"}}},
		},
		SecretConfig:           legacyAWS(),
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    new("Ask in #orders <first>."),
	}
}

// legacyDirectory returns the object in legacy/integration_minimal.json. Its status is
// not one of the constants.
func legacyDirectory() *apono.IntegrationV2 {
	return &apono.IntegrationV2{
		ID: "i2", Name: "Directory", Type: "google-idp", Status: "Paused", Metadata: map[string]any{}, ConnectedResourceTypes: []string{},
	}
}

func TestListLegacyIntegrations(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"data": [` + apitest.Fixture(t, "legacy/integration.json") + `,` + apitest.Fixture(t, "legacy/integration_minimal.json") + `],
		"pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := apitest.NewClient(t, fake).Legacy.Integrations.List(t.Context(), apono.ListIntegrationsV2Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.IntegrationV2]{
		Items: []*apono.IntegrationV2{legacyOrders(), legacyDirectory()}, Total: 9, Limit: 2, Offset: 4,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/integrations", "limit=2&skip=4", "")
}

func TestGetLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/integration.json")}, script.Response{Body: apitest.Fixture(t, "legacy/integration_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.IntegrationV2{legacyOrders(), legacyDirectory()} {
		got, err := client.Legacy.Integrations.Get(t.Context(), "i/1 a")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/v2/integrations/i%2F1%20a", "", "")
	}
}

func TestCreateAndUpdateLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/integration.json")}, script.Response{Body: apitest.Fixture(t, "legacy/integration_minimal.json")},
	)
	client := apitest.NewClient(t, fake).Legacy.Integrations
	update := apono.UpdateIntegrationV2Input{
		Name: "Orders database", ProvisionerID: new("connector-1"),
		Metadata: map[string]any{
			"hostname": "orders.example.com", "port": 5432, "ssl": map[string]any{"hosts": []any{"a", map[string]string{"b": "c"}}},
		},
		SecretConfig:           legacyAWS(),
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    new("Ask in #orders <first>."),
	}
	got, err := client.Create(t.Context(), apono.CreateIntegrationV2Input{
		Name: update.Name, Type: "postgresql", ProvisionerID: update.ProvisionerID, Metadata: update.Metadata, SecretConfig: update.SecretConfig,
		ConnectedResourceTypes: update.ConnectedResourceTypes, CustomAccessDetails: update.CustomAccessDetails,
	})
	require.NoError(t, err)
	require.Equal(t, legacyOrders(), got)
	body := apitest.Fixture(t, "legacy/integration_update.json")
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v2/integrations", "", strings.Replace(body, "{", `{"type": "postgresql",`, 1))
	got, err = client.Update(t.Context(), "i1", update)
	require.NoError(t, err)
	require.Equal(t, legacyDirectory(), got)
	apitest.Sent(t, fake.Requests()[1], "PUT", "/api/v2/integrations/i1", "", body)
}

// The API rejects null for required maps. Empty members must be sent, because they clear
// values.
func TestLegacyIntegrationInputsAreSentWithoutNulls(t *testing.T) {
	t.Parallel()
	const empty = `"metadata": {}, "provisioner_id": "", "secret_config": {}, "connected_resource_types": [], "custom_access_details": ""}`
	for _, c := range []struct {
		create     apono.CreateIntegrationV2Input
		createBody string
		update     apono.UpdateIntegrationV2Input
		updateBody string
	}{
		{createBody: `{"name": "", "type": "", "metadata": {}}`, updateBody: `{"name": "", "metadata": {}}`},
		{
			apono.CreateIntegrationV2Input{
				ProvisionerID: new(""), SecretConfig: map[string]apono.Secret{}, ConnectedResourceTypes: []string{}, CustomAccessDetails: new(""),
			},
			`{"name": "", "type": "", ` + empty,
			apono.UpdateIntegrationV2Input{
				ProvisionerID: new(""), SecretConfig: map[string]apono.Secret{}, ConnectedResourceTypes: []string{}, CustomAccessDetails: new(""),
			},
			`{"name": "", ` + empty,
		},
	} {
		fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
		client := apitest.NewClient(t, fake).Legacy.Integrations
		_, err := client.Create(t.Context(), c.create)
		require.NoError(t, err)
		_, err = client.Update(t.Context(), "i1", c.update)
		require.NoError(t, err)
		apitest.JSONEq(t, c.createBody, fake.Requests()[0].Body)
		apitest.JSONEq(t, c.updateBody, fake.Requests()[1].Body)
	}
}

func legacyCredentials(t *testing.T) (config map[string]apono.Secret) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(`{"type": "APONO", "login": {"password":"hunter2-<&>"}, "pin": "hunter2"}`), &config))
	return config
}

// Requests must contain the credentials, not their masks.
func TestRequestsContainLegacyCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	_, err := client.Legacy.Integrations.Create(t.Context(), apono.CreateIntegrationV2Input{SecretConfig: legacyCredentials(t)})
	require.NoError(t, err)
	_, err = client.Legacy.Integrations.Update(t.Context(), "i1", apono.UpdateIntegrationV2Input{SecretConfig: legacyCredentials(t)})
	require.NoError(t, err)
	require.NoError(t, client.Do(t.Context(), "PUT", "/api/v9/stores/s1", nil, map[string]any{"secret_config": legacyCredentials(t)}, nil))
	const config = `"secret_config":{"login":{"password":"hunter2-<&>"},"pin":"hunter2","type":"APONO"}}`
	require.Equal(t, `{"name":"","type":"","metadata":{},`+config, fake.Requests()[0].Body)
	require.Equal(t, `{"name":"","metadata":{},`+config, fake.Requests()[1].Body)
	require.Equal(t, `{`+config, fake.Requests()[2].Body)
}

// Programs may send a whole integration with Client.Do.
func TestRequestsContainCredentialsOfLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject})
	in := apono.IntegrationV2{SecretConfig: legacyCredentials(t)}
	require.NoError(t, apitest.NewClient(t, fake).Do(t.Context(), "PUT", "/api/v2/integrations/i1", nil, in, nil))
	require.NotContains(t, fake.Requests()[0].Body, "[redacted]")
}

// An integration that was marshaled has masks in place of credentials. They must not be
// sent.
func TestMaskedLegacyCredentialsAreArgumentError(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(legacyCredentials(t))
	require.NoError(t, err)
	var config map[string]apono.Secret
	require.NoError(t, json.Unmarshal(data, &config))
	client := apitest.NewClient(t, apitest.NoRequest(t)).Legacy.Integrations
	_, createErr := client.Create(t.Context(), apono.CreateIntegrationV2Input{SecretConfig: config})
	_, updateErr := client.Update(t.Context(), "i1", apono.UpdateIntegrationV2Input{SecretConfig: config})
	for _, err := range []error{createErr, updateErr} {
		require.Regexp(t, `^in\.SecretConfig\["(type|login|pin)"\]$`, apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
	}
}

// legacyFlow returns the object in legacy/access_flow.json.
func legacyFlow() *apono.AccessFlowV1 {
	return &apono.AccessFlowV1{
		ID: "f1", Name: "Orders on call", Active: true,
		Trigger: apono.AccessFlowTriggerV1{
			Type: apono.AccessFlowTriggerTypeV1UserRequest,
			Timeframe: &apono.TimeframeV1{
				StartOfDayTimeInSeconds: 28800, EndOfDayTimeInSeconds: 64800,
				DaysInWeek: []apono.DayOfWeek{apono.DayOfWeekMonday, apono.DayOfWeekFriday}, TimeZone: "Europe/Berlin",
			},
		},
		Grantees:           []apono.GranteeV1{{ID: "u1", Type: apono.IdentityTypeV1User}, {ID: "g1", Type: "GROUP"}},
		IntegrationTargets: []apono.AccessTargetIntegrationV1{legacyTarget()},
		BundleTargets:      []apono.AccessTargetBundleV1{{BundleID: "b1"}},
		Approvers:          []apono.ApproverV1{{ID: "u2", Type: apono.IdentityTypeV1ContextAttribute}},
		RevokeAfterInSec:   3600,
		Settings: &apono.AccessFlowSettingsV1{
			RequireJustificationOnRequestAgain: new(true), RequireAllApprovers: new(false),
			RequireApproverJustification: new(true), ApproverCannotApproveHimself: new(false),
		},
		CreatedDate: legacyTime(),
	}
}

func legacyTarget() apono.AccessTargetIntegrationV1 {
	return apono.AccessTargetIntegrationV1{
		IntegrationID: "i1", ResourceType: "postgresql-database",
		ResourceTagIncludes: []apono.TagV1{{Name: "__id", Value: "r1"}, {Name: "env", Value: "prod"}},
		ResourceTagExcludes: []apono.TagV1{{Name: "__name", Value: "billing"}},
		Permissions:         []string{"READ_ONLY", "ADMIN"},
	}
}

// legacyFlowForAll returns the object in legacy/access_flow_minimal.json. Its trigger is
// not one of the constants.
func legacyFlowForAll() *apono.AccessFlowV1 {
	return &apono.AccessFlowV1{
		ID: "f2", Name: "Everybody", Trigger: apono.AccessFlowTriggerV1{Type: "on_shift"}, Grantees: []apono.GranteeV1{},
		IntegrationTargets: []apono.AccessTargetIntegrationV1{}, BundleTargets: []apono.AccessTargetBundleV1{},
		RevokeAfterInSec: apono.RevokeNeverV1, CreatedDate: time.Date(2023, 10, 2, 16, 14, 25, 0, time.UTC),
	}
}

func TestListLegacyAccessFlows(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"data": [` + apitest.Fixture(t, "legacy/access_flow.json") + `,` + apitest.Fixture(t, "legacy/access_flow_minimal.json") + `],
		"pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := apitest.NewClient(t, fake).Legacy.AccessFlows.List(t.Context(), apono.ListAccessFlowsV1Options{Limit: 2, Skip: 4})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.AccessFlowV1]{
		Items: []*apono.AccessFlowV1{legacyFlow(), legacyFlowForAll()}, Total: 9, Limit: 2, Offset: 4,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v1/access-flows", "limit=2&skip=4", "")
}

func TestGetLegacyAccessFlow(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/access_flow.json")}, script.Response{Body: apitest.Fixture(t, "legacy/access_flow_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.AccessFlowV1{legacyFlow(), legacyFlowForAll()} {
		got, err := client.Legacy.AccessFlows.Get(t.Context(), "f1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/v1/access-flows/f1", "", "")
	}
}

func TestCreateAndUpdateLegacyAccessFlow(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "legacy/access_flow.json")}, script.Response{Body: apitest.Fixture(t, "legacy/access_flow_minimal.json")},
	)
	client := apitest.NewClient(t, fake).Legacy.AccessFlows
	flow := legacyFlow()
	got, err := client.Create(t.Context(), apono.CreateAccessFlowV1Input{
		Name: flow.Name, Active: flow.Active, Trigger: flow.Trigger, Grantees: flow.Grantees, IntegrationTargets: flow.IntegrationTargets,
		BundleTargets: flow.BundleTargets, Approvers: flow.Approvers, RevokeAfterInSec: flow.RevokeAfterInSec, Settings: flow.Settings,
	})
	require.NoError(t, err)
	require.Equal(t, legacyFlow(), got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v1/access-flows", "", apitest.Fixture(t, "legacy/access_flow_input.json"))
	got, err = client.Update(t.Context(), "f1", apono.UpdateAccessFlowV1Input{
		Name: &flow.Name, Active: &flow.Active, Trigger: &flow.Trigger, Grantees: flow.Grantees, IntegrationTargets: flow.IntegrationTargets,
		BundleTargets: flow.BundleTargets, Approvers: flow.Approvers, RevokeAfterInSec: &flow.RevokeAfterInSec, Settings: flow.Settings,
	})
	require.NoError(t, err)
	require.Equal(t, legacyFlowForAll(), got)
	apitest.Sent(t, fake.Requests()[1], "PATCH", "/api/v1/access-flows/f1", "", apitest.Fixture(t, "legacy/access_flow_input.json"))
}

// Everything in a flow of version 1 must be in the input or in a note. Settings that only
// version 2 has must not change.
func TestMigrationIsCompleteOrNoted(t *testing.T) {
	t.Parallel()
	const old = `{"id": "f1", "name": "n", "active": true, "trigger": {"type": "user_request", "timeframe": {
			"start_of_day_time_in_seconds": 28800, "end_of_day_time_in_seconds": 64800, "days_in_week": ["MONDAY"], "time_zone": "UTC"}},
		"grantees": [{"id": "u1", "type": "USER"}], "approvers": [{"id": "g1", "type": "group"}], "revoke_after_in_sec": 3600,
		"integration_targets": [{"integration_id": "i1", "resource_type": "db", "permissions": ["READ"],
			"resource_tag_includes": [{"name": "env", "value": "prod"}], "resource_tag_excludes": [{"name": "__name", "value": "tmp"}]}],
		"bundle_targets": [{"bundle_id": "b1"}], "created_date": 1700000000.5,
		"settings": {"require_justification_on_request_again": false, "require_all_approvers": false,
			"require_approver_justification": false, "approver_cannot_approve_himself": false}}`
	convert := func(text string, base apono.AccessFlowInput) (string, []string) {
		var flow apono.AccessFlowV1
		require.NoError(t, json.Unmarshal([]byte(text), &flow))
		var m migration
		data, err := json.Marshal(m.flow(&flow, base))
		require.NoError(t, err)
		return string(data), m.notes
	}
	base := apono.AccessFlowInput{
		Description: new("kept"), RequestorIdentityType: apono.RequestorIdentityTypeHuman,
		RequestFor:       &apono.RequestForInput{RequestScopes: []apono.RequestScope{"others"}},
		EscalationPolicy: &apono.EscalationPolicyInput{IntervalInMin: new(5), ApproverGroups: []apono.ApproverGroupInput{}},
		AccessTargets:    []apono.AccessTargetInput{{QueryTarget: &apono.QueryTarget{Query: "q"}}, {Bundle: &apono.TargetBundleInput{BundleReference: "gone"}}},
		Settings:         apono.AccessFlowSettings{RequireMFA: true, Labels: []string{"l"}, MaxExtensions: new(2), ExtensionDurationInMin: new(3)},
		Extra:            apono.Extra{"newer": json.RawMessage(`1`)},
	}
	whole, notes := convert(old, base)
	require.Empty(t, notes)
	apitest.JSONEq(t, `{"name": "n", "active": true, "trigger": "SELF_SERVE", "description": "kept", "requestor_identity_type": "HUMAN",
		"requestors": {"logical_operator": "OR", "conditions": [{"type": "user", "match_operator": "is", "values": ["u1"]}]},
		"request_for": {"request_scopes": ["others"]}, "request_for_others": false, "grant_duration_in_min": 60,
		"access_targets": [
			{"integration": {"integration_reference": "i1", "resource_type": "db", "permissions": ["READ"], "resources_scopes": [
				{"scope_mode": "include_resources", "type": "TAG", "key": "env", "values": ["prod"]},
				{"scope_mode": "exclude_resources", "type": "NAME", "values": ["tmp"]}]}},
			{"bundle": {"bundle_reference": "b1"}}, {"query_target": {"query": "q"}}],
		"approver_policy": {"approval_mode": "ANY_OF", "approver_groups": [
			{"logical_operator": "OR", "approvers": [{"type": "group", "match_operator": "is", "values": ["g1"]}]}]},
		"escalation_policy": {"interval_in_min": 5, "approver_groups": []},
		"timeframe": {"start_time": "08:00", "end_time": "18:00", "days_of_week": ["MONDAY"], "time_zone": "UTC"},
		"settings": {"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
			"require_mfa": true, "labels": ["l"], "max_extensions": 2, "extension_duration_in_min": 3},
		"newer": 1}`, whole)
	for _, change := range [][2]string{
		{`"n"`, `"m"`}, {`"active": true`, `"active": false`}, {"user_request", "automatic"}, {"user_request", "newer"},
		{"28800", "28801"}, {"64800", "64860"}, {"MONDAY", "FRIDAY"}, {`"UTC"`, `"Europe/Berlin"`}, {`"u1"`, `"u2"`}, {"USER", "group"},
		{"USER", "context_attribute"}, {`"g1"`, `"g2"`}, {`"group"`, `"context_attribute"`}, {"3600", "-1"}, {"3600", "3630"}, {"3600", "60"},
		{`"i1"`, `"i2"`}, {`"db"`, `"dbs"`}, {"READ", "WRITE"}, {`"env"`, `"stage"`}, {"prod", "qa"}, {"__name", "__id"}, {"tmp", "old"}, {"b1", "b2"},
		{`[{"name": "env"`, `[{"name": "a", "value": "b"}, {"name": "env"`},
		{`on_request_again": false`, `on_request_again": true`}, {`all_approvers": false`, `all_approvers": true`},
		{`approver_justification": false`, `approver_justification": true`}, {`himself": false`, `himself": true`},
		{`"id": "f1"`, `"newer": 1, "id": "f1"`}, {`"type": "user_request"`, `"newer": 1, "type": "user_request"`},
		{`"time_zone"`, `"newer": 1, "time_zone"`}, {`"id": "u1"`, `"newer": 1, "id": "u1"`}, {`"id": "g1"`, `"newer": 1, "id": "g1"`},
		{`"integration_id"`, `"newer": 1, "integration_id"`}, {`"name": "env"`, `"newer": 1, "name": "env"`},
		{`"bundle_id"`, `"newer": 1, "bundle_id"`}, {`"require_all`, `"newer": 1, "require_all`},
	} {
		require.Contains(t, old, change[0])
		in, notes := convert(strings.Replace(old, change[0], change[1], 1), base)
		require.True(t, in != whole || len(notes) > 0, "%s has no effect", change)
	}

	// Requestors and approvers of version 2 are kept if they are the same identities.
	base.Requestors = apono.ConditionGroupInput{LogicalOperator: apono.LogicalOperatorAnd, Conditions: []apono.ConditionInput{
		{Type: "user", Values: []string{"u1"}, SourceIntegrationReference: new("okta")},
	}}
	base.ApproverPolicy = &apono.ApproverPolicyInput{ApprovalMode: apono.ApprovalModeAllOf, ApproverGroups: []apono.ApproverGroupInput{
		{LogicalOperator: apono.LogicalOperatorAnd, Approvers: []apono.ConditionInput{{Type: "group", Values: []string{"g1"}}}},
	}}
	kept, notes := convert(old, base)
	require.Empty(t, notes)
	require.Contains(t, kept, `"source_integration_reference":"okta"`)
	require.Contains(t, kept, `"approval_mode":"ALL_OF"`)
}

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
