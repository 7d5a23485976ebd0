package apono_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// accessService is the common interface of the services of access flows, bundles, access
// scopes and activity reports.
type accessService[T, O, In any] interface {
	List(context.Context, ...O) (*apono.Page[T], error)
	ListAll(context.Context, ...O) iter.Seq2[*T, error]
	Get(context.Context, string) (*T, error)
	Create(context.Context, In) (*T, error)
	Update(context.Context, string, In) (*T, error)
	Delete(context.Context, string) error
}

// spacedService is the service of objects that can be created in a space.
type spacedService[T, O, In any] interface {
	List(context.Context, ...O) (*apono.Page[T], error)
	ListAll(context.Context, ...O) iter.Seq2[*T, error]
	Get(context.Context, string) (*T, error)
	Create(context.Context, In, ...apono.SpaceOptions) (*T, error)
	Update(context.Context, string, In) (*T, error)
	Delete(context.Context, string) error
}

// inNoSpace adapts a spacedService to accessService by creating without a space.
type inNoSpace[T, O, In any] struct{ spacedService[T, O, In] }

func (s inNoSpace[T, O, In]) Create(ctx context.Context, in In) (*T, error) {
	return s.spacedService.Create(ctx, in)
}

// accessSuite tests an accessService. Its fixtures are full.json, minimal.json and
// upsert.json, and future.json and future_upsert.json, which have unknown members.
type accessSuite[T, O, In any] struct {
	folder, path string
	service      func(*apono.Client) accessService[T, O, In]
	updateInput  func(*T) In
	// full, minimal and upsert are the decoded fixtures.
	full, minimal func() *T
	upsert        func() In
	// options are all options of a list except the page token, and query is their
	// encoding.
	options O
	query   string
	// onPage2 are the options with the page token "t2".
	onPage2 O
	deleted script.Response
	// rename returns a pointer to the name of an input.
	rename func(*In) *string
}

// operations calls every operation except ListAll, with the full and the minimal object.
func (s accessSuite[T, O, In]) operations(t *testing.T) {
	t.Helper()
	full, minimal := apitest.Fixture(t, s.folder+"/full.json"), apitest.Fixture(t, s.folder+"/minimal.json")
	const id, escaped = "a/1 b?", "/a%2F1%20b%3F"
	objects := []script.Response{{Body: full}, {Body: minimal}}
	want := []*T{s.full(), s.minimal()}

	t.Run("List", func(t *testing.T) {
		t.Parallel()
		fake := script.New(t,
			script.Response{Body: `{"items":[` + full + `,` + minimal + `],"pagination":{"next_page_token":"t2"}}`},
			script.Response{Body: `{"items":[],"pagination":{}}`},
		)
		service := s.service(apitest.NewClient(t, fake))
		page, err := service.List(t.Context(), s.options)
		require.NoError(t, err)
		require.Equal(t, &apono.Page[T]{Items: want, NextPageToken: "t2"}, page)
		apitest.Sent(t, fake.Requests()[0], "GET", s.path, s.query, "")
		page, err = service.List(t.Context(), s.onPage2)
		require.NoError(t, err)
		require.Equal(t, &apono.Page[T]{Items: []*T{}}, page)
		apitest.Sent(t, fake.Requests()[1], "GET", s.path, "limit=2&page_token=t2", "")
	})
	t.Run("Get", func(t *testing.T) {
		t.Parallel()
		fake := script.New(t, objects...)
		service := s.service(apitest.NewClient(t, fake))
		for i := range objects {
			got, err := service.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, want[i], got)
			apitest.Sent(t, fake.Requests()[i], "GET", s.path+escaped, "", "")
		}
	})
	t.Run("Create", func(t *testing.T) {
		t.Parallel()
		fake := script.New(t, objects[0])
		got, err := s.service(apitest.NewClient(t, fake)).Create(t.Context(), s.upsert())
		require.NoError(t, err)
		require.Equal(t, want[0], got)
		apitest.Sent(t, fake.Requests()[0], "POST", s.path, "", apitest.Fixture(t, s.folder+"/upsert.json"))
	})
	t.Run("Update", func(t *testing.T) {
		t.Parallel()
		fake := script.New(t, objects[1])
		got, err := s.service(apitest.NewClient(t, fake)).Update(t.Context(), id, s.upsert())
		require.NoError(t, err)
		require.Equal(t, want[1], got)
		apitest.Sent(t, fake.Requests()[0], "PUT", s.path+escaped, "", apitest.Fixture(t, s.folder+"/upsert.json"))
	})
	t.Run("Delete", func(t *testing.T) {
		t.Parallel()
		fake := script.New(t, s.deleted)
		require.NoError(t, s.service(apitest.NewClient(t, fake)).Delete(t.Context(), id))
		apitest.Sent(t, fake.Requests()[0], "DELETE", s.path+escaped, "", "")
	})
	t.Run("no id", func(t *testing.T) {
		t.Parallel()
		service := s.service(apitest.NewClient(t, apitest.NoRequest(t)))
		_, getErr := service.Get(t.Context(), "")
		_, updateErr := service.Update(t.Context(), "", s.upsert())
		for _, err := range []error{getErr, updateErr, service.Delete(t.Context(), "")} {
			require.Equal(t, "id", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
		}
	})
}

// sends checks the body that Create and Update send for an input.
func (s accessSuite[T, O, In]) sends(t *testing.T, in In, body string) {
	t.Helper()
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	service := s.service(apitest.NewClient(t, fake))
	_, createErr := service.Create(t.Context(), in)
	_, updateErr := service.Update(t.Context(), "x1", in)
	require.NoError(t, errors.Join(createErr, updateErr))
	apitest.Sent(t, fake.Requests()[0], "POST", s.path, "", body)
	apitest.Sent(t, fake.Requests()[1], "PUT", s.path+"/x1", "", body)
}

