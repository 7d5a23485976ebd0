package aponotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/require"
)

const (
	flowsPath   = "/api/admin/v2/access-flows"
	bundlesPath = "/api/admin/v2/bundles"
	scopesPath  = "/api/admin/v1/access-scopes"
	reportsPath = "/api/admin/v1/activity-reports"
)

// checkDirectResponse is like checkResponse without a network, for use in a synctest
// bubble.
func checkDirectResponse(t *testing.T, server *aponotest.Server, method, path, body string, wantStatus int, want string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+server.Token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, req)
	response := recorder.Body.String()
	require.Equalf(t, wantStatus, recorder.Code, "%s %s returned status %d, want %d: %s", method, path, recorder.Code, wantStatus, response)
	if want == "" {
		require.Empty(t, response)
		return
	}
	apitest.JSONEq(t, want, response)
}

// accessServer returns a server with the objects that access flows and bundles refer to.
func accessServer(t *testing.T, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, append(opts, aponotest.WithLooseChecks())...)
	server.Put(aponotest.Integrations,
		apono.Integration{ID: "int-1", Name: "Orders database", Type: "postgresql"},
		apono.Integration{ID: "idp-1", Name: "Okta", Type: "okta"},
	)
	server.Put(aponotest.Bundles, apono.Bundle{ID: "bundle-1", Name: "Reading"})
	server.Put(aponotest.Scopes, apono.AccessScope{ID: "scope-1", Name: "Databases"})
	return server
}

// Members of a flow in request bodies with ids, in request bodies with names, and in
// responses.
const (
	writtenByID = `"source_integration_reference": "idp-1"`
	writtenName = `"source_integration_reference": "Okta"`
	readSource  = `"source_integration_id": "idp-1", "source_integration_name": "Okta"`

	targetsByID = `"access_targets": [
		{"bundle": {"bundle_reference": "bundle-1"}},
		{"integration": {"integration_reference": "int-1", "resource_type": "t", "permissions": ["b", "a", "b"]}},
		{"access_scope": {"access_scope_reference": "scope-1"}},
		{"query_target": {"query": "q"}}]`
	targetsByName = `"access_targets": [
		{"bundle": {"bundle_reference": "Reading"}},
		{"integration": {"integration_reference": "Orders database", "resource_type": "t", "permissions": ["b", "a", "b"]}},
		{"access_scope": {"access_scope_reference": "Databases"}},
		{"query_target": {"query": "q"}}]`
	readTargets = `"access_targets": [
		{"bundle": {"bundle_id": "bundle-1", "bundle_name": "Reading"}},
		{"integration": {"integration_id": "int-1", "integration_name": "Orders database", "resource_type": "t", "permissions": ["b", "a", "b"]}},
		{"access_scope": {"access_scope_id": "scope-1", "access_scope_name": "Databases"}},
		{"query_target": {"query": "q"}}]`

	settingsOff = `"settings": {"justification_required": false, "require_approver_reason": false,
		"requestor_cannot_approve_himself": false, "require_mfa": false, "labels": []}`
	smallFlow = `"active": false, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN", "requestors": {"logical_operator": "AND", "conditions": []}, "access_targets": [], ` + settingsOff
)

// bigFlow returns a flow with every member that the API documents.
func bigFlow(source, targets string) string {
	condition := `{"type": "user", "match_operator": "is", "values": ["z", "a", "z"], ` + source + `}`
	return `"name": " All  of it ", "description": "", "active": true, "trigger": "SELF_SERVE", "requestor_identity_type": "AGENT", ` + targets + `,
		"requestors": {"logical_operator": "OR", "conditions": [{"type": "Owner"}, ` + condition + `]},
		"request_for": {"request_scopes": ["others", "self"], "grantees": {"logical_operator": "AND", "conditions": [` + condition + `]}},
		"approver_policy": {"approval_mode": "ALL_OF", "approver_groups": [
			{"logical_operator": "OR", "approvers": [{"type": "manager"}, ` + condition + `]}, {"logical_operator": "AND", "approvers": []}]},
		"escalation_policy": {"interval_in_min": 30, "approver_groups": [{"logical_operator": "AND", "approvers": [` + condition + `]}]},
		"grant_duration_in_min": 0,
		"timeframe": {"start_time": "08:00", "end_time": "17:00", "days_of_week": ["SUNDAY", "MONDAY"], "time_zone": "Europe/Berlin"},
		"settings": {"justification_required": true, "require_approver_reason": false, "requestor_cannot_approve_himself": true,
			"require_mfa": false, "labels": ["b", "a"], "max_extensions": 0, "extension_duration_in_min": 15}`
}

