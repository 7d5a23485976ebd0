package aponotest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

// demoAda is the id of Ada of team orders.
const demoAda = "user-00-00"

// Tests compare the output of examples, so the data must be exactly the same in every
// server, except that activity is relative to its clock.
func TestDemoTenantDoesNotDependOnTime(t *testing.T) {
	t.Parallel()
	read := func(year int) map[string]string {
		clock := func() time.Time { return time.Date(year, time.May, 6, 7, 8, 9, 0, time.UTC) }
		server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutNetwork(), aponotest.WithClock(clock))
		lists := map[string]string{}
		add := func(path string) []string {
			type object struct {
				ID string `json:"id"`
			}
			var page struct {
				Items []object `json:"items"`
				Data  []object `json:"data"`
			}
			lists[path] = lifecycleGet(t, server, path)
			if strings.HasPrefix(lists[path], "[") {
				return nil // a list without pages
			}
			require.NoError(t, json.Unmarshal([]byte(lists[path]), &page))
			var ids []string
			for _, item := range append(page.Items, page.Data...) {
				ids = append(ids, item.ID)
			}
			return ids
		}
		for _, op := range operation.All() {
			if op.Method == http.MethodGet && len(op.Parameters()) == 0 {
				add(op.Path)
			}
		}
		for _, id := range add(integrationsPath + "?limit=1000") {
			add("/api/v3/integrations/" + id + "/resources")
			add("/api/v3/integrations/" + id + "/permissions")
		}
		for _, id := range add(faultGroupsPath + "?limit=1000") {
			add(faultGroupsPath + "/" + id + "/members")
		}
		for _, id := range add(requestsPath + "?requestor=" + demoAda) {
			add(requestsPath + "/" + id + "/entitlements")
		}
		add(availablePath + "/entitlements?limit=10000")
		return lists
	}
	first, second := read(2026), read(2041)
	require.Greater(t, len(first), 580, "too few lists") // two lists for each integration
	const latest = `"request_date":"%d-05-05T08:00:00Z"` // the clock is on the next day
	require.Contains(t, first["/api/v3/activity"], fmt.Sprintf(latest, 2026))
	require.Contains(t, second["/api/v3/activity"], fmt.Sprintf(latest, 2041))
	times := regexp.MustCompile(`:(17|22)\d{8}\b`) // in seconds
	for path := range first {
		same := times.ReplaceAllString(strings.ReplaceAll(second[path], `"2041-`, `"2026-`), "*") == times.ReplaceAllString(first[path], "*")
		require.Truef(t, same, "%s differs between servers", path)
	}
}

const demoDatabase = "postgresql-production-orders"

// demoArguments are the arguments of List methods that need one.
var demoArguments = map[string][]any{
	"Integrations.ListAllPermissions":                      {demoDatabase},
	"Integrations.ListAllResources":                        {demoDatabase},
	"AccessRequests.ListAll":                               {apono.ListAccessRequestsOptions{Requestor: demoAda}},
	"AccessRequests.ListAllEntitlements":                   {"request-ada-active"},
	"Groups.ListAllMembers":                                {"group-orders"},
	"Spaces.ListAllMembers":                                {"space-orders"},
	"Legacy.AccessRequests.ListAllSelectableResourceTypes": {demoDatabase},
	"Legacy.AccessRequests.ListAllSelectablePermissions":   {demoDatabase, "postgresql-table"},
	"Legacy.AccessRequests.ListAllSelectableResources":     {demoDatabase, "postgresql-table"},
}

// demoCounts calls the ListAll methods of a client or of its Legacy part and counts the
// items.
func demoCounts(t *testing.T, prefix string, services reflect.Value, counts map[string]int) {
	t.Helper()
	for i := range services.NumField() {
		field := services.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if field.Name == "Legacy" {
			demoCounts(t, "Legacy.", services.Field(i).Elem(), counts)
		}
		for j := range field.Type.NumMethod() {
			name := prefix + field.Name + "." + field.Type.Method(j).Name
			if !strings.HasPrefix(field.Type.Method(j).Name, "ListAll") {
				continue
			}
			arguments := []reflect.Value{reflect.ValueOf(t.Context())}
			for _, argument := range demoArguments[name] {
				arguments = append(arguments, reflect.ValueOf(argument))
			}
			counts[name] = 0
			for _, err := range services.Field(i).Method(j).Call(arguments)[0].Seq2() {
				require.Truef(t, err.IsNil(), "%s returned an error: %v", name, err)
				counts[name]++
			}
		}
	}
}