// rejects checks that Create and Update reject an input before they send it.
func (s accessSuite[T, O, In]) rejects(t *testing.T, in In, want apono.ArgumentError) {
	t.Helper()
	service := s.service(apitest.NewClient(t, apitest.NoRequest(t)))
	_, createErr := service.Create(t.Context(), in)
	_, updateErr := service.Update(t.Context(), "x1", in)
	for _, err := range []error{createErr, updateErr} {
		require.Equal(t, want, *apitest.ErrorAs[*apono.ArgumentError](t, err))
	}
}

// updated reads an object, edits its update input, sends the update, and returns its
// body.
func (s accessSuite[T, O, In]) updated(t *testing.T, read string, edit func(*In)) string {
	t.Helper()
	fake := script.New(t, script.Response{Body: apitest.WithID(read)}, script.Response{Body: apitest.AnyObject})
	service := s.service(apitest.NewClient(t, fake))
	object, err := service.Get(t.Context(), "x1")
	require.NoError(t, err)
	in := s.updateInput(object)
	if edit != nil {
		edit(&in)
	}
	_, err = service.Update(t.Context(), "x1", in)
	require.NoError(t, err)
	return fake.Requests()[1].Body
}

// updateInputs checks that an update input contains what was read and shares no memory
// with it.
func (s accessSuite[T, O, In]) updateInputs(t *testing.T, minimal string) {
	t.Helper()
	require.Equal(t, s.upsert(), s.updateInput(s.full()))
	apitest.JSONEq(t, apitest.Fixture(t, s.folder+"/upsert.json"), s.updated(t, apitest.Fixture(t, s.folder+"/full.json"), nil))
	apitest.JSONEq(t, minimal, s.updated(t, apitest.Fixture(t, s.folder+"/minimal.json"), nil))
	for _, object := range []func() *T{s.full, s.minimal} {
		read := object()
		in := s.updateInput(read)
		accessOverwrite(reflect.ValueOf(&in).Elem())
		require.Equal(t, "edited", *s.rename(&in))
		require.Equal(t, object(), read)
	}
}

// accessOverwrite changes every value that can be reached from v.
func accessOverwrite(v reflect.Value) {
	switch {
	case !v.CanSet() || v.Kind() == reflect.Pointer && v.IsNil():
	case v.Kind() == reflect.Pointer:
		accessOverwrite(v.Elem())
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			accessOverwrite(v.Index(i))
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			accessOverwrite(v.Field(i))
		}
	case v.Kind() == reflect.String:
		v.SetString("edited")
	case v.Kind() == reflect.Int:
		v.SetInt(-1)
	default:
		v.SetZero()
	}
}

// keepsUnknown checks that an update keeps unknown members, whichever operation the
// object was read with.
func (s accessSuite[T, O, In]) keepsUnknown(t *testing.T) {
	t.Helper()
	future, want := apitest.Fixture(t, s.folder+"/future.json"), apitest.Fixture(t, s.folder+"/future_upsert.json")
	written := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Method == http.MethodPut:
			written <- string(body)
		case r.Method == http.MethodGet && r.URL.Path == s.path:
			future := fmt.Sprintf(`{"items": [{"id": "before"}, %s, {"id": "after"}], "pagination": {"total": 3}}`, future)
			_, _ = io.WriteString(w, future)
			return
		}
		_, _ = io.WriteString(w, future)
	}))
	t.Cleanup(server.Close)
	client, err := apono.NewClient(apitest.Token, apono.WithBaseURL(server.URL))
	require.NoError(t, err)
	service := s.service(client)
	lastPut := func() string {
		select {
		case body := <-written:
			return body
		default:
			t.Fatal("expected a PUT")
			return ""
		}
	}
	for _, read := range []func() (*T, error){
		func() (*T, error) { return service.Get(t.Context(), "x1") },
		func() (*T, error) { return service.Create(t.Context(), s.upsert()) },
		func() (*T, error) { defer lastPut(); return service.Update(t.Context(), "x1", s.upsert()) },
		func() (*T, error) { page, err := service.List(t.Context()); return page.Items[1], err },
		func() (*T, error) { items, err := apono.Collect(service.ListAll(t.Context())); return items[1], err },
	} {
		object, err := read()
		require.NoError(t, err)
		in := s.updateInput(object)
		*s.rename(&in) = "Edited"
		_, err = service.Update(t.Context(), "x1", in)
		require.NoError(t, err)
		apitest.JSONEq(t, want, lastPut())
	}
}

// Spaces as an option of lists, and their encoding.
var (
	inSpaces      = []string{"My & space", apono.SpaceReferenceNone}
	inSpacesQuery = "space_references=My+%26+space&space_references=null"
)

var accessFlowSuite = accessSuite[apono.AccessFlow, apono.ListAccessFlowsOptions, apono.AccessFlowInput]{
	folder: "accessflows", path: "/api/admin/v2/access-flows",
	service: func(c *apono.Client) accessService[apono.AccessFlow, apono.ListAccessFlowsOptions, apono.AccessFlowInput] {
		return inNoSpace[apono.AccessFlow, apono.ListAccessFlowsOptions, apono.AccessFlowInput]{c.AccessFlows}
	},
	updateInput: (*apono.AccessFlow).UpdateInput,
	full:        onCall, minimal: everybody, upsert: onCallInput,
	options: apono.ListAccessFlowsOptions{Limit: 2, SpaceReferences: inSpaces}, query: "limit=2&" + inSpacesQuery,
	onPage2: apono.ListAccessFlowsOptions{Limit: 2, SpaceReferences: inSpaces, PageToken: "t2"},
	deleted: script.Response{Status: 204},
	rename:  func(in *apono.AccessFlowInput) *string { return &in.Name },
}