func TestAccessFlowsAreReturnedAsWritten(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	synctest.Test(t, func(t *testing.T) {
		const id = "00000001-0000-4000-8000-000000000001"
		const created = `"id": "` + id + `", "creation_date": "2000-01-01T00:00:00.000Z"`
		want := `{` + created + `, ` + bigFlow(readSource, readTargets) + `}`
		checkDirectResponse(t, server, "POST", flowsPath, `{"request_for_others": true, `+bigFlow(writtenByID, targetsByID)+`}`, 200, want)
		checkDirectResponse(t, server, "GET", flowsPath+"/"+id, "", 200, want)
		checkDirectResponse(t, server, "GET", flowsPath, "", 200, `{"items": [`+want+`], "pagination": {}}`)

		// An update replaces the object; references may be names.
		time.Sleep(time.Hour)
		const updated = created + `, "update_date": "2000-01-01T01:00:00.000Z", `
		checkDirectResponse(t, server, "PUT", flowsPath+"/"+id, `{"name": "small", "description": null, "request_for_others": false, `+smallFlow+`}`, 200,
			`{`+updated+`"name": "small", `+smallFlow+`}`)
		want = `{` + updated + bigFlow(readSource, readTargets) + `}`
		checkDirectResponse(t, server, "PUT", flowsPath+"/"+id, `{"request_for_others": false, `+bigFlow(writtenName, targetsByName)+`}`, 200, want)
		checkDirectResponse(t, server, "GET", flowsPath+"/"+id, "", 200, want)

		checkDirectResponse(t, server, "DELETE", flowsPath+"/"+id, "", 204, "")
		missing := `{"message": "access flow \"` + id + `\" not found"}`
		checkDirectResponse(t, server, "GET", flowsPath+"/"+id, "", 404, missing)
		checkDirectResponse(t, server, "PUT", flowsPath+"/"+id, `{"name": "n", "request_for_others": false, `+smallFlow+`}`, 404, missing)
		checkDirectResponse(t, server, "DELETE", flowsPath+"/"+id, "", 404, missing)
		checkDirectResponse(t, server, "GET", flowsPath, "", 200, `{"items": [], "pagination": {}}`)
	})
}