// Every list has items that the SDK can decode.
func TestDemoTenantCanBeListed(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"Integrations.ListAll": 273, "Integrations.ListAllCatalog": 10, "Integrations.ListAllPermissions": 6, "Integrations.ListAllResources": 2,
		"AccessFlows.ListAll": 15, "Bundles.ListAll": 11, "Scopes.ListAll": 2, "Connectors.ListAll": 3, "Reports.ListAll": 0,
		"Users.ListAll": 100, "Groups.ListAll": 11, "Groups.ListAllMembers": 10, "Attributes.ListAll": 20,
		"Identities.ListAll": 131, "Identities.ListAllAttributes": 100,
		"AccessRequests.ListAll": 9, "AccessRequests.ListAllEntitlements": 1, "DelegatedRequests.ListAll": 1, "Sessions.ListAll": 2, "Activity.ListAll": 600,
		// Six of each AWS account, 2 and 1 of the other clouds, 6 and 3 of each of
		// two databases, 6 of Kubernetes and 2 of SSH: 35 for each of 30 pairs.
		"Spaces.ListAll": 2, "Spaces.ListAllMembers": 2, "SpaceScopes.ListAll": 2,
		"AvailableAccess.ListAllBundles": 11, "AvailableAccess.ListAllEntitlements": 1050,
		"Legacy.Integrations.ListAll": 273, "Legacy.AccessFlows.ListAll": 15, "Legacy.AccessBundles.ListAll": 11, "Legacy.Users.ListAll": 100,
		"Legacy.AccessRequests.ListAll": 600, "Legacy.AccessRequests.ListAllSelectableIntegrations": 270,
		"Legacy.AccessRequests.ListAllSelectableResourceTypes": 2, "Legacy.AccessRequests.ListAllSelectablePermissions": 3,
		"Legacy.AccessRequests.ListAllSelectableResources": 1,
	}
	for name, opts := range map[string][]aponotest.Option{
		"at once": nil, "in pages": {aponotest.WithPageSize(60), aponotest.WithOffsetPageSize(60)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := aponotest.NewServer(t, append(opts, aponotest.WithDemoTenant(), aponotest.WithoutNetwork())...)
			got := map[string]int{}
			demoCounts(t, "", reflect.ValueOf(server.Client()).Elem(), got)
			require.Equal(t, want, got)
		})
	}
}

// demoIndex has the objects of the demo tenant that others refer to.
type demoIndex struct {
	t *testing.T
	// known are the ids and names of each kind: "integration/okta".
	known map[string]bool
}

func (x *demoIndex) add(kind string, parts ...string) {
	x.known[kind+"/"+strings.Join(parts, "/")] = true
}

// has fails the test if the object does not exist.
func (x *demoIndex) has(from, kind string, parts ...string) {
	x.t.Helper()
	reference := kind + "/" + strings.Join(parts, "/")
	require.Truef(x.t, x.known[reference], "%s does not exist; %s refers to it", reference, from)
}

// source checks a reference to a source integration.
func (x *demoIndex) source(from string, id, name *string) {
	x.t.Helper()
	if id != nil || name != nil {
		x.has(from, "integration", *id, *name)
	}
}

// target checks an integration target of a bundle or flow.
func (x *demoIndex) target(from string, target *apono.IntegrationAccessTarget) {
	x.t.Helper()
	if target == nil {
		return
	}
	x.has(from, "integration", target.IntegrationID, target.IntegrationName)
	x.has(from, "resource type", target.IntegrationID, target.ResourceType)
	require.NotEmptyf(x.t, target.Permissions, "no permissions in %s", from)
	for _, permission := range target.Permissions {
		x.has(from, "permission", target.IntegrationID, target.ResourceType, permission)
	}
}

// space checks the space of an object.
func (x *demoIndex) space(from string, space *apono.SpaceReference) {
	x.t.Helper()
	if space != nil {
		x.has(from, "space", space.SpaceID, space.SpaceName)
	}
}