// onCall returns the object in accessflows/full.json.
func onCall() *apono.AccessFlow {
	return &apono.AccessFlow{
		ID: "0b6c5c2e-7a8a-4f0e-9a55-6d1f0e6f9a01", Name: "Production on call",
		Description: new("For those on call <24/7>."), Active: true, Trigger: apono.AccessFlowTriggerSelfServe,
		Requestors: apono.ConditionGroup{
			LogicalOperator: apono.LogicalOperatorOr,
			Conditions: []apono.Condition{
				{
					SourceIntegrationID: new("idp-1"), SourceIntegrationName: new("Okta"),
					Type: apono.ConditionTypeGroup, MatchOperator: new(apono.MatchOperatorIsNot), Values: []string{"group-1", "group-2"},
				},
				{Type: apono.ConditionTypeOwner},
			},
		},
		RequestorIdentityType: apono.RequestorIdentityTypeAgent,
		RequestFor: &apono.RequestFor{
			RequestScopes: []apono.RequestScope{apono.RequestScopeSelf, apono.RequestScopeOthers},
			Grantees: &apono.ConditionGroup{
				LogicalOperator: apono.LogicalOperatorAnd,
				Conditions: []apono.Condition{{
					SourceIntegrationID: new("idp-2"), SourceIntegrationName: new("Entra"),
					Type: apono.ConditionTypeUser, MatchOperator: new(apono.MatchOperatorContains), Values: []string{"ada@example.com"},
				}},
			},
		},
		AccessTargets: []apono.AccessTarget{
			{Integration: &apono.IntegrationAccessTarget{
				IntegrationID: "int-1", IntegrationName: "Orders database",
				ResourceType: "postgresql-database", Permissions: []string{"READ_ONLY", "ADMIN"},
				ResourcesScopes: []apono.ResourcesScope{
					{
						ScopeMode: apono.ScopeModeInclude, Type: apono.ResourcesScopeTypeTag,
						Key: new("env"), Values: []string{"prod", "staging"},
					},
					{ScopeMode: apono.ScopeModeExclude, Type: apono.ResourcesScopeTypeName, Values: []string{"audit"}},
				},
			}},
			{Bundle: &apono.TargetBundle{BundleID: "bundle-1", BundleName: "Reading"}},
			{AccessScope: &apono.TargetScope{AccessScopeID: "scope-1", AccessScopeName: "Databases"}},
			{QueryTarget: &apono.QueryTarget{Query: `resource_type = "k8s-namespace" and <x>`}},
		},
		ApproverPolicy: &apono.ApproverPolicy{
			ApprovalMode: apono.ApprovalModeAllOf,
			ApproverGroups: []apono.ApproverGroup{
				{LogicalOperator: apono.LogicalOperatorAnd, Approvers: []apono.Condition{
					{
						SourceIntegrationID: new("idp-3"), SourceIntegrationName: new("PagerDuty"),
						Type: "pagerduty_shift", MatchOperator: new(apono.MatchOperatorStartsWith), Values: []string{"shift-1"},
					},
					{Type: apono.ConditionTypeManager},
				}},
				{LogicalOperator: apono.LogicalOperatorOr, Approvers: []apono.Condition{
					{Type: apono.ConditionTypeUser, MatchOperator: new(apono.MatchOperatorIs), Values: []string{"user-3"}},
				}},
			},
		},
		EscalationPolicy: &apono.EscalationPolicy{
			IntervalInMin: 45,
			ApproverGroups: []apono.ApproverGroup{
				{LogicalOperator: apono.LogicalOperatorOr, Approvers: []apono.Condition{{
					SourceIntegrationID: new("idp-4"), SourceIntegrationName: new("Opsgenie"),
					Type: "opsgenie_schedule", MatchOperator: new(apono.MatchOperatorDoesNotContain),
					Values: []string{"schedule-1", "schedule-2"},
				}}},
				{LogicalOperator: apono.LogicalOperatorAnd, Approvers: []apono.Condition{
					{Type: apono.ConditionTypeUser, MatchOperator: new(apono.MatchOperatorIs), Values: []string{"user-4"}},
				}},
			},
		},
		GrantDurationInMin: new(90),
		Timeframe: &apono.AccessFlowTimeframe{
			StartTime: "08:00", EndTime: "17:30", TimeZone: "Europe/Berlin",
			DaysOfWeek: []apono.DayOfWeek{apono.DayOfWeekMonday, apono.DayOfWeekFriday},
		},
		Settings: apono.AccessFlowSettings{
			JustificationRequired: true, RequestorCannotApproveHimself: true, Labels: []string{"on-call", "production"},
			MaxExtensions: new(2), ExtensionDurationInMin: new(30),
		},
		CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 123e6, time.UTC),
		UpdateDate:   new(time.Date(2026, 4, 6, 10, 11, 12, 0, time.UTC)),
		Space:        &apono.SpaceReference{SpaceID: "space-1", SpaceName: "Payments"},
	}
}