func TestAccessFlowTargetsHaveCurrentNames(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "f1", "creation_date": "2026-01-02T03:04:05.006Z", `+bigFlow(readSource, readTargets)+`}`))
	client := server.Client()
	_, bundleErr := client.Bundles.Update(t.Context(), "bundle-1", apono.BundleInput{Name: "bundle"})
	require.NoError(t, bundleErr)
	_, scopeErr := client.Scopes.Update(t.Context(), "scope-1", apono.AccessScopeInput{Name: "scope"})
	require.NoError(t, scopeErr)
	for id, name := range map[string]string{"int-1": "integration", "idp-1": "source"} {
		_, err := client.Integrations.Update(t.Context(), id, apono.UpdateIntegrationInput{Name: name})
		require.NoError(t, err)
	}
	renamed := strings.NewReplacer("Okta", "source", "Reading", "bundle", "Databases", "scope", "Orders database", "integration")
	checkDirectResponse(t, server, "GET", flowsPath+"/f1", "", 200,
		`{"id": "f1", "creation_date": "2026-01-02T03:04:05.006Z", `+renamed.Replace(bigFlow(readSource, readTargets))+`}`)
}

func TestNameFiltersOfBundlesScopesAndReports(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithLooseChecks())
	for i, name := range []string{"Prod-1", "prod-2", "Staging-1", "A&b"} {
		id := fmt.Sprint("x", i)
		server.Put(aponotest.Bundles, apono.Bundle{ID: id, Name: name})
		server.Put(aponotest.Scopes, apono.AccessScope{ID: id, Name: name})
		server.Put(aponotest.Reports, apono.ActivityReport{ID: id, Name: name, Timeframe: apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{Last: 1}}})
	}
	client := server.Client()
	for filter, want := range map[string]string{
		"": "x0 x1 x2 x3", "*": "x0 x1 x2 x3", "PROD*": "x0 x1", "*-1": "x0 x2", "*ING*": "x2", "prod-1": "x0", "prod": "", "p*1": "", "a&b": "x3",
	} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, accessIDs(t, client.Bundles.ListAll(t.Context(), apono.ListBundlesOptions{Name: filter}), func(b *apono.Bundle) string { return b.ID }))
			require.Equal(t, want, accessIDs(t, client.Scopes.ListAll(t.Context(), apono.ListScopesOptions{Name: filter}), func(s *apono.AccessScope) string { return s.ID }))
			require.Equal(t, want, accessIDs(t, client.Reports.ListAll(t.Context(), apono.ListReportsOptions{Name: filter}), func(r *apono.ActivityReport) string { return r.ID }))
		})
	}
}

// accessIDs returns the joined ids of a list.
func accessIDs[T any](t *testing.T, seq iter.Seq2[*T, error], id func(*T) string) string {
	t.Helper()
	var ids []string
	for item, err := range seq {
		require.NoError(t, err)
		ids = append(ids, id(item))
	}
	return strings.Join(ids, " ")
}

func TestInvalidFlowsBundlesAndScopesAreRejected(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	server.Put(aponotest.AccessFlows, json.RawMessage(`{"id": "f1", "name": "one", `+smallFlow+`}`))
	flow := func(old, replacement string) string {
		whole := `{"name": "two", "request_for_others": false, ` + smallFlow + `}`
		require.Containsf(t, whole, old, "the flow has no %s", old)
		return strings.Replace(whole, old, replacement, 1)
	}
	targets := func(target string) string { return flow(`"access_targets": []`, `"access_targets": [`+target+`]`) }
	for _, test := range []struct {
		method, path, body string
		status             int
		field, message     string
	}{
		{"GET", flowsPath + "?name=one", "", 422, "name", "unknown query parameter"},
		{"GET", bundlesPath + "?name=a&name=b", "", 422, "name", "must be given once, not 2 times"},
		{"GET", scopesPath + "?search=a", "", 422, "search", "unknown query parameter"},
		{"POST", flowsPath, flow(`"request_for_others": false, `, ``), 422, "request_for_others", "must be set"},
		{"PUT", flowsPath + "/f1", flow(`"request_for_others": false, `, ``), 422, "request_for_others", "must be set"},
		{"POST", flowsPath, flow(`"labels": []`, `"labels": null`), 422, "settings.labels", "must not be null"},
		{"POST", flowsPath, flow(`"require_mfa": false, `, ``), 422, "settings.require_mfa", "must be set"},
		{"POST", flowsPath, flow(`"labels": []`, `"labels": [], "max_extensions": 2147483648`), 422, "settings.max_extensions", "must be a 32-bit integer, not a number"},
		{"POST", flowsPath, flow(`"active": false`, `"active": "false"`), 422, "active", "must be true or false, not a string"},
		{"POST", flowsPath, flow(`"conditions": []`, `"conditions": null`), 422, "requestors.conditions", "must not be null"},
		{"POST", flowsPath, flow(`"conditions": []`, `"conditions": [{"type": "a"}, {}]`), 422, "requestors.conditions[1].type", "must be set"},
		{"POST", flowsPath, flow(`"conditions": []`, `"conditions": [{"type": "a", "source_integration_id": "idp-1"}]`), 422, "requestors.conditions[0].source_integration_id", "unknown field"},
		{"POST", flowsPath, flow(`"active"`, `"update_date": "2026-01-02T03:04:05Z", "active"`), 422, "update_date", "unknown field"},
		{"POST", flowsPath, flow(`"active"`, `"request_for": {"request_scopes": [], "grantees": {"conditions": []}}, "active"`), 422, "request_for.grantees.logical_operator", "must be set"},
		{"POST", flowsPath, flow(`"active"`, `"approver_policy": {"approver_groups": []}, "active"`), 422, "approver_policy.approval_mode", "must be set"},
		{"POST", flowsPath, flow(`"active"`, `"escalation_policy": {"interval_in_min": 1, "approver_groups": [{"logical_operator": "OR", "approvers": [{}]}]}, "active"`), 422, "escalation_policy.approver_groups[0].approvers[0].type", "must be set"},
		{"POST", flowsPath, flow(`"active"`, `"timeframe": {"start_time": "08:00", "end_time": "17:00", "days_of_week": []}, "active"`), 422, "timeframe.time_zone", "must be set"},
		{
			"POST", flowsPath, flow(`"active"`, `"timeframe": {"start_time": "08:00", "end_time": "17:00", "days_of_week": ["Monday"], "time_zone": "UTC"}, "active"`),
			422, "timeframe.days_of_week[0]", "must be one of MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY",
		},
		{"POST", flowsPath, targets(`{}`), 422, "access_targets[0]", "exactly one of access_scope, bundle, integration, query_target must be set"},
		{"POST", flowsPath, targets(`{"bundle": {"bundle_reference": "b"}, "access_scope": {"access_scope_reference": "s"}}`), 422, "access_targets[0]", "exactly one of access_scope, bundle, integration, query_target must be set"},
		{"POST", flowsPath, targets(`{"bundle": {"bundle_id": "bundle-1"}}`), 422, "access_targets[0].bundle.bundle_id", "unknown field"},
		{"POST", flowsPath, targets(`{"integration": {"integration_reference": "int-1", "resource_type": "t", "permissions": [], "resources_scopes": [{"scope_mode": "m", "type": "NAME"}]}}`), 422, "access_targets[0].integration.resources_scopes[0].values", "must be set"},
		{"POST", flowsPath, flow(`"two"`, `"one"`), 409, "name", "already used by another access flow"},
		{"POST", bundlesPath, `{"name": "b"}`, 422, "access_targets", "must be set"},
		{"POST", bundlesPath, `{"name": "b", "access_targets": [{"bundle": {"bundle_reference": "bundle-1"}}]}`, 422, "access_targets[0].bundle", "unknown field"},
		{"POST", bundlesPath, `{"name": "b", "access_targets": [{}]}`, 422, "access_targets[0]", "exactly one of access_scope, integration, query_target must be set"},
		{"PUT", bundlesPath + "/b9", `{"name": "b", "access_targets": []}`, 404, "", `bundle "b9" not found`},
		{"POST", scopesPath, `{"name": "s"}`, 422, "query", "must be set"},
		{"POST", scopesPath, `{"name": "s", "query": "", "id": "mine"}`, 422, "id", "unknown field"},
		{"POST", scopesPath, `{"name": "Databases", "query": ""}`, 409, "name", "already used by another access scope"},
		{"PUT", scopesPath + "/scope-1", `{"name": "Databases", "query": null}`, 422, "query", "must not be null"},
	} {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			t.Parallel()
			checkRejected(t, server, test.method, test.path, test.body, test.status, test.field, test.message)
		})
	}
}

// checkRejected checks the status and body of an error response. The field may be empty.
func checkRejected(t *testing.T, server *aponotest.Server, method, path, body string, status int, field, message string) {
	t.Helper()
	want := fmt.Sprintf(`{"message": %q}`, message)
	if field != "" {
		want = fmt.Sprintf(`{"message": %q, "field": %q}`, field+": "+message, field)
	}
	checkDirectResponse(t, server, method, path, body, status, want)
}

func TestUnknownReferenceIsRejectedWithPath(t *testing.T) {
	t.Parallel()
	server := accessServer(t)
	for reference, want := range map[string]string{
		`{"bundle": {"bundle_reference": "none"}}`:                                                              `access_targets[1].bundle.bundle_reference|bundle "none" not found`,
		`{"access_scope": {"access_scope_reference": "bundle-1"}}`:                                              `access_targets[1].access_scope.access_scope_reference|access scope "bundle-1" not found`,
		`{"integration": {"integration_reference": "orders database", "resource_type": "", "permissions": []}}`: `access_targets[1].integration.integration_reference|integration "orders database" not found`,
	} {
		body := `{"name": "n", "request_for_others": false, ` +
			strings.Replace(smallFlow, `"access_targets": []`, `"access_targets": [{"bundle": {"bundle_reference": "bundle-1"}}, `+reference+`]`, 1) + `}`
		field, message, _ := strings.Cut(want, "|")
		checkRejected(t, server, "POST", flowsPath, body, 400, field, message)
	}
	checkResponse(t, server, "GET", flowsPath, "", 200, `{"items": [], "pagination": {}}`)
}

// accessService has the common methods of the services for flows, bundles, scopes and
// reports.
type accessService[T, O, In any] interface {
	List(context.Context, ...O) (*apono.Page[T], error)
	ListAll(context.Context, ...O) iter.Seq2[*T, error]
	Get(context.Context, string) (*T, error)
	Create(context.Context, In) (*T, error)
	Update(context.Context, string, In) (*T, error)
	Delete(context.Context, string) error
}

// spacedService is a service of objects that can be created in a space.
type spacedService[T, O, In any] interface {
	List(context.Context, ...O) (*apono.Page[T], error)
	ListAll(context.Context, ...O) iter.Seq2[*T, error]
	Get(context.Context, string) (*T, error)
	Create(context.Context, In, ...apono.SpaceOptions) (*T, error)
	Update(context.Context, string, In) (*T, error)
	Delete(context.Context, string) error
}

// inNoSpace adapts a spacedService to an accessService.
type inNoSpace[T, O, In any] struct{ spacedService[T, O, In] }

func (s inNoSpace[T, O, In]) Create(ctx context.Context, in In) (*T, error) {
	return s.spacedService.Create(ctx, in)
}

// accessEndToEnd calls every method of a service.
func accessEndToEnd[T, O, In any](t *testing.T, service accessService[T, O, In], input func(name string) In,
	updateInput func(*T) In, rename func(*In) *string, id func(*T) string,
) {
	t.Helper()
	var ids []string
	for _, name := range []string{"c", "a", "b"} {
		created, err := service.Create(t.Context(), input(name))
		require.NoError(t, err)
		ids = append(ids, id(created))
		got, err := service.Get(t.Context(), id(created))
		require.NoError(t, err)
		require.Equal(t, created, got)
	}
	require.Equal(t, strings.Join(ids, " "), accessIDs(t, service.ListAll(t.Context()), id))
	page, err := service.List(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	require.NotEmpty(t, page.NextPageToken, "no next page token")

	in := updateInput(page.Items[1])
	require.Equal(t, "a", *rename(&in))
	*rename(&in) = "renamed"
	updated, err := service.Update(t.Context(), ids[1], in)
	require.NoError(t, err)
	require.Equal(t, in, updateInput(updated))

	require.NoError(t, service.Delete(t.Context(), ids[1]))
	_, err = service.Get(t.Context(), ids[1])
	require.ErrorIs(t, err, apono.ErrNotFound)
	_, err = service.Update(t.Context(), ids[1], in)
	require.ErrorIs(t, err, apono.ErrNotFound)
	require.ErrorIs(t, service.Delete(t.Context(), ids[1]), apono.ErrNotFound)
	require.Equal(t, ids[0]+" "+ids[2], accessIDs(t, service.ListAll(t.Context()), id))
}

func TestAccessFlowsWithClient(t *testing.T) {
	t.Parallel()
	server := accessServer(t, aponotest.WithPageSize(2))
	conditions := []apono.ConditionInput{
		{Type: apono.ConditionTypeOwner},
		{SourceIntegrationReference: new("Okta"), Type: apono.ConditionTypeGroup, MatchOperator: new(apono.MatchOperatorIs), Values: []string{"g"}},
	}
	groups := []apono.ApproverGroupInput{{LogicalOperator: apono.LogicalOperatorOr, Approvers: conditions}}
	accessEndToEnd[apono.AccessFlow, apono.ListAccessFlowsOptions](t, inNoSpace[apono.AccessFlow, apono.ListAccessFlowsOptions, apono.AccessFlowInput]{server.Client().AccessFlows},
		func(name string) apono.AccessFlowInput {
			return apono.AccessFlowInput{
				Name: name, Description: new("d"), Active: true, Trigger: apono.AccessFlowTriggerSelfServe,
				RequestorIdentityType: apono.RequestorIdentityTypeAgent,
				Requestors:            apono.ConditionGroupInput{LogicalOperator: apono.LogicalOperatorOr, Conditions: conditions},
				RequestFor: &apono.RequestForInput{
					RequestScopes: []apono.RequestScope{apono.RequestScopeOthers},
					Grantees:      &apono.ConditionGroupInput{LogicalOperator: apono.LogicalOperatorOr, Conditions: conditions},
				},
				AccessTargets: []apono.AccessTargetInput{
					{Integration: &apono.IntegrationAccessTargetInput{
						IntegrationReference: "Orders database", ResourceType: "t", Permissions: []string{"p"},
						ResourcesScopes: []apono.ResourcesScope{{ScopeMode: apono.ScopeModeInclude, Type: apono.ResourcesScopeTypeName, Values: []string{"v"}}},
					}},
					{Bundle: &apono.TargetBundleInput{BundleReference: "Reading"}},
					{AccessScope: &apono.TargetScopeInput{AccessScopeReference: "Databases"}},
					{QueryTarget: &apono.QueryTarget{Query: "q"}},
				},
				ApproverPolicy:     &apono.ApproverPolicyInput{ApprovalMode: apono.ApprovalModeAnyOf, ApproverGroups: groups},
				EscalationPolicy:   &apono.EscalationPolicyInput{IntervalInMin: new(30), ApproverGroups: groups},
				GrantDurationInMin: new(60),
				Timeframe: &apono.AccessFlowTimeframe{
					StartTime: "08:00", EndTime: "17:00", DaysOfWeek: []apono.DayOfWeek{apono.DayOfWeekMonday}, TimeZone: "UTC",
				},
				Settings: apono.AccessFlowSettings{
					RequireMFA: true, Labels: []string{"l"}, MaxExtensions: new(1), ExtensionDurationInMin: new(10),
				},
			}
		},
		(*apono.AccessFlow).UpdateInput, func(in *apono.AccessFlowInput) *string { return &in.Name }, func(f *apono.AccessFlow) string { return f.ID })
}

// The API's document requires an interval in responses and does not define a default.
func TestEscalationWithoutIntervalGetsDefault(t *testing.T) {
	t.Parallel()
	client := accessServer(t).Client().AccessFlows
	in := apono.AccessFlowInput{Name: "f", EscalationPolicy: &apono.EscalationPolicyInput{}}
	flow, err := client.Create(t.Context(), in)
	require.NoError(t, err)
	require.Positive(t, flow.EscalationPolicy.IntervalInMin, "no interval after Create")
	flow, err = client.Update(t.Context(), flow.ID, in)
	require.NoError(t, err)
	require.Positive(t, flow.EscalationPolicy.IntervalInMin, "no interval after Update")
}