// condition checks that the values of a condition exist in its source. The value "*"
// matches everybody.
func (x *demoIndex) condition(from string, condition apono.Condition) {
	x.t.Helper()
	x.source(from, condition.SourceIntegrationID, condition.SourceIntegrationName)
	for _, value := range condition.Values {
		source := ""
		if condition.SourceIntegrationID != nil {
			source = *condition.SourceIntegrationID
		}
		if value != "*" {
			x.has(from, "person", string(condition.Type), value, source)
		}
	}
}

func demoEach[T any](t *testing.T, seq iter.Seq2[*T, error], do func(*T)) {
	t.Helper()
	n := 0
	for item, err := range seq {
		require.NoError(t, err)
		do(item)
		n++
	}
	require.Positivef(t, n, "no %s", reflect.TypeFor[T]())
}

// demoObjects returns an index of all objects that others can refer to.
func demoObjects(t *testing.T, client *apono.Client) *demoIndex {
	t.Helper()
	ctx, x := t.Context(), &demoIndex{t, map[string]bool{}}
	demoEach(t, client.Integrations.ListAll(ctx), func(i *apono.Integration) {
		x.add("integration", i.ID, i.Name)
		if i.Category != "RESOURCES" {
			return
		}
		demoEach(t, client.Integrations.ListAllResources(ctx, i.ID), func(r *apono.Resource) {
			x.add("resource type", i.ID, r.Type)
			x.add("resource", i.ID, r.Type, r.Name)
			require.Falsef(t, x.known["resource id/"+r.ID], "duplicate resource id %s", r.ID)
			x.add("resource id", r.ID)
		})
		demoEach(t, client.Integrations.ListAllPermissions(ctx, i.ID), func(p *apono.Permission) {
			x.has(p.ID, "resource type", i.ID, p.ResourceType)
			x.add("permission", i.ID, p.ResourceType, p.Name)
		})
	})
	demoEach(t, client.Integrations.ListAllCatalog(ctx), func(c *apono.CatalogEntry) { x.add("integration type", c.Type) })
	demoEach(t, client.Connectors.ListAll(ctx), func(c *apono.Connector) { x.add("connector", c.ID) })
	demoEach(t, client.Users.ListAll(ctx), func(u *apono.User) {
		x.add("user", u.ID, u.Email)
		x.add("name", u.Email, u.FirstName+" "+u.LastName)
		x.add("person", "user", u.Email, *u.SourceIntegrationID)
	})
	demoEach(t, client.Groups.ListAll(ctx), func(g *apono.Group) {
		source := ""
		if g.SourceIntegrationID != nil {
			source = *g.SourceIntegrationID
			require.NotEmptyf(t, *g.SourceID, "no source id of %s", g.ID)
		}
		x.add("person", "group", g.ID, source)
		x.add("group", g.ID, g.Name)
	})
	demoEach(t, client.Attributes.ListAll(ctx), func(a *apono.Attribute) { x.add("person", a.Type, a.Value, *a.SourceIntegrationID) })
	demoEach(t, client.Scopes.ListAll(ctx), func(s *apono.AccessScope) { x.add("scope", s.ID, s.Name) })
	demoEach(t, client.SpaceScopes.ListAll(ctx), func(s *apono.SpaceScope) { x.add("space scope", s.ID, s.Name, s.Query) })
	demoEach(t, client.Spaces.ListAll(ctx), func(s *apono.Space) { x.add("space", s.ID, s.Name) })
	demoEach(t, client.Bundles.ListAll(ctx), func(b *apono.Bundle) { x.add("bundle", b.ID, b.Name); x.add("bundle name", b.Name) })
	demoEach(t, client.AccessFlows.ListAll(ctx), func(f *apono.AccessFlow) { x.add("flow", f.ID, f.Name) })
	return x
}