// everybody returns the object in accessflows/minimal.json.
func everybody() *apono.AccessFlow {
	return &apono.AccessFlow{
		ID: "flow-2", Name: "Everybody", Trigger: apono.AccessFlowTriggerAutomatic,
		Requestors:    apono.ConditionGroup{LogicalOperator: apono.LogicalOperatorAnd, Conditions: []apono.Condition{}},
		AccessTargets: []apono.AccessTarget{},
		Settings:      apono.AccessFlowSettings{JustificationRequired: true, RequireApproverReason: true, Labels: []string{}},
		CreationDate:  time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC),
	}
}

// onCallInput returns the input in accessflows/upsert.json.
func onCallInput() apono.AccessFlowInput {
	flow := onCall() // for members with the same form in object and input
	return apono.AccessFlowInput{
		Name: "Production on call", Description: new("For those on call <24/7>."),
		Active: true, Trigger: apono.AccessFlowTriggerSelfServe,
		Requestors: apono.ConditionGroupInput{
			LogicalOperator: apono.LogicalOperatorOr,
			Conditions: []apono.ConditionInput{
				{
					SourceIntegrationReference: new("idp-1"), Type: apono.ConditionTypeGroup,
					MatchOperator: new(apono.MatchOperatorIsNot), Values: []string{"group-1", "group-2"},
				},
				{Type: apono.ConditionTypeOwner},
			},
		},
		RequestorIdentityType: apono.RequestorIdentityTypeAgent,
		RequestFor: &apono.RequestForInput{
			RequestScopes: []apono.RequestScope{apono.RequestScopeSelf, apono.RequestScopeOthers},
			Grantees: &apono.ConditionGroupInput{
				LogicalOperator: apono.LogicalOperatorAnd,
				Conditions: []apono.ConditionInput{{
					SourceIntegrationReference: new("idp-2"), Type: apono.ConditionTypeUser,
					MatchOperator: new(apono.MatchOperatorContains), Values: []string{"ada@example.com"},
				}},
			},
		},
		AccessTargets: []apono.AccessTargetInput{
			{Integration: &apono.IntegrationAccessTargetInput{
				IntegrationReference: "int-1", ResourceType: "postgresql-database", Permissions: []string{"READ_ONLY", "ADMIN"},
				ResourcesScopes: flow.AccessTargets[0].Integration.ResourcesScopes,
			}},
			{Bundle: &apono.TargetBundleInput{BundleReference: "bundle-1"}},
			{AccessScope: &apono.TargetScopeInput{AccessScopeReference: "scope-1"}},
			{QueryTarget: &apono.QueryTarget{Query: `resource_type = "k8s-namespace" and <x>`}},
		},
		ApproverPolicy: &apono.ApproverPolicyInput{
			ApprovalMode: apono.ApprovalModeAllOf,
			ApproverGroups: []apono.ApproverGroupInput{
				{LogicalOperator: apono.LogicalOperatorAnd, Approvers: []apono.ConditionInput{
					{
						SourceIntegrationReference: new("idp-3"), Type: "pagerduty_shift",
						MatchOperator: new(apono.MatchOperatorStartsWith), Values: []string{"shift-1"},
					},
					{Type: apono.ConditionTypeManager},
				}},
				{LogicalOperator: apono.LogicalOperatorOr, Approvers: []apono.ConditionInput{
					{Type: apono.ConditionTypeUser, MatchOperator: new(apono.MatchOperatorIs), Values: []string{"user-3"}},
				}},
			},
		},
		EscalationPolicy: &apono.EscalationPolicyInput{
			IntervalInMin: new(45),
			ApproverGroups: []apono.ApproverGroupInput{
				{LogicalOperator: apono.LogicalOperatorOr, Approvers: []apono.ConditionInput{{
					SourceIntegrationReference: new("idp-4"), Type: "opsgenie_schedule",
					MatchOperator: new(apono.MatchOperatorDoesNotContain), Values: []string{"schedule-1", "schedule-2"},
				}}},
				{LogicalOperator: apono.LogicalOperatorAnd, Approvers: []apono.ConditionInput{
					{Type: apono.ConditionTypeUser, MatchOperator: new(apono.MatchOperatorIs), Values: []string{"user-4"}},
				}},
			},
		},
		GrantDurationInMin: new(90),
		Timeframe:          flow.Timeframe,
		Settings:           flow.Settings,
	}
}

func TestAccessFlowOperations(t *testing.T) {
	t.Parallel()
	accessFlowSuite.operations(t)
}

// The token of the second page includes the filters. A server may reject requests that
// also have them.
func TestListAllOfAccessAndReportsReadsAllPages(t *testing.T) {
	t.Parallel()
	for path, list := range map[string]func(context.Context, *apono.Client) ([]string, error){
		"/api/admin/v2/access-flows": func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.AccessFlows.ListAll(ctx, apono.ListAccessFlowsOptions{Limit: 2}), func(f *apono.AccessFlow) string { return f.ID })
		},
		"/api/admin/v2/bundles": func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Bundles.ListAll(ctx, apono.ListBundlesOptions{Limit: 2, Name: "p*"}), func(b *apono.Bundle) string { return b.ID })
		},
		"/api/admin/v1/access-scopes": func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Scopes.ListAll(ctx, apono.ListScopesOptions{Limit: 2, Name: "p*"}), func(s *apono.AccessScope) string { return s.ID })
		},
		"/api/admin/v1/activity-reports": func(ctx context.Context, c *apono.Client) ([]string, error) {
			return apitest.Names(c.Reports.ListAll(ctx, apono.ListReportsOptions{Limit: 2, Name: "p*"}), func(r *apono.ActivityReport) string { return r.ID })
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t,
				script.Response{Body: apitest.TokenPage("t2", "a", "b")}, script.Response{Body: apitest.TokenPage("t3")}, script.Response{Body: apitest.TokenPage("", "c")})
			got, err := list(t.Context(), apitest.NewClient(t, fake))
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c"}, got)
			first := "limit=2&name=p%2A"
			if path == accessFlowSuite.path {
				first = "limit=2"
			}
			for i, query := range []string{first, "limit=2&page_token=t2", "limit=2&page_token=t3"} {
				apitest.Sent(t, fake.Requests()[i], "GET", path, query, "")
			}
		})
	}
}

