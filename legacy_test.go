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