func TestDemoTenantReferencesExist(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutNetwork())
	client, ctx := server.Client(), t.Context()
	x := demoObjects(t, client)
	demoEach(t, client.Integrations.ListAll(ctx), func(i *apono.Integration) {
		x.has(i.ID, "integration type", i.Type)
		if i.ConnectorID != nil {
			x.has(i.ID, "connector", *i.ConnectorID)
		}
		for _, resourceType := range i.ConnectedResourceTypes {
			x.has(i.ID, "resource type", i.ID, resourceType)
		}
		if i.Owner != nil {
			x.source(i.ID, i.Owner.SourceIntegrationID, i.Owner.SourceIntegrationName)
			for _, value := range i.Owner.AttributeValue {
				x.has(i.ID, "person", i.Owner.AttributeType, value, "")
			}
		}
	})
	demoEach(t, client.Users.ListAll(ctx), func(u *apono.User) {
		x.source(u.ID, u.SourceIntegrationID, u.SourceIntegrationName)
		require.Len(t, u.Attributes, 1)
		x.has(u.ID, "person", "team", u.Attributes["team"], "google-idp")
	})
	demoEach(t, client.Attributes.ListAll(ctx), func(a *apono.Attribute) { x.source(a.Value, a.SourceIntegrationID, a.SourceIntegrationName) })
	fromIdP := 0
	demoEach(t, client.Groups.ListAll(ctx), func(g *apono.Group) {
		x.source(g.ID, g.SourceIntegrationID, g.SourceIntegrationName)
		if g.SourceIntegrationID != nil {
			fromIdP++
		}
		demoEach(t, client.Groups.ListAllMembers(ctx, g.ID), func(m *apono.GroupMember) { x.has(g.ID, "person", "user", m.Email, "google-idp") })
	})
	demoEach(t, client.Bundles.ListAll(ctx), func(b *apono.Bundle) {
		for _, target := range b.AccessTargets {
			x.target(b.ID, target.Integration)
			if target.AccessScope != nil {
				x.has(b.ID, "scope", target.AccessScope.AccessScopeID, target.AccessScope.AccessScopeName)
			}
		}
		x.space(b.ID, b.Space)
	})
	demoEach(t, client.AccessFlows.ListAll(ctx), func(f *apono.AccessFlow) {
		for _, condition := range f.Requestors.Conditions {
			x.condition(f.ID, condition)
		}
		if f.ApproverPolicy != nil {
			for _, group := range f.ApproverPolicy.ApproverGroups {
				for _, approver := range group.Approvers {
					x.condition(f.ID, approver)
				}
			}
		}
		for _, target := range f.AccessTargets {
			x.target(f.ID, target.Integration)
			if target.Bundle != nil {
				x.has(f.ID, "bundle", target.Bundle.BundleID, target.Bundle.BundleName)
			}
			if target.AccessScope != nil {
				x.has(f.ID, "scope", target.AccessScope.AccessScopeID, target.AccessScope.AccessScopeName)
			}
		}
		x.space(f.ID, f.Space)
	})
	demoEach(t, client.Scopes.ListAll(ctx), func(s *apono.AccessScope) { x.space(s.ID, s.Space) })
	demoEach(t, client.Spaces.ListAll(ctx), func(s *apono.Space) {
		for _, scope := range s.SpaceScopes {
			x.has(s.ID, "space scope", scope.ID, scope.Name, scope.Query)
		}
		demoEach(t, client.Spaces.ListAllMembers(ctx, s.ID), func(m *apono.SpaceMember) {
			if m.IdentityType == apono.SpaceIdentityTypeGroup {
				x.has(s.ID, "group", m.IdentityID, m.Name)
				return
			}
			x.has(s.ID, "user", m.IdentityID, *m.Email)
			x.has(s.ID, "name", *m.Email, m.Name)
		})
	})
	require.Positive(t, fromIdP, "no group of an identity provider")
}

// demoSince returns the creation or update times of objects, by kind and id.
func demoSince(t *testing.T, client *apono.Client) map[string]time.Time {
	t.Helper()
	since := map[string]time.Time{}
	note := func(kind, id string, created time.Time, updated *time.Time) {
		since[kind+"/"+id] = created
		if updated != nil {
			require.Falsef(t, updated.Before(created), "%s was updated before its creation", id)
			since[kind+"/"+id] = *updated
		}
	}
	ctx := t.Context()
	demoEach(t, client.AccessFlows.ListAll(ctx), func(f *apono.AccessFlow) { note("flow", f.ID, f.CreationDate, f.UpdateDate) })
	demoEach(t, client.Bundles.ListAll(ctx), func(b *apono.Bundle) { note("bundle", b.ID, b.CreationDate, &b.UpdateDate) })
	demoEach(t, client.Scopes.ListAll(ctx), func(s *apono.AccessScope) { note("scope", s.ID, s.CreationDate, &s.UpdateDate) })
	demoEach(t, client.SpaceScopes.ListAll(ctx), func(s *apono.SpaceScope) { note("space scope", s.ID, s.CreatedDate, &s.UpdatedDate) })
	demoEach(t, client.Spaces.ListAll(ctx), func(s *apono.Space) { note("space", s.ID, s.CreatedDate, &s.UpdatedDate) })
	return since
}