func TestAccessFlowConstants(t *testing.T) {
	t.Parallel()
	for constant, want := range map[any]string{
		apono.AccessFlowTriggerSelfServe: "SELF_SERVE", apono.AccessFlowTriggerAutomatic: "AUTOMATIC",
		apono.LogicalOperatorAnd: "AND", apono.LogicalOperatorOr: "OR",
		apono.ConditionTypeUser: "user", apono.ConditionTypeGroup: "group",
		apono.ConditionTypeManager: "manager", apono.ConditionTypeOwner: "Owner",
		apono.MatchOperatorIs: "is", apono.MatchOperatorIsNot: "is_not", apono.MatchOperatorContains: "contains",
		apono.MatchOperatorDoesNotContain: "does_not_contain", apono.MatchOperatorStartsWith: "starts_with",
		apono.RequestScopeSelf: "self", apono.RequestScopeOthers: "others", apono.RequestScopeDirectReports: "direct_reports",
		apono.ApprovalModeAnyOf: "ANY_OF", apono.ApprovalModeAllOf: "ALL_OF",
		apono.ScopeModeInclude: "include_resources", apono.ScopeModeExclude: "exclude_resources",
		apono.ResourcesScopeTypeName: "NAME", apono.ResourcesScopeTypeTag: "TAG", apono.ResourcesScopeTypeAponoID: "APONO_ID",
		apono.DayOfWeekMonday: "MONDAY", apono.DayOfWeekTuesday: "TUESDAY", apono.DayOfWeekWednesday: "WEDNESDAY",
		apono.DayOfWeekThursday: "THURSDAY", apono.DayOfWeekFriday: "FRIDAY", apono.DayOfWeekSaturday: "SATURDAY",
		apono.DayOfWeekSunday: "SUNDAY", apono.RequestorIdentityTypeHuman: "HUMAN", apono.RequestorIdentityTypeAgent: "AGENT",
	} {
		require.Equal(t, want, fmt.Sprint(constant))
	}
}

// accessFlowRest are the members of a flow that most tests leave empty.
const accessFlowRest = `"name": "", "active": false, "trigger": "", "requestor_identity_type": "HUMAN",
	"settings": {
		"justification_required": false, "require_approver_reason": false, "requestor_cannot_approve_himself": false,
		"require_mfa": false, "labels": []
	}`

// The API rejects null for labels, conditions or targets, and flows without
// request_for_others. An omitted max_extensions of 0 would mean no limit.
func TestAccessFlowInputsAreSentWithoutNulls(t *testing.T) {
	t.Parallel()
	const requestors = `"requestors": {"logical_operator": "", "conditions": []}`
	for _, c := range []struct {
		name string
		in   apono.AccessFlowInput
		body string
	}{
		{"zero", apono.AccessFlowInput{}, `{` + accessFlowRest + `, ` + requestors + `, "access_targets": [], "request_for_others": false}`},
		{
			"empty members",
			apono.AccessFlowInput{
				Description: new(""), RequestFor: &apono.RequestForInput{}, ApproverPolicy: &apono.ApproverPolicyInput{},
				EscalationPolicy: &apono.EscalationPolicyInput{}, GrantDurationInMin: new(0), Timeframe: &apono.AccessFlowTimeframe{},
				Requestors: apono.ConditionGroupInput{Conditions: []apono.ConditionInput{
					{},
					{SourceIntegrationReference: new(""), MatchOperator: new(apono.MatchOperator("")), Values: []string{}},
				}},
				AccessTargets: []apono.AccessTargetInput{
					{Integration: &apono.IntegrationAccessTargetInput{}},
					{Integration: &apono.IntegrationAccessTargetInput{ResourcesScopes: []apono.ResourcesScope{}}},
					{Bundle: &apono.TargetBundleInput{}},
					{AccessScope: &apono.TargetScopeInput{}},
					{QueryTarget: &apono.QueryTarget{}},
				},
				RequestForOthers: true,
			},
			`{` + accessFlowRest + `,
				"description": "", "request_for": {"request_scopes": []}, "approver_policy": {"approval_mode": "", "approver_groups": []},
				"escalation_policy": {"approver_groups": []}, "grant_duration_in_min": 0,
				"timeframe": {"start_time": "", "end_time": "", "days_of_week": [], "time_zone": ""},
				"requestors": {"logical_operator": "", "conditions": [
					{"type": ""}, {"source_integration_reference": "", "type": "", "match_operator": "", "values": []}
				]},
				"access_targets": [
					{"integration": {"integration_reference": "", "resource_type": "", "permissions": []}},
					{"integration": {"integration_reference": "", "resource_type": "", "permissions": [], "resources_scopes": []}},
					{"bundle": {"bundle_reference": ""}},
					{"access_scope": {"access_scope_reference": ""}},
					{"query_target": {"query": ""}}
				],
				"request_for_others": true
			}`,
		},
		{
			"empty nested members",
			apono.AccessFlowInput{
				Active: true, RequestorIdentityType: "ROBOT",
				RequestFor:       &apono.RequestForInput{Grantees: &apono.ConditionGroupInput{}},
				ApproverPolicy:   &apono.ApproverPolicyInput{ApproverGroups: []apono.ApproverGroupInput{{}}},
				EscalationPolicy: &apono.EscalationPolicyInput{IntervalInMin: new(0), ApproverGroups: []apono.ApproverGroupInput{{}}},
				AccessTargets: []apono.AccessTargetInput{{Integration: &apono.IntegrationAccessTargetInput{
					ResourcesScopes: []apono.ResourcesScope{{}, {Key: new("")}},
				}}},
				Settings: apono.AccessFlowSettings{
					RequireApproverReason: true, RequireMFA: true, MaxExtensions: new(0), ExtensionDurationInMin: new(0),
				},
			},
			`{
				"name": "", "active": true, "trigger": "", "requestor_identity_type": "ROBOT", ` + requestors + `,
				"request_for": {"request_scopes": [], "grantees": {"logical_operator": "", "conditions": []}},
				"approver_policy": {"approval_mode": "", "approver_groups": [{"logical_operator": "", "approvers": []}]},
				"escalation_policy": {"interval_in_min": 0, "approver_groups": [{"logical_operator": "", "approvers": []}]},
				"access_targets": [{"integration": {
					"integration_reference": "", "resource_type": "", "permissions": [],
					"resources_scopes": [{"scope_mode": "", "type": "", "values": []}, {"scope_mode": "", "type": "", "key": "", "values": []}]
				}}],
				"settings": {
					"justification_required": false, "require_approver_reason": true, "requestor_cannot_approve_himself": false,
					"require_mfa": true, "labels": [], "max_extensions": 0, "extension_duration_in_min": 0
				},
				"request_for_others": false
			}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			accessFlowSuite.sends(t, c.in, c.body)
		})
	}
}

// The error names the index of the target.
func TestAccessTargetWithoutExactlyOneMemberIsArgumentError(t *testing.T) {
	t.Parallel()
	integration, bundle := &apono.IntegrationAccessTargetInput{}, &apono.TargetBundleInput{}
	scope, query := &apono.TargetScopeInput{}, &apono.QueryTarget{}
	for found, target := range map[string]apono.AccessTargetInput{
		"none is":                                    {},
		"Integration and Bundle are":                 {Integration: integration, Bundle: bundle},
		"Bundle and AccessScope are":                 {Bundle: bundle, AccessScope: scope},
		"AccessScope and QueryTarget are":            {AccessScope: scope, QueryTarget: query},
		"Integration and Bundle and AccessScope are": {Integration: integration, Bundle: bundle, AccessScope: scope},
	} {
		t.Run(found, func(t *testing.T) {
			t.Parallel()
			accessFlowSuite.rejects(t, apono.AccessFlowInput{AccessTargets: []apono.AccessTargetInput{{Bundle: bundle}, target}},
				apono.ArgumentError{
					Arg:    "in.AccessTargets[1]",
					Reason: "exactly one of Integration, Bundle, AccessScope and QueryTarget must be set, but " + found,
				})
		})
	}
}

// An input with unknown members may hold a target of an unknown kind, but never two known
// kinds in one target.
func TestUpdateWithUnknownMembersRejectsTargetOfTwoKinds(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "accessflows/future.json")})
	client := apitest.NewClient(t, fake)
	flow, err := client.AccessFlows.Get(t.Context(), "flow-3")
	require.NoError(t, err)
	in := flow.UpdateInput()
	in.AccessTargets[4].Bundle = &apono.TargetBundleInput{BundleReference: "b"}
	_, err = client.AccessFlows.Update(t.Context(), "flow-3", in)
	require.Equal(t, "in.AccessTargets[4]", apitest.ErrorAs[*apono.ArgumentError](t, err).Arg)
	require.Len(t, fake.Requests(), 1)
}

// An update replaces the whole flow, so a field that the conversion misses would be
// cleared.
func TestAccessFlowUpdateInputIsComplete(t *testing.T) {
	t.Parallel()
	accessFlowSuite.updateInputs(t, `{
		"name": "Everybody", "active": false, "trigger": "AUTOMATIC", "requestor_identity_type": "HUMAN",
		"requestors": {"logical_operator": "AND", "conditions": []}, "access_targets": [],
		"settings": {
			"justification_required": true, "require_approver_reason": true, "requestor_cannot_approve_himself": false,
			"require_mfa": false, "labels": []
		},
		"request_for_others": false
	}`)
}

func TestAccessFlowUpdateInputRefersByIDOrName(t *testing.T) {
	t.Parallel()
	const flow = `"access_targets": [],
		"requestors": {"logical_operator": "", "conditions": [CONDITION]},
		"request_for": {"request_scopes": [], "grantees": {"logical_operator": "", "conditions": [CONDITION]}},
		"approver_policy": {"approval_mode": "", "approver_groups": [{"logical_operator": "", "approvers": [CONDITION]}]},
		"escalation_policy": {"interval_in_min": 1, "approver_groups": [{"logical_operator": "", "approvers": [CONDITION]}]}`
	for read, want := range map[string]string{
		`"source_integration_id": "idp-1", "source_integration_name": "Okta",`: `"source_integration_reference": "idp-1",`,
		`"source_integration_id": null, "source_integration_name": "Okta",`:    `"source_integration_reference": "Okta",`,
		`"source_integration_name": "Okta",`:                                   `"source_integration_reference": "Okta",`,
		`"source_integration_id": null, "source_integration_name": null,`:      ``,
	} {
		with := func(source string) string {
			return strings.ReplaceAll(flow, "CONDITION", `{`+source+` "type": "user", "values": []}`)
		}
		accessFlowEdit{"", with(read), nil, with(want)}.run(t)
	}
}

// A program that only renames flows must not clear members that are newer than its
// version of this package.
func TestAccessFlowUpdateKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	accessFlowSuite.keepsUnknown(t)
}

// accessFlowEdit is an update of a flow, with the relevant members that are read and
// written.
type accessFlowEdit struct {
	name, read string
	edit       func(*apono.AccessFlowInput)
	want       string
}

func (e accessFlowEdit) run(t *testing.T) {
	t.Helper()
	body := accessFlowSuite.updated(t, `{`+accessFlowRest+`, `+e.read+`}`, e.edit)
	apitest.JSONEq(t, `{`+accessFlowRest+`, "request_for_others": false, `+e.want+`}`, body)
}

// Unknown members in another element would change who gets access to what.
func TestUnknownMembersMoveWithElementsOfAccessFlow(t *testing.T) {
	t.Parallel()
	type in = apono.AccessFlowInput
	const targets = `"requestors": {"logical_operator": "", "conditions": []}, "access_targets": `
	const conditions = `"access_targets": [], "requestors": {"logical_operator": "", "conditions": `
	const groups = conditions + `[]}, "escalation_policy": {"interval_in_min": 1, "approver_groups": `
	const threeConditions = conditions + `[{"type": "a", "x": 1}, {"type": "b", "x": 2}, {"type": "c", "x": 3}]}`
	const threeTargets = targets + `[
		{"integration": {"integration_id": "i1", "integration_name": "n", "resource_type": "t", "permissions": ["p"], "x": 1,
			"resources_scopes": [{"scope_mode": "m", "type": "NAME", "values": ["a"], "x": 2}]}},
		{"space": {"space_id": "s1"}},
		{"bundle": {"bundle_id": "b1", "bundle_name": "n"}, "x": 3}
	]`
	const integrationWritten = `{"integration": {"integration_reference": "i1", "resource_type": "t", "permissions": ["p"], "x": 1,
		"resources_scopes": [{"scope_mode": "m", "type": "NAME", "values": ["a"], "x": 2}]}}`
	const bundleWritten = `{"bundle": {"bundle_reference": "b1"}, "x": 3}`
	const threeGroups = groups + `[
		{"logical_operator": "AND", "x": 1, "approvers": [{"type": "a", "x": 2}]},
		{"logical_operator": "OR", "x": 3, "approvers": [{"type": "a", "x": 4}, {"type": "b"}]},
		{"logical_operator": "OR", "approvers": [{"type": "c", "x": 5}]}
	]}`
	for _, c := range []accessFlowEdit{
		{
			"conditions moved", threeConditions,
			func(in *in) {
				c := in.Requestors.Conditions
				c[0], c[1], c[2] = c[2], c[0], c[1]
			},
			conditions + `[{"type": "c", "x": 3}, {"type": "a", "x": 1}, {"type": "b", "x": 2}]}`,
		},
		{
			"conditions added, edited and removed", threeConditions,
			func(in *in) {
				c := in.Requestors.Conditions
				c[1].Values = []string{"v"}
				in.Requestors.Conditions = []apono.ConditionInput{{Type: "new"}, c[1], c[2]}
			},
			conditions + `[{"type": "new"}, {"type": "b", "values": ["v"], "x": 2}, {"type": "c", "x": 3}]}`,
		},
		{
			"targets moved", threeTargets,
			func(in *in) { a := in.AccessTargets; a[0], a[1], a[2] = a[1], a[2], a[0] },
			targets + `[{"space": {"space_id": "s1"}}, ` + bundleWritten + `, ` + integrationWritten + `]`,
		},
		{
			"a target added and one edited", threeTargets,
			func(in *in) {
				in.AccessTargets[2].Bundle.BundleReference = "b2"
				scope := apono.AccessTargetInput{AccessScope: &apono.TargetScopeInput{AccessScopeReference: "s"}}
				in.AccessTargets = append([]apono.AccessTargetInput{scope}, in.AccessTargets...)
			},
			targets + `[{"access_scope": {"access_scope_reference": "s"}}, ` + integrationWritten + `,
				{"space": {"space_id": "s1"}}, {"bundle": {"bundle_reference": "b2"}, "x": 3}]`,
		},
		{
			"the target of an unknown kind removed", threeTargets,
			func(in *in) { in.AccessTargets = append(in.AccessTargets[:1], in.AccessTargets[2]) },
			targets + `[` + integrationWritten + `, ` + bundleWritten + `]`,
		},
		{
			"the target of an unknown kind replaced", threeTargets,
			func(in *in) {
				in.AccessTargets[1] = apono.AccessTargetInput{Bundle: &apono.TargetBundleInput{BundleReference: "b3"}}
			},
			targets + `[` + integrationWritten + `, {"bundle": {"bundle_reference": "b3"}}, ` + bundleWritten + `]`,
		},
		{
			"groups moved and one edited", threeGroups,
			func(in *in) {
				g := in.EscalationPolicy.ApproverGroups
				g[2].LogicalOperator = "AND"
				g[0], g[1] = g[1], g[0]
			},
			groups + `[
				{"logical_operator": "OR", "x": 3, "approvers": [{"type": "a", "x": 4}, {"type": "b"}]},
				{"logical_operator": "AND", "x": 1, "approvers": [{"type": "a", "x": 2}]},
				{"logical_operator": "AND", "approvers": [{"type": "c", "x": 5}]}
			]}`,
		},
		{
			"everything removed", threeGroups,
			func(in *in) { in.EscalationPolicy.ApproverGroups = nil },
			groups + `[]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// Adding an approver to a group must not remove unknown members of the other approvers.