// Activity, access requests of both versions, entitlements and sessions must agree.
func TestDemoTenantIsConsistent(t *testing.T) {
	t.Parallel()
	server := demoServer(t)
	client, ctx := server.Client(), t.Context()
	x, since := demoObjects(t, client), demoSince(t, client)
	var last time.Time
	open := map[string]bool{}
	rows := map[string]*apono.ActivityEntry{}
	at := func(row *apono.ActivityEntry, column string) (time.Time, bool) {
		text, ok := row.Extra[column]
		if !ok {
			return time.Time{}, false
		}
		moment, err := time.Parse(time.RFC3339, string(bytes.Trim(text, `"`)))
		require.NoError(t, err)
		return moment, true
	}
	demoEach(t, client.Activity.ListAll(ctx, apono.ListActivityOptions{Fields: []apono.ReportField{
		"requestor_name", "requestor_email", "integration", "resource_type", "resources", "permissions", "access_flow", "bundle_name", "request_id",
		"request_date", "request_grant_date", "request_revoke_date", "status", "justification", "grantee_id", "grantee_name",
	}}), func(a *apono.ActivityEntry) {
		id := *a.RequestID
		require.NotContains(t, rows, id)
		rows[id] = a
		x.has(id, "name", *a.RequestorEmail, *a.RequestorName)
		x.has(id, "integration", *a.Integration, *a.Integration)
		x.has(id, "resource", *a.Integration, *a.ResourceType, a.Resources[0])
		x.has(id, "permission", *a.Integration, *a.ResourceType, a.Permissions[0])
		x.has(id, "flow", "flow-"+a.Resources[0], *a.AccessFlow)
		x.has(id, "bundle name", string(bytes.Trim(a.Extra["bundle_name"], `"`)))

		request, err := client.AccessRequests.Get(ctx, id)
		require.NoError(t, err)
		require.EqualValues(t, request.Status, *a.Status)
		require.Equal(t, *request.Justification, *a.Justification)
		require.Equal(t, request.Requestor.SourceID, *a.RequestorEmail)
		x.has(id, "user", request.Requestor.ID, request.Requestor.SourceID)
		x.has(id, "bundle", request.Bundle.ID, request.Bundle.Name)
		require.Equal(t, request.CreationDate.Format(time.RFC3339), *a.RequestDate)
		require.Truef(t, request.CreationDate.After(since["bundle/"+request.Bundle.ID]), "%s is older than its bundle", id)
		require.Truef(t, request.CreationDate.After(since["flow/flow-"+a.Resources[0]]), "%s is older than its flow", id)
		if request.CreationDate.After(last) {
			last = request.CreationDate
		}
		granted, isGranted := at(a, "request_grant_date")
		ended, isEnded := at(a, "request_revoke_date")
		require.Equalf(t, request.Status == "ACTIVE" || request.Status == "REVOKED", isGranted, "wrong grant date of %s", id)
		require.Equalf(t, request.Status == "REVOKED", isEnded, "wrong end of %s", id)
		require.Equalf(t, isEnded, request.RevocationDate != nil, "wrong end of %s", id)
		require.Truef(t, !isGranted || granted.After(request.CreationDate), "%s was granted before its creation", id)
		require.Truef(t, !isEnded || ended.After(granted) && ended.Equal(*request.RevocationDate), "wrong end of %s", id)
		open[id] = request.Status == "ACTIVE"

		demoEach(t, client.AccessRequests.ListAllEntitlements(ctx, id), func(e *apono.AccessRequestEntitlement) {
			require.EqualValues(t, request.Status, e.Status)
			x.has(id, "resource", e.Integration.ID, e.Resource.Type.ID, e.Resource.Name)
			x.has(id, "resource id", e.Resource.ID)
			x.has(id, "permission", e.Integration.ID, e.Resource.Type.ID, e.Permission.Name)
			require.Equal(t, *a.Integration, e.Integration.Name)
			require.Equal(t, a.Resources, []string{e.Resource.Name})
			require.Equal(t, a.Permissions, []string{e.Permission.Name})
			require.Equal(t, request.AccessGroups[0].Integration.ID, e.Integration.ID)
			require.Equal(t, request.AccessGroups[0].ResourceTypes[0].ID, e.Resource.Type.ID)
		})

		// Version 3 returns the same request.
		old, err := client.Legacy.AccessRequests.Get(ctx, id)
		require.NoError(t, err)
		who := request.Requestor.ID
		if request.Grantee != nil {
			who = request.Grantee.ID
			x.has(id, "user", request.Grantee.ID, request.Grantee.SourceID)
			x.has(id, "name", request.Grantee.SourceID, string(bytes.Trim(a.Extra["grantee_name"], `"`)))
		}
		require.Equal(t, who, old.UserID)
		require.Equal(t, *a.Integration, old.IntegrationID)
		require.Equal(t, a.Permissions, old.Permissions)
		require.EqualValuesf(t, map[apono.AccessRequestStatus]string{
			"ACTIVE": "GRANTED", "PENDING": "PENDING", "REVOKED": "EXPIRED", "REJECTED": "REJECTED",
		}[request.Status], old.Status, "the status of %s", id)
	})
	demoEach(t, client.DelegatedRequests.ListAll(ctx), func(r *apono.DelegatedAccessRequest) { require.Contains(t, rows, r.ID) })

	// Active requests have a session, others have none.
	demoEach(t, client.Sessions.ListAll(ctx), func(s *apono.AccessSession) {
		x.has(s.ID, "integration", s.Integration.ID, s.Integration.Name)
		for _, id := range s.RequestIDs {
			require.Truef(t, open[id], "session %s belongs to %s, which is not active", s.ID, id)
			require.Equal(t, *rows[id].Integration, s.Integration.Name)
			delete(open, id)
		}
		details, err := client.Sessions.GetAccessDetails(ctx, s.ID)
		require.NoError(t, err)
		require.NotEmpty(t, details.Parameters["password"])
	})
	for id, isOpen := range open {
		require.Falsef(t, isOpen, "no session for %s", id)
	}
	require.Len(t, rows, 600)

	// Connectors and integrations that work were last seen after the last request.
	demoEach(t, client.Connectors.ListAll(ctx), func(c *apono.Connector) {
		require.Falsef(t, c.LastConnected.Before(last), "%s was connected before the last request", c.ID)
	})
	demoEach(t, client.Integrations.ListAll(ctx), func(i *apono.Integration) {
		require.Equal(t, i.Status == "ERROR", i.LastSyncTime == nil)
		require.Falsef(t, i.LastSyncTime != nil && i.LastSyncTime.Before(last), "%s was synced before the last request", i.ID)
	})
}