func TestUnknownMembersOfNestedElementsSurviveEditOfAccessFlow(t *testing.T) {
	t.Parallel()
	const empty = `"access_targets": [], "requestors": {"logical_operator": "", "conditions": []}`
	for _, c := range []accessFlowEdit{
		{
			"an approver added to a group",
			empty + `, "approver_policy": {"approval_mode": "", "approver_groups": [
				{"logical_operator": "AND", "approvers": [{"type": "manager", "level": 2}]}
			]}`,
			func(in *apono.AccessFlowInput) {
				group := &in.ApproverPolicy.ApproverGroups[0]
				group.Approvers = append(group.Approvers, apono.ConditionInput{Type: "user"})
			},
			empty + `, "approver_policy": {"approval_mode": "", "approver_groups": [
				{"logical_operator": "AND", "approvers": [{"type": "manager", "level": 2}, {"type": "user"}]}
			]}`,
		},
		{
			"a permission added to a target",
			`"requestors": {"logical_operator": "", "conditions": []}, "access_targets": [{"integration": {
				"integration_id": "i1", "integration_name": "n", "resource_type": "t", "permissions": [],
				"resources_scopes": [{"scope_mode": "m", "type": "PATH", "values": [], "depth": 2}]
			}}]`,
			func(in *apono.AccessFlowInput) { in.AccessTargets[0].Integration.Permissions = []string{"READ"} },
			`"requestors": {"logical_operator": "", "conditions": []}, "access_targets": [{"integration": {
				"integration_reference": "i1", "resource_type": "t", "permissions": ["READ"],
				"resources_scopes": [{"scope_mode": "m", "type": "PATH", "values": [], "depth": 2}]
			}}]`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// The order of elements is significant, for example in an escalation. Removing one must
// not change the order of elements that differ only in unknown members.
func TestRemovingElementKeepsOrderOfElementsThatDifferInUnknownMembers(t *testing.T) {
	t.Parallel()
	const spaces = `{"space": {"space_id": "s1"}}, {"space": {"space_id": "s2"}}]`
	const targets = `"requestors": {"logical_operator": "", "conditions": []}, "access_targets": [`
	accessFlowEdit{
		"", targets + `{"bundle": {"bundle_id": "b1", "bundle_name": "n"}}, ` + spaces,
		func(in *apono.AccessFlowInput) { in.AccessTargets = in.AccessTargets[1:] },
		targets + spaces,
	}.run(t)
}

// The remaining target must be the second one, although this version sees no difference
// between them.
func TestRemovingTargetOfUnknownKindRemovesThatTarget(t *testing.T) {
	t.Parallel()
	const targets = `"requestors": {"logical_operator": "", "conditions": []}, "access_targets": [`
	accessFlowEdit{
		"", targets + `{"space": {"space_id": "s1"}}, {"space": {"space_id": "s2"}}]`,
		func(in *apono.AccessFlowInput) { in.AccessTargets = in.AccessTargets[1:] },
		targets + `{"space": {"space_id": "s2"}}]`,
	}.run(t)
}

// The members of a target of an unknown kind are copied with it, also into another flow.
func TestTargetOfUnknownKindCanBeCopiedToAnotherFlow(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"id": "f1", "access_targets": [{"space": {"space_id": "s1"}}]}`}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake).AccessFlows
	flow, err := client.Get(t.Context(), "f1")
	require.NoError(t, err)
	_, err = client.Create(t.Context(), apono.AccessFlowInput{AccessTargets: flow.UpdateInput().AccessTargets})
	require.NoError(t, err)
	require.Contains(t, fake.Requests()[1].Body, `"access_targets":[{"space":{"space_id":"s1"}}]`)
}

// A field without a tag would be sent under its Go name, which the API ignores.
func TestAccessFlowTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListAccessFlowsOptions]())
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.AccessFlow](), reflect.TypeFor[apono.AccessFlowInput](), reflect.TypeFor[apono.AccessFlowSettings](),
		reflect.TypeFor[apono.AccessFlowTimeframe](), reflect.TypeFor[apono.ConditionGroup](), reflect.TypeFor[apono.ConditionGroupInput](),
		reflect.TypeFor[apono.Condition](), reflect.TypeFor[apono.ConditionInput](), reflect.TypeFor[apono.RequestFor](),
		reflect.TypeFor[apono.RequestForInput](), reflect.TypeFor[apono.ConditionGroup](), reflect.TypeFor[apono.ConditionGroupInput](),
		reflect.TypeFor[apono.ApproverPolicy](), reflect.TypeFor[apono.ApproverPolicyInput](), reflect.TypeFor[apono.ApproverGroup](),
		reflect.TypeFor[apono.ApproverGroupInput](), reflect.TypeFor[apono.EscalationPolicy](),
		reflect.TypeFor[apono.EscalationPolicyInput](), reflect.TypeFor[apono.AccessTarget](), reflect.TypeFor[apono.AccessTargetInput](),
		reflect.TypeFor[apono.IntegrationAccessTarget](), reflect.TypeFor[apono.IntegrationAccessTargetInput](),
		reflect.TypeFor[apono.ResourcesScope](), reflect.TypeFor[apono.TargetBundle](),
		reflect.TypeFor[apono.TargetBundleInput](), reflect.TypeFor[apono.TargetScope](), reflect.TypeFor[apono.QueryTarget](),
		reflect.TypeFor[apono.TargetScopeInput](),
	)
}