func TestDemoTenantBundlesCanBeRequested(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutNetwork(), aponotest.WithApprovalAfter(0))
	client, ctx := server.Client(), t.Context()
	made, err := client.AccessRequests.Create(ctx, apono.CreateAccessRequestInput{
		BundleReference: new("Orders on-call"), Justification: new("On call"),
	})
	require.NoError(t, err)
	require.Len(t, made, 1)
	var entitlements []string
	demoEach(t, client.AccessRequests.ListAllEntitlements(ctx, made[0].ID), func(e *apono.AccessRequestEntitlement) {
		entitlements = append(entitlements, fmt.Sprintf("%s %s %s", e.Resource.ID, e.Permission.Name, e.Status))
	})
	require.Equal(t, []string{
		"postgresql-production-orders-postgresql-database READ_ONLY ACTIVE", "postgresql-production-orders-postgresql-database READ_WRITE ACTIVE",
		"k8s-roles-production-orders-k8s-roles-namespace view ACTIVE", "k8s-roles-production-orders-k8s-roles-namespace edit ACTIVE",
	}, entitlements)
	var sessions []string
	demoEach(t, client.Sessions.ListAll(ctx), func(s *apono.AccessSession) { sessions = append(sessions, s.Name) })
	require.Equal(t, []string{"postgresql-production-orders", "k8s-roles-production-orders"}, sessions[2:], "wrong sessions after the first two")
	for _, id := range []string{"request-ada-active", "request-ada-pending"} {
		_, err := client.AccessRequests.Revoke(ctx, id)
		require.NoError(t, err)
		revoked, err := client.AccessRequests.Get(ctx, id)
		require.NoError(t, err)
		require.EqualValuesf(t, "REVOKED", revoked.Status, "wrong end of %s", id)
		require.NotNilf(t, revoked.RevocationDate, "wrong end of %s", id)
	}
}

func TestDemoTenantSize(t *testing.T) {
	t.Parallel()
	read := func() string {
		server := aponotest.NewServer(t, aponotest.WithDemoTenant())
		all, err := apono.Collect(server.Client().Integrations.ListAll(t.Context()))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(all), 250, "too few integrations")
		types, categories := map[string]int{}, map[apono.IntegrationCategory]int{}
		for _, integration := range all {
			types[integration.Type]++
			categories[integration.Category]++
		}
		require.GreaterOrEqual(t, len(types), 8, "too few types")
		require.Len(t, categories, 2)
		for c, id := range map[aponotest.Collection]string{
			aponotest.Connectors: "production-connector", aponotest.Users: "user-00-00", aponotest.Groups: "group-orders",
		} {
			require.Truef(t, server.Get(c, id, &map[string]any{}), "no %s in %s", id, c)
		}
		data, err := json.Marshal(all)
		require.NoError(t, err)
		return string(data)
	}
	require.Equal(t, read(), read())
}

// The demo tenant is added without the checks of Put.
func TestDemoTenantIsWhatPutStores(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]aponotest.Option{"newest": nil, "without spaces": {aponotest.WithoutSpaces()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			demo := demoServer(t, opts...)
			copied := aponotest.NewServer(t, append(opts, aponotest.WithoutNetwork())...)
			var collections []aponotest.Collection
			put := func(c aponotest.Collection) (ids []string) {
				collections = append(collections, c)
				for _, o := range aponotest.List[map[string]any](demo, c) {
					if c == aponotest.Activity {
						delete(*o, "integration_name") // List adds it beside the ID
					}
					copied.Put(c, *o) // rejects unknown fields of a map
					id, _ := (*o)["id"].(string)
					ids = append(ids, id)
				}
				return ids
			}
			for _, c := range []aponotest.Collection{aponotest.Catalog, aponotest.Connectors, aponotest.Users, aponotest.Attributes, aponotest.Activity, aponotest.Scopes, aponotest.Bundles, aponotest.AccessFlows} {
				put(c)
			}
			for c, nested := range map[aponotest.Collection][]func(string) aponotest.Collection{
				aponotest.Integrations:   {aponotest.ResourcesOf, aponotest.PermissionsOf},
				aponotest.Groups:         {aponotest.MembersOf},
				aponotest.AccessRequests: {aponotest.EntitlementsOf},
				aponotest.Sessions:       {aponotest.DetailsOf},
			} {
				for _, id := range put(c) {
					for _, of := range nested {
						put(of(id))
					}
				}
			}
			if opts == nil {
				put(aponotest.SpaceScopes)
				for _, id := range put(aponotest.Spaces) {
					put(aponotest.SpaceMembersOf(id))
				}
			}
			objects := 0
			for _, c := range collections {
				want, got := aponotest.List[json.RawMessage](demo, c), aponotest.List[json.RawMessage](copied, c)
				require.Len(t, got, len(want))
				for i := range want {
					require.Equal(t, string(*want[i]), string(*got[i]))
				}
				objects += len(want)
			}
			require.Greater(t, objects, 3000)
		})
	}
}

func TestDemoTenantWithoutSpaces(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t, aponotest.WithDemoTenant(), aponotest.WithoutSpaces(), aponotest.WithoutNetwork())
	client := server.Client()
	flows, err := apono.Collect(client.AccessFlows.ListAll(t.Context()))
	require.NoError(t, err)
	require.Len(t, flows, 13)
	for _, flow := range flows {
		require.Nilf(t, flow.Space, "space in %s", flow.Name)
		require.Emptyf(t, flow.RequestorIdentityType, "requestor identity type in %s", flow.Name)
	}
	_, err = client.Spaces.List(t.Context())
	require.ErrorIs(t, err, apono.ErrNotFound)
}
